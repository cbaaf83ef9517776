// dns: who asks which names, from the questions in payloads.
package main

import (
	"fmt"
	"weir"
)

const port = 53

type dns struct {
	questions *weir.Table
	// Whether events that are no queries are dropped.
	only bool
}

func (d *dns) Describe() string {
	return `{"name":"dns","version":"0.1.0","role":"enrich","language":"go",
		"summary":"Reads the questions of DNS queries, and counts them by process",
		"params":[{"name":"only","type":"string","default":"no","help":"yes drops all events but DNS queries"}],
		"tables":[{"name":"questions","kind":"counter","help":"Queries"}],
		"wants":{"calls":["sendmsg","sendmmsg","sendto"],"payload":320}}`
}

func (d *dns) Start() error {
	only, _ := weir.Param("only")
	if only != "yes" && only != "no" {
		return fmt.Errorf("parameter `only`: `%s` is neither yes nor no", only)
	}
	d.only = only == "yes"
	d.questions = weir.OpenTable(weir.Counter, "questions",
		`{"labels":["process","name","type"],"unit":"1","help":"Queries"}`)
	return nil
}

func (d *dns) Event(it *weir.Event) weir.Verdict {
	asked, ok := read(it)
	if ok {
		it.AddAttr("dns.name", []byte(asked.name))
		it.AddAttr("dns.type", []byte(asked.kind))
		d.questions.Add(1, it.CommText(), []byte(asked.name), []byte(asked.kind))
	}
	return weir.KeepIf(ok || !d.only)
}

// read finds the question of an event that goes to a name server: by the destination, else by the socket's peer.
func read(it *weir.Event) (question, bool) {
	if it.Port != port && it.PeerPort != port {
		return question{}, false
	}
	const stream = 1
	payload := it.PayloadBytes()
	if it.SockType == stream && len(payload) > 2 {
		// Over TCP the length comes first.
		payload = payload[2:]
	}
	return parse(payload)
}

func init() { weir.Register(&dns{}) }

func main() {}
