// filter keeps what failed: the benchmark's filter.
package main

import "weir"

type filter struct{}

func (*filter) Describe() string {
	return `{"name":"filter","version":"0.1.0","role":"filter","language":"go"}`
}

func (*filter) Start() error { return nil }

func (*filter) Event(it *weir.Event) weir.Verdict {
	if it.Ret >= 0 {
		return weir.Drop
	}
	return weir.Keep
}

func init() { weir.Register(&filter{}) }

func main() {}
