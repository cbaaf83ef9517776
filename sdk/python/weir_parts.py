"""Variable parts of an event, one piece at a time. No bytes, however wrong, lead outside of their part: a walk ends
where a piece is malformed."""

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

_attr = Struct("<HH")
_iov = Struct("<QQ")
_control = Struct("<Qii")
_file = Struct("<iH")
_process = Struct("<HH")
_kernel = Struct("<QII")
_credentials = Struct("<III")


class Credentials(NamedTuple):
    """A process and whom it acts for."""

    pid: int
    uid: int
    gid: int


class Control(NamedTuple):
    """A control message."""

    level: int
    """SOL_*, IPPROTO_*"""
    type: int
    """By level: SCM_*, IP_*, …"""
    data: bytes
    """Without padding."""

    @property
    def credentials(self) -> Credentials | None:
        """The process that it tells of, if it is of the type SCM_CREDENTIALS."""
        if (self.level, self.type) != (1, 2) or len(self.data) < 12:
            return None
        return Credentials(*_credentials.unpack_from(self.data))


class Kernel(NamedTuple):
    """What the kernel used instead of what the caller showed."""

    bytes: int
    """Number of bytes to send."""
    name: bytes
    """Destination: struct sockaddr."""
    raw_control: bytes

    def control(self) -> Iterator[Control]:
        return control(self.raw_control)


def attrs(raw: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while len(raw) - at >= 4:
        name, value = _attr.unpack_from(raw, at)
        middle = at + 4 + name
        at = middle + value
        if at > len(raw):
            return
        yield raw[middle - name : middle], raw[middle:at]


def iov(raw: bytes) -> Iterator[tuple[int, int]]:
    return _iov.iter_unpack(raw[: len(raw) // 16 * 16])


def control(raw: bytes) -> Iterator[Control]:
    at = 0
    while len(raw) - at >= 16:
        size, level, kind = _control.unpack_from(raw, at)
        if size < 16 or size > len(raw) - at:
            return
        yield Control(level, kind, raw[at + 16 : at + size])
        # The last one need not be padded.
        at += (size + 7) & ~7


def files(raw: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while len(raw) - at >= 6:
        fd, size = _file.unpack_from(raw, at)
        at += 6 + size
        if at > len(raw):
            return
        yield fd, raw[at - size : at]


def process(raw: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while len(raw) - at >= 4:
        kind, size = _process.unpack_from(raw, at)
        at += 4 + size
        if at > len(raw):
            return
        yield kind, raw[at - size : at]


def kernel(raw: bytes) -> Kernel | None:
    if len(raw) < 16:
        return None
    bytes_used, name, size = _kernel.unpack_from(raw)
    start = 16 + ((name + 7) & ~7 if size > 0 else 0)
    if 16 + name > len(raw) or start + size > len(raw):
        return None
    return Kernel(bytes_used, raw[16 : 16 + name], raw[start : start + size])
