"""Keeps what root sends, and counts it by process."""

import weir
from weir import Kind, Table


class Root(weir.Script):
    about = {
        "name": "SCRIPT_NAME",
        "version": "0.1.0",
        "summary": "Keeps what root sends",
        "role": "filter",
        "language": "python",
        "tables": [{"name": "calls", "kind": "counter", "help": "Calls of root"}],
    }

    def start(self, params):
        self.calls = Table(Kind.COUNTER, "calls", labels=["process"], unit="1", help="Calls of root")

    def event(self, it):
        if it.uid != 0:
            return False
        self.calls.add(1, it.comm_text)
        return True


Guest = weir.guest(Root)
