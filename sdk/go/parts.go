package weir

import (
	"encoding/binary"
	"iter"
)

// Variable parts of an event, one piece at a time. No bytes, however wrong, lead outside of their part: a walk ends
// where a piece is malformed.

var little = binary.LittleEndian

// Attr is an attribute that a script added.
type Attr struct{ Name, Value []byte }

// AllAttrs walks the attributes.
func (e *Event) AllAttrs() iter.Seq[Attr] {
	return walk(e.Part(e.Attrs), func(rest []byte) (Attr, int) {
		if len(rest) < 4 {
			return Attr{}, 0
		}
		name, end := 4+int(little.Uint16(rest)), 4+int(little.Uint16(rest))+int(little.Uint16(rest[2:]))
		if end > len(rest) {
			return Attr{}, 0
		}
		return Attr{rest[4:name], rest[name:end]}, end
	})
}

// Buffer is a buffer of a message.
type Buffer struct{ Base, Len uint64 }

// AllIov walks the first entries of the iovec table.
func (e *Event) AllIov() iter.Seq[Buffer] {
	return walk(e.Part(e.Iov), func(rest []byte) (Buffer, int) {
		if len(rest) < 16 {
			return Buffer{}, 0
		}
		return Buffer{little.Uint64(rest), little.Uint64(rest[8:])}, 16
	})
}

// ControlMessage is a control message.
type ControlMessage struct {
	// SOL_*, IPPROTO_*
	Level int32
	// By level: SCM_*, IP_*, …
	Type int32
	// Without padding.
	Data []byte
}

// Credentials are a process and whom it acts for.
type Credentials struct{ Pid, Uid, Gid uint32 }

// Credentials returns the process that it tells of, if it is of the type SCM_CREDENTIALS.
func (m ControlMessage) Credentials() (Credentials, bool) {
	if m.Level != 1 || m.Type != 2 || len(m.Data) < 12 {
		return Credentials{}, false
	}
	return Credentials{little.Uint32(m.Data), little.Uint32(m.Data[4:]), little.Uint32(m.Data[8:])}, true
}

// AllControl walks the control messages.
func (e *Event) AllControl() iter.Seq[ControlMessage] { return controls(e.Part(e.Control)) }

func controls(part []byte) iter.Seq[ControlMessage] {
	return walk(part, func(rest []byte) (ControlMessage, int) {
		if len(rest) < 16 {
			return ControlMessage{}, 0
		}
		size := little.Uint64(rest)
		if size < 16 || size > uint64(len(rest)) {
			return ControlMessage{}, 0
		}
		level, kind := int32(little.Uint32(rest[8:])), int32(little.Uint32(rest[12:]))
		// The last one need not be padded.
		return ControlMessage{level, kind, rest[16:size]}, min(int(size+7)&^7, len(rest))
	})
}

// File is a descriptor, and what it is of.
type File struct {
	Fd int32
	// As the link in /proc/PID/fd; empty where it was not seen.
	Text []byte
}

// AllFiles walks what descriptors are: those of SCM_RIGHTS (and SCM_PIDFD) messages in their order; of sendfile the
// input, then the output.
func (e *Event) AllFiles() iter.Seq[File] {
	return walk(e.Part(e.Files), func(rest []byte) (File, int) {
		if len(rest) < 6 || len(rest)-6 < int(little.Uint16(rest[4:])) {
			return File{}, 0
		}
		end := 6 + int(little.Uint16(rest[4:]))
		return File{int32(little.Uint32(rest)), rest[6:end]}, end
	})
}

// ProcessPart is something known of the process.
type ProcessPart struct {
	// Process…
	Kind  uint16
	Bytes []byte
}

// AllProcess walks what else the host knows of the process.
func (e *Event) AllProcess() iter.Seq[ProcessPart] {
	return walk(e.Part(e.Process), func(rest []byte) (ProcessPart, int) {
		if len(rest) < 4 || len(rest)-4 < int(little.Uint16(rest[2:])) {
			return ProcessPart{}, 0
		}
		end := 4 + int(little.Uint16(rest[2:]))
		return ProcessPart{little.Uint16(rest), rest[4:end]}, end
	})
}

// Kernel is what the kernel used instead of what the caller showed.
type Kernel struct {
	// Number of bytes to send.
	Bytes uint64
	// Destination: struct sockaddr.
	Name    []byte
	control []byte
}

// AllControl walks the control messages that the kernel used.
func (k Kernel) AllControl() iter.Seq[ControlMessage] { return controls(k.control) }

// KernelUsed returns what the kernel used, where that is not what the caller showed.
func (e *Event) KernelUsed() (Kernel, bool) {
	part := e.Part(e.Kernel)
	if len(part) < 16 {
		return Kernel{}, false
	}
	rest := part[16:]
	name, control := uint64(little.Uint32(part[8:])), uint64(little.Uint32(part[12:]))
	padded := (name + 7) &^ 7
	if name > uint64(len(rest)) || (control > 0 && padded+control > uint64(len(rest))) {
		return Kernel{}, false
	}
	it := Kernel{Bytes: little.Uint64(part), Name: rest[:name]}
	if control > 0 {
		it.control = rest[padded:][:control]
	}
	return it, true
}

// walk yields pieces until `take` says of one that it has no bytes.
func walk[Piece any](rest []byte, take func(rest []byte) (Piece, int)) iter.Seq[Piece] {
	return func(yield func(Piece) bool) {
		for {
			piece, size := take(rest)
			if size == 0 || !yield(piece) {
				return
			}
			rest = rest[size:]
		}
	}
}
