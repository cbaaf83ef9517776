"""Write scripts for Weir in Python. The smallest filter, main.py:

    import weir

    class Root(weir.Script):
        about = {"name": "root", "summary": "keeps what root sends", "role": "filter", "language": "python"}

        def event(self, it):
            return it.uid == 0

    Guest = weir.guest(Root)

Build it with

    componentize-py -d weir/wit -w script componentize -p . -p weir main --stub-wasi -o mine.wasm
"""

import json

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import host
from wit_world.imports.host import Level

import weir_layout as layout
from weir_batch import Batch, Event
from weir_errno import error_name
from weir_table import Kind, Table, flush_tables

__all__ = ["Batch", "Event", "Kind", "Level", "Script", "Table", "emit", "error_name", "guest", "layout", "log", "process"]


def log(level: Level, text: str) -> None:
    """Adds a line to the script's log. The host takes some hundred lines a second: none per event."""
    host.log(level, text)


def emit(*results: dict) -> None:
    """Hands on results that are no rows of a table: objects that are shown with the script."""
    host.emit([json.dumps(result) for result in results])


def process(pid: int) -> dict | None:
    """What the host knows of a process, if it knows it."""
    known = host.process(pid)
    return None if known is None else json.loads(known)


class Script:
    """A script. An exception of `start` refuses the start, one of `restore` the state."""

    about: dict = {}
    """What it says of itself, see docs/scripting.md."""

    def event(self, it: Event) -> bool:
        """Each event: true keeps it, false drops it."""
        return True

    def start(self, params: dict[str, str]) -> None:
        """Once, before all events."""

    def batch(self, it: Batch) -> None:
        """Each batch, before its events."""

    def tick(self, now_ms: int) -> None:
        """About once a second, with the milliseconds since the pipeline began."""

    def save(self) -> bytes:
        """What the next version goes on from, when this one is swapped."""
        return b""

    def restore(self, version: int, state: bytes) -> None:
        """After start: what the version before saved, and its `state_version`."""


def guest(script: type[Script]) -> type:
    """The interface `guest` of a script. The module must call it `Guest`."""
    it = script()

    class Guest(exports.Guest):
        def describe(self) -> str:
            return json.dumps(it.about)

        def start(self, params: str) -> None:
            _refusing(lambda: it.start(json.loads(params)))
            flush_tables()

        def batch(self, bytes: bytes) -> bytes:
            batch = Batch(bytes)
            it.batch(batch)
            event = it.event
            dropped = [position for position, each in enumerate(batch) if not event(each)]
            if batch.attributes:
                host.attr(batch.attributes)
            flush_tables()
            if not dropped:
                # None at all keeps every event.
                return b""
            verdicts = bytearray(batch.count)
            for position in dropped:
                verdicts[position] = layout.DROP
            return memoryview(verdicts).tobytes()

        def tick(self, now_ms: int) -> None:
            it.tick(now_ms)
            flush_tables()

        def save(self) -> bytes:
            return it.save()

        def restore(self, version: int, state: bytes) -> None:
            _refusing(lambda: it.restore(version, state))

    return Guest


def _refusing(act) -> None:
    try:
        act()
    except Exception as reason:
        raise Err(str(reason)) from reason
