package main

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// question is what a DNS message asks for (RFC 1035).
type question struct{ name, kind string }

// Of a message: id, flags, number of questions, and of three kinds of records.
const headerBytes = 12

// kinds are those that people ask for.
var kinds = map[uint16]string{
	1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA", 33: "SRV", 35: "NAPTR",
	43: "DS", 48: "DNSKEY", 64: "SVCB", 65: "HTTPS", 255: "ANY", 257: "CAA",
}

// parse reads the question of a query; false if it is none, or if its name is not whole.
func parse(message []byte) (question, bool) {
	if len(message) < headerBytes {
		return question{}, false
	}
	flags, questions := binary.BigEndian.Uint16(message[2:]), binary.BigEndian.Uint16(message[4:])
	const response, opcode = 0x8000, 0x7800
	if flags&(response|opcode) != 0 || questions != 1 {
		return question{}, false
	}
	name, rest, ok := parseName(message[headerBytes:])
	if !ok || len(rest) < 4 || binary.BigEndian.Uint16(rest[2:]) != 1 {
		return question{}, false
	}
	kind := binary.BigEndian.Uint16(rest)
	known, ok := kinds[kind]
	if !ok {
		known = fmt.Sprintf("TYPE%d", kind)
	}
	return question{name, known}, true
}

// parseName reads labels up to the empty one. A question has nothing before it that its name could point to.
func parseName(bytes []byte) (name string, rest []byte, ok bool) {
	var text strings.Builder
	for {
		if len(bytes) == 0 {
			return "", nil, false
		}
		size := int(bytes[0])
		bytes = bytes[1:]
		if size == 0 {
			break
		}
		if size > 63 || size > len(bytes) || text.Len()+size > 253 {
			return "", nil, false
		}
		for _, each := range bytes[:size] {
			// As master files have it: what is not printable is \DDD.
			if each <= ' ' || each >= 0x7f || each == '.' || each == '\\' {
				fmt.Fprintf(&text, "\\%03d", each)
			} else {
				text.WriteByte(lower(each))
			}
		}
		text.WriteByte('.')
		bytes = bytes[size:]
	}
	if text.Len() == 0 {
		return ".", bytes, true
	}
	return strings.TrimSuffix(text.String(), "."), bytes, true
}

func lower(each byte) byte {
	if 'A' <= each && each <= 'Z' {
		return each + 'a' - 'A'
	}
	return each
}
