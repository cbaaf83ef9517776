// SCRIPT_NAME keeps what root sends, and counts it by process.
package main

import "weir"

type root struct{ calls *weir.Table }

func (*root) Describe() string {
	return `{"name":"SCRIPT_NAME","version":"0.1.0","summary":"Keeps what root sends","role":"filter",
		"language":"go","tables":[{"name":"calls","kind":"counter","help":"Calls of root"}]}`
}

func (r *root) Start() error {
	r.calls = weir.OpenTable(weir.Counter, "calls", `{"labels":["process"],"unit":"1","help":"Calls of root"}`)
	return nil
}

func (r *root) Event(it *weir.Event) weir.Verdict {
	if it.Uid != 0 {
		return weir.Drop
	}
	r.calls.Add(1, it.CommText())
	return weir.Keep
}

func init() { weir.Register(&root{}) }

func main() {}
