package weir

import "unsafe"

// What a script can ask of the host.

//go:wasmimport weir attr
func hostAttr(event uint32, name *byte, nameLen uint32, value *byte, valueLen uint32)

//go:wasmimport weir emit
func hostEmit(json *byte, size uint32)

//go:wasmimport weir log
func hostLog(level uint32, text *byte, size uint32)

//go:wasmimport weir param
func hostParam(name *byte, nameLen uint32, to *byte, toLen uint32) int32

//go:wasmimport weir process
func hostProcess(pid uint32, to *byte, toLen uint32) int32

// Level says how urgent a line of the log is.
type Level uint32

// Levels.
const (
	Debug Level = iota
	Info
	Warn
	Error
)

// Log adds a line to the script's log. The host takes some hundred lines a second: none per event.
func Log(level Level, line string) { hostLog(uint32(level), unsafe.StringData(line), uint32(len(line))) }

// Emit hands on a result that is no row of a table: a JSON object, shown with the script.
func Emit(json string) { hostEmit(unsafe.StringData(json), uint32(len(json))) }

// Param returns a parameter's value; false if there is no such parameter.
func Param(name string) (string, bool) {
	value, ok := written(func(to []byte) int32 {
		return hostParam(unsafe.StringData(name), uint32(len(name)), unsafe.SliceData(to), uint32(len(to)))
	})
	return string(value), ok
}

// Process returns what the host knows of a process, a JSON object; false if it knows none.
func Process(pid uint32) ([]byte, bool) {
	return written(func(to []byte) int32 {
		return hostProcess(pid, unsafe.SliceData(to), uint32(len(to)))
	})
}

// written asks for a text of unknown length, twice if it must.
func written(ask func(to []byte) int32) ([]byte, bool) {
	to := make([]byte, 1024)
	size := ask(to)
	if int(size) > len(to) {
		to = make([]byte, size)
		size = ask(to)
	}
	if size < 0 {
		return nil, false
	}
	return to[:min(int(size), len(to))], true
}
