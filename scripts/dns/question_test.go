package main

import "testing"

const header = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"

func TestQuestions(t *testing.T) {
	for _, each := range []struct {
		message string
		name    string
		kind    string
	}{
		{header + "\x07Example\x03com\x00\x00\x01\x00\x01", "example.com", "A"},
		{header + "\x00\x00\x02\x00\x01", ".", "NS"},
		{header + "\x03a.b\x00\x00\x1c\x00\x01", `a\046b`, "AAAA"},
		{header + "\x01x\x00\x01\x02\x00\x01", "x", "TYPE258"},
	} {
		got, ok := parse([]byte(each.message))
		if !ok || got != (question{each.name, each.kind}) {
			t.Errorf("%q: %v %v", each.message, got, ok)
		}
	}
}

func TestWhatIsNone(t *testing.T) {
	whole := header + "\x07example\x03com\x00\x00\x01\x00\x01"
	for end := range len(whole) {
		if got, ok := parse([]byte(whole[:end])); ok {
			t.Errorf("%d bytes: %v", end, got)
		}
	}
	for _, message := range []string{
		"\x12\x34\x81\x80" + whole[4:],     // a response
		"\x12\x34\x01\x00\x00\x02" + whole[6:], // two questions
		header + "\xc0\x0c\x00\x01\x00\x01",  // a pointer
		header + "\x01x\x00\x00\x01\x00\x03", // another class
	} {
		if got, ok := parse([]byte(message)); ok {
			t.Errorf("%q: %v", message, got)
		}
	}
}
