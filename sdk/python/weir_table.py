"""A table of the host's, and what a batch adds to it: gathered here, and handed over in one call for all tables."""

import json

from wit_world.imports import host
from wit_world.imports.host import Kind, Update

_tables: list["Table"] = []
# The host takes no number that a float may not hold exactly.
_MOST = 2**53


class Table:
    """A table: `Table(Kind.COUNTER, "calls", labels=["process"], unit="1", help="calls")`."""

    def __init__(self, kind: Kind, name: str, **options):
        self._handle = host.table_open(kind, name, json.dumps(options))
        # Each value of a histogram counts by itself.
        self._sums = kind not in (Kind.HISTOGRAM, Kind.DISTINCT)
        self._replaces = kind == Kind.GAUGE
        self._by_key: dict[str, int] = {}
        self._rows: list[Update] = []
        _tables.append(self)

    def add(self, value: int, *labels: str) -> None:
        """Adds a value to the row of these labels, as many as the table has."""
        # A NUL within one would begin another label.
        key = "\0".join(label.replace("\0", "@") for label in labels)
        if not self._sums:
            self._rows.append(Update(self._handle, key, float(value)))
        elif self._replaces:
            self._by_key[key] = value
        else:
            before = self._by_key.get(key, 0)
            if abs(before + value) <= _MOST:
                value += before
            else:
                self._rows.append(Update(self._handle, key, float(before)))
            self._by_key[key] = value

    def drain(self) -> list[Update]:
        rows = self._rows
        rows.extend(Update(self._handle, key, float(value)) for key, value in self._by_key.items())
        self._rows = []
        self._by_key.clear()
        return rows


def flush_tables() -> None:
    """Hands over what was added to all tables."""
    rows = [row for table in _tables for row in table.drain()]
    if rows:
        host.table_add(rows)
