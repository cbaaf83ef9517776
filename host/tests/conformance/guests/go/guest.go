// Says all that it sees: the conformance suite compares it with what the host has.
package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"weir"
)

type guest struct {
	count  uint64
	tables []*weir.Table
}

func (*guest) Describe() string {
	return `{"name":"conformance","version":"1.2.3","summary":"what a script sees and does","role":"filter",
		"language":"go","state_version":7,
		"params":[{"name":"greeting","type":"string","default":"hello","help":"is logged"}],
		"tables":[],"wants":{"calls":["sendmsg","recvmsg"],"payload":64}}`
}

func (g *guest) Start() error {
	greeting, _ := weir.Param("greeting")
	if greeting == "refuse" {
		return errors.New("told to refuse: grüße")
	}
	weir.Log(weir.Info, "greeting: "+greeting)
	if _, ok := weir.Param("nothing"); ok {
		return errors.New("there is a parameter that was not declared")
	}
	for kind, name := range []string{"counter", "histogram", "gauge", "topk", "distinct", "rate"} {
		table := weir.OpenTable(weir.Kind(kind), name, `{"labels":["process","call"],"unit":"1","help":""}`)
		g.tables = append(g.tables, table)
	}
	return nil
}

func (g *guest) Batch(it *weir.Batch) {
	g.count += uint64(it.Count)
	var out text
	out.headerFields(it.BatchHeader)
	first := it.Event(0)
	first.AddAttr("header", []byte(out.String()))
	weir.Emit(fmt.Sprintf(`{"events":%d}`, g.count))
	if _, ok := weir.Process(first.Pid); ok {
		weir.Log(weir.Debug, "process: known")
	} else {
		weir.Log(weir.Debug, "process: none")
	}
}

func (g *guest) Event(it *weir.Event) weir.Verdict {
	var out text
	out.eventFields(it)
	it.AddAttr("event", []byte(out.String()))
	out = text{}
	out.parts(it)
	it.AddAttr("parts", []byte(out.String()))
	for kind, table := range g.tables {
		value := it.Bytes
		if weir.Kind(kind) == weir.Distinct {
			value = uint64(it.Tid)
		}
		table.Add(value, it.CommText(), []byte(it.CallName()))
	}
	return weir.KeepIf(it.Errno() == 0)
}

func (*guest) Tick(nowMs uint32) { weir.Log(weir.Warn, fmt.Sprintf("tick %d", nowMs)) }

func (g *guest) Save() []byte { return []byte(fmt.Sprintf("events=%d", g.count)) }

func (g *guest) Restore(version uint32, state []byte) (err error) {
	if version != 7 {
		return errors.New("the state is not of version 7")
	}
	g.count, err = strconv.ParseUint(strings.TrimPrefix(string(state), "events="), 10, 64)
	return err
}

// text is a text that grows.
type text struct{ strings.Builder }

func (out *text) unsigned(name string, value uint64) { fmt.Fprintf(out, "%s=%d\n", name, value) }
func (out *text) signed(name string, value int64)    { fmt.Fprintf(out, "%s=%d\n", name, value) }
func (out *text) bytes(name string, value []byte)    { fmt.Fprintf(out, "%s=%x\n", name, value) }

func (out *text) parts(it *weir.Event) {
	fmt.Fprintf(out, "at=%d\ncall=%s\ncomm=%s\nerrno=%d\n", it.At, it.CallName(), it.CommText(), it.Errno())
	name := it.ErrorName()
	if name == "" {
		name = "-"
	}
	fmt.Fprintf(out, "error=%s\nread=", name)
	for group := range weir.Groups {
		if it.IsRead(group) {
			out.WriteByte('1')
		} else {
			out.WriteByte('0')
		}
	}
	team, ok := it.FindAttr("team")
	if !ok {
		team = []byte("-")
	}
	fmt.Fprintf(out, "\nteam=%s\n", team)
	for attr := range it.AllAttrs() {
		fmt.Fprintf(out, "attr=%s:%s\n", attr.Name, attr.Value)
	}
	for entry := range it.AllIov() {
		fmt.Fprintf(out, "iov=%d:%d\n", entry.Base, entry.Len)
	}
	for message := range it.AllControl() {
		fmt.Fprintf(out, "control=%d:%d:%x\n", message.Level, message.Type, message.Data)
		if who, ok := message.Credentials(); ok {
			fmt.Fprintf(out, "credentials=%d:%d:%d\n", who.Pid, who.Uid, who.Gid)
		}
	}
	for file := range it.AllFiles() {
		fmt.Fprintf(out, "file=%d:%s\n", file.Fd, file.Text)
	}
	for part := range it.AllProcess() {
		fmt.Fprintf(out, "process=%d:%x\n", part.Kind, part.Bytes)
	}
	if kernel, ok := it.KernelUsed(); ok {
		fmt.Fprintf(out, "kernel=%d:%x\n", kernel.Bytes, kernel.Name)
		for message := range kernel.AllControl() {
			fmt.Fprintf(out, "kernel_control=%d:%d:%x\n", message.Level, message.Type, message.Data)
		}
	}
}

func init() { weir.Register(&guest{}) }

func main() {}
