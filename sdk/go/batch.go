package weir

import (
	"bytes"
	"unsafe"
)

// Batch is a batch whose header was checked: what it promises lies within the bytes.
type Batch struct {
	*BatchHeader
	bytes []byte
	heap  []byte
}

// read looks at another batch. False when it is none that this script can read.
func (b *Batch) read(all []byte) bool {
	if len(all) < BatchHeaderBytes {
		return false
	}
	header := (*BatchHeader)(unsafe.Pointer(&all[0]))
	size := uint64(len(all))
	// In 64 bits nothing overflows; heads must be aligned to be read as structs.
	if header.Version != Abi || header.Stride < HeadBytes || (header.Heads|header.Stride)%8 != 0 ||
		uint64(header.Heads)+uint64(header.Count)*uint64(header.Stride) > size ||
		uint64(header.Verdicts)+uint64(header.Count) > size ||
		uint64(header.Heap)+uint64(header.HeapLen) > size {
		return false
	}
	heap := all[header.Heap:][:header.HeapLen]
	*b = Batch{header, all, heap}
	return true
}

// Event returns the event at an index below Count.
func (b *Batch) Event(at int) *Event {
	it := new(Event)
	b.moveTo(it, at)
	return it
}

func (b *Batch) moveTo(it *Event, at int) {
	if uint(at) >= uint(b.Count) {
		panic("beyond the batch")
	}
	it.Head = (*Head)(unsafe.Pointer(&b.bytes[int(b.Heads)+at*int(b.Stride)]))
	it.At, it.heap = at, b.heap
}

// Drop drops the event at an index below Count.
func (b *Batch) Drop(at int) {
	if uint(at) >= uint(b.Count) {
		panic("beyond the batch")
	}
	b.bytes[int(b.Verdicts)+at] = Drop
}

// Event is an event of the batch at hand, with all fields of the layout.
type Event struct {
	*Head
	// At is its index in the batch.
	At   int
	heap []byte
}

// Part returns a variable part: empty when there is nothing, or when it would lie outside of the heap.
func (e *Event) Part(span Span) []byte {
	if uint64(span.Offset)+uint64(span.Len) > uint64(len(e.heap)) {
		return nil
	}
	return e.heap[span.Offset:][:span.Len]
}

// CommText returns the calling thread's name.
func (e *Event) CommText() []byte {
	comm, _, _ := bytes.Cut(e.Comm[:], []byte{0})
	return comm
}

// CallName returns the name of the call, or "unknown".
func (e *Event) CallName() string {
	if e.Call == 0 || int(e.Call) > len(CallNames) {
		return "unknown"
	}
	return CallNames[e.Call-1]
}

// Errno says why the call failed: a number of errno(3), or 0.
func (e *Event) Errno() uint32 {
	if e.Ret < 0 && e.Ret >= -4095 {
		return uint32(-e.Ret)
	}
	return 0
}

// ErrorName returns the name of that error, or "unknown"; "" if the call did not fail.
func (e *Event) ErrorName() string { return ErrorName(e.Errno()) }

// IsRead says whether a group of fields (Group…) was read, whole or up to a limit.
func (e *Event) IsRead(group int) bool {
	return e.Status[group] == StatusOk || e.Status[group] == StatusTruncated
}

// AddAttr adds an attribute: scripts further along the pipeline, the API and the page see it.
func (e *Event) AddAttr(name string, value []byte) {
	hostAttr(uint32(e.At), unsafe.StringData(name), uint32(len(name)), unsafe.SliceData(value), uint32(len(value)))
}

// FindAttr returns an attribute that a script before this one added: the last of that name.
func (e *Event) FindAttr(name string) (value []byte, found bool) {
	for attr := range e.AllAttrs() {
		if string(attr.Name) == name {
			value, found = attr.Value, true
		}
	}
	return value, found
}

// PayloadBytes returns the first bytes of the payload, as many as scripts want.
func (e *Event) PayloadBytes() []byte { return e.Part(e.Payload) }
