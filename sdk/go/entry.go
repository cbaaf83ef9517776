package weir

import "unsafe"

// What the host calls.

var (
	// Where batches are written: words, so that it is aligned.
	room []uint64
	// The text that the host was last pointed at.
	text    []byte
	atHand  Batch
	current Event
)

func pointAt(bytes []byte) uint64 {
	text = bytes
	if len(text) == 0 {
		return 0
	}
	return uint64(uintptr(unsafe.Pointer(&text[0])))<<32 | uint64(len(text))
}

func refusal(err error) uint64 {
	if err == nil {
		return 0
	}
	return pointAt([]byte(err.Error()))
}

func bytesAt(at unsafe.Pointer, size uint32) []byte { return unsafe.Slice((*byte)(at), size) }

//go:wasmexport weir_abi
func weirAbi() uint32 { return Abi }

//go:wasmexport weir_alloc
func weirAlloc(size uint32) unsafe.Pointer {
	// The old one goes first, so that both need not fit.
	room = nil
	room = make([]uint64, (uint64(size)+7)/8)
	return unsafe.Pointer(unsafe.SliceData(room))
}

//go:wasmexport weir_describe
func weirDescribe() uint64 { return pointAt([]byte(script.Describe())) }

//go:wasmexport weir_start
func weirStart() uint64 {
	var err error
	if it, ok := script.(Starter); ok {
		err = it.Start()
	}
	flushTables()
	return refusal(err)
}

//go:wasmexport weir_batch
func weirBatch(at unsafe.Pointer, size uint32) {
	if !atHand.read(bytesAt(at, size)) {
		panic("this is no batch that the script can read")
	}
	if it, ok := script.(Batcher); ok {
		it.Batch(&atHand)
	}
	for at := range atHand.Count {
		atHand.moveTo(&current, int(at))
		if script.Event(&current) == Drop {
			atHand.Drop(int(at))
		}
	}
	flushTables()
}

//go:wasmexport weir_tick
func weirTick(nowMs uint32) {
	if it, ok := script.(Ticker); ok {
		it.Tick(nowMs)
	}
	flushTables()
}

//go:wasmexport weir_save
func weirSave() uint64 {
	if it, ok := script.(Saver); ok {
		return pointAt(it.Save())
	}
	return 0
}

//go:wasmexport weir_restore
func weirRestore(version uint32, at unsafe.Pointer, size uint32) uint64 {
	if it, ok := script.(Restorer); ok {
		return refusal(it.Restore(version, bytesAt(at, size)))
	}
	return 0
}
