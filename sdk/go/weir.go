// Package weir is for scripts of Weir that are written in Go. The smallest filter:
//
//	package main
//
//	import "weir"
//
//	type root struct{}
//
//	func (root) Describe() string {
//		return `{"name":"root","summary":"keeps what root sends","role":"filter","language":"go"}`
//	}
//
//	func (root) Event(it *weir.Event) weir.Verdict {
//		return weir.KeepIf(it.Uid == 0)
//	}
//
//	func init() { weir.Register(root{}) }
//
//	func main() {}
//
// Build it with
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o mine.wasm .
//
// Nothing is copied of a batch: slices lead into it, and are as they are until the batch ends.
package weir

// Verdict says what becomes of an event.
type Verdict byte

// KeepIf keeps an event if something is so, and drops it if not.
func KeepIf(it bool) Verdict {
	if it {
		return Keep
	}
	return Drop
}

// Script is what every script has.
type Script interface {
	// Describe returns JSON, see docs/scripting.md.
	Describe() string
	// Event is called for each event; the next one is in the same place.
	Event(it *Event) Verdict
}

// Starter is a script that is told of its start, before all events. An error refuses it.
type Starter interface{ Start() error }

// Batcher is a script that is told of each batch, before its events.
type Batcher interface{ Batch(it *Batch) }

// Ticker is a script that is called about once a second, with the milliseconds since the pipeline began.
type Ticker interface{ Tick(nowMs uint32) }

// Saver is a script that says what the next version goes on from, when this one is swapped.
type Saver interface{ Save() []byte }

// Restorer is a script that goes on from what the version before saved, with that one's "state_version". It is
// called after the start. An error refuses the state.
type Restorer interface {
	Restore(version uint32, state []byte) error
}

var script Script

// Register says which script this module is. Call it from init.
func Register(it Script) { script = it }
