package weir

import "unsafe"

//go:wasmimport weir table_open
func hostTableOpen(kind uint32, name *byte, nameLen uint32, options *byte, optionsLen uint32) uint32

//go:wasmimport weir table_add_many
func hostTableAddMany(table uint32, rows *byte, size uint32)

// Kind says what a table does with values.
type Kind uint32

// Kinds.
const (
	Counter Kind = iota
	Histogram
	Gauge
	TopK
	Distinct
	Rate
)

const (
	// Room for the rows of a batch: what is more is handed over before its end.
	rowsRoom = 64 << 10
	// Of a row: length of the key, zero, value.
	rowHead = 16
)

// Table is a table of the host's, and what a batch adds to it: gathered here, and handed over in one call.
type Table struct {
	handle uint32
	kind   Kind
	rows   []byte
	// Offset of the row of each key.
	at  map[string]int
	key []byte
}

var tables []*Table

// OpenTable finds or makes a table. Options are JSON: {"labels":["process"],"unit":"ns","help":"one line"}.
func OpenTable(kind Kind, name, options string) *Table {
	handle := hostTableOpen(
		uint32(kind), unsafe.StringData(name), uint32(len(name)), unsafe.StringData(options), uint32(len(options)),
	)
	it := &Table{handle: handle, kind: kind, rows: make([]byte, 0, rowsRoom), at: map[string]int{}}
	tables = append(tables, it)
	return it
}

// Add adds a value to the row of these labels, as many as the table has.
func (t *Table) Add(value uint64, labels ...[]byte) {
	t.key = t.key[:0]
	for index, label := range labels {
		if index > 0 {
			t.key = append(t.key, 0)
		}
		for _, each := range label {
			// A NUL would begin another label.
			if each == 0 {
				each = '@'
			}
			t.key = append(t.key, each)
		}
	}
	// Each value of a histogram counts by itself.
	sums := t.kind != Histogram && t.kind != Distinct
	if sums {
		if row, known := t.at[string(t.key)]; known {
			if t.kind != Gauge {
				value += little.Uint64(t.rows[row+8:])
			}
			little.PutUint64(t.rows[row+8:], value)
			return
		}
	}
	size := (rowHead + len(t.key) + 7) &^ 7
	if len(t.rows)+size > rowsRoom {
		t.Flush()
	}
	row := len(t.rows)
	t.rows = little.AppendUint64(t.rows, uint64(len(t.key)))
	t.rows = little.AppendUint64(t.rows, value)
	t.rows = append(t.rows, t.key...)
	for len(t.rows) < row+size {
		t.rows = append(t.rows, 0)
	}
	if sums {
		t.at[string(t.key)] = row
	}
}

// Flush hands over what was added. The end of a batch does it for every table.
func (t *Table) Flush() {
	if len(t.rows) > 0 {
		hostTableAddMany(t.handle, unsafe.SliceData(t.rows), uint32(len(t.rows)))
		t.rows = t.rows[:0]
		clear(t.at)
	}
}

func flushTables() {
	for _, table := range tables {
		table.Flush()
	}
}
