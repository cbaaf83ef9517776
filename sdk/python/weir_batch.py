"""A batch, and views of its events. Nothing is read before it is asked for."""

from collections.abc import Iterator

from wit_world.imports.host import Attribute

import weir_layout as layout
import weir_parts as parts
from weir_errno import error_name


class Event(layout.Head):
    """An event of the batch at hand, with all fields of the layout."""

    __slots__ = ("position", "_attributes")

    def __init__(self, batch: "Batch", position: int):
        header = batch.header
        super().__init__(batch.bytes, header.heads + position * header.stride, header.heap, header.heap_len)
        self.position = position
        """Its index in the batch."""
        self._attributes = batch.attributes

    @property
    def comm_text(self) -> str:
        """The calling thread's name."""
        return text(self.comm.partition(b"\0")[0])

    @property
    def call_name(self) -> str:
        """Name of the call, or "unknown"."""
        number = self.call
        return layout.CALL_NAMES[number - 1] if 0 < number <= len(layout.CALL_NAMES) else "unknown"

    @property
    def errno(self) -> int:
        """Why the call failed: a number of errno(3), or 0."""
        ret = self.ret
        return -ret if -4095 <= ret < 0 else 0

    @property
    def error_name(self) -> str | None:
        """The name of that error, or "unknown"; None if the call did not fail."""
        return error_name(self.errno)

    def is_read(self, group: int) -> bool:
        """Whether a group of fields (GROUP_*) was read, whole or up to a limit."""
        return self.status[group] in (layout.STATUS_OK, layout.STATUS_TRUNCATED)

    def add_attr(self, name: str, value: str) -> None:
        """Adds an attribute: scripts further along the pipeline, the API and the page see it."""
        self._attributes.append(Attribute(self.position, name, value))

    def find_attr(self, name: str) -> str | None:
        """An attribute that a script before this one added: the last of that name."""
        wanted = name.encode()
        found = None
        for known, value in self.all_attrs():
            if known == wanted:
                found = value
        return None if found is None else text(found)

    def all_attrs(self) -> Iterator[tuple[bytes, bytes]]:
        """The attributes: name, value."""
        return parts.attrs(self.attrs)

    def all_iov(self) -> Iterator[tuple[int, int]]:
        """The first entries of the iovec table: base, length."""
        return parts.iov(self.iov)

    def all_control(self) -> Iterator[parts.Control]:
        """The control messages."""
        return parts.control(self.control)

    def all_files(self) -> Iterator[tuple[int, bytes]]:
        """What descriptors are: number, and text as the link in /proc/PID/fd, empty where it was not seen. Those of
        SCM_RIGHTS (and SCM_PIDFD) messages in their order; of sendfile the input, then the output."""
        return parts.files(self.files)

    def all_process(self) -> Iterator[tuple[int, bytes]]:
        """What else the host knows of the process: kind (PROCESS_*), bytes."""
        return parts.process(self.process)

    def process_part(self, kind: int) -> bytes | None:
        """The first of these that is not empty."""
        return next((part for known, part in self.all_process() if known == kind and part), None)

    def kernel_used(self) -> parts.Kernel | None:
        """What the kernel used, where that is not what the caller showed."""
        return parts.kernel(self.kernel)


def text(raw: bytes) -> str:
    """A string of UTF-8; what is none becomes U+FFFD."""
    return raw.decode(errors="replace")


class Batch:
    """A batch whose header was checked: what it promises lies within the bytes."""

    def __init__(self, raw: bytes):
        if len(raw) < layout.BatchHeader.BYTES:
            raise ValueError("this is no batch that the script can read")
        header = layout.BatchHeader(raw, 0, 0, 0)
        self.bytes = raw
        self.header = header
        self.count = header.count
        self.attributes: list[Attribute] = []
        if (
            header.version != layout.ABI
            or header.stride < layout.Head.BYTES
            or header.heads + self.count * header.stride > len(raw)
            or header.heap + header.heap_len > len(raw)
        ):
            raise ValueError("this is no batch that the script can read")

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, position: int) -> Event:
        if not 0 <= position < self.count:
            raise IndexError("beyond the batch")
        return Event(self, position)
