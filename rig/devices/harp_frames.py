"""Harp's bytes, cut into messages, with every bad place counted.

Harp's own framer recovers from bad bytes but cannot say that there were any, and
an 8-bit sum lets one damaged message in 256 pass. This one counts, and takes a
message only if the register map has an address of that type and length.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING

from harp.protocol import MessageType

from rig.devices.harp_registers import registers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Framer", "Stamped", "parse_event", "payload_layouts"]

_EVENT = int(MessageType.Event)
_ERROR_FLAG = 0x08
_TYPES = frozenset({1, 2, 3, 9, 10, 11})
_REQUESTS = frozenset({1, 2})
_LONGEST_REQUEST = 64
_UNKNOWN = (1, 1)
"""What a board answers about a register that it does not have: one byte."""
_STAMP_FLAG = 0x10
_HEADER = 5
_STAMPED_HEADER = 11
_TICK_US = 32
_read_stamp = Struct("<IH").unpack_from


@dataclass(frozen=True, slots=True)
class Stamped:
    """A time-stamped message, as it came."""

    address: int
    stamp_us: int
    """Device time in us, cut to Harp's tick of 32 us."""
    payload: bytes


def payload_layouts() -> dict[int, tuple[int, int]]:
    """Return (Harp's type code, payload bytes) of every register, by address."""
    layouts: dict[int, tuple[int, int]] = {}
    for address, register in registers.REGISTER_MAP.items():
        dtype = register.payload_type.numpy_dtype
        code = dtype.itemsize | (0x80 if dtype.kind == "i" else 0)
        code |= 0x40 if dtype.kind == "f" else 0
        layouts[address] = (code, register.payload_class.payload_dtype.itemsize)
    return layouts


class Framer:
    """Cuts a stream of bytes into whole, plausible messages.

    Parameters
    ----------
    layouts
        Type code and payload bytes of each address, as of `payload_layouts`; None
        takes any request that is whole, as a board does, which answers to nonsense.

    Examples
    --------
    >>> framer = Framer(payload_layouts())
    >>> whole = registers.MapDigest.format(7)
    >>> list(framer.feed(b"noise" + whole[:4])), list(framer.feed(whole[4:])) == [whole]
    ([], True)
    >>> framer.bad
    1
    """

    __slots__ = ("_in_trouble", "_layouts", "_rest", "_types", "bad")

    def __init__(self, layouts: Mapping[int, tuple[int, int]] | None) -> None:
        self._layouts = layouts
        self._types = _REQUESTS if layouts is None else _TYPES
        self._rest = b""
        self._in_trouble = False
        self.bad = 0
        """Places where bytes were no message; one place counts once."""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Take bytes as they come and give the messages that are complete.

        While a message is out, `bad` tells what was damaged before it; take all.
        """
        data = self._rest + chunk if self._rest else chunk
        at, end = 0, len(data)
        while at < end:
            size = self._size(data, at, end)
            if size is None:
                break
            if size > 0 and sum(data[at : at + size - 1]) & 0xFF == data[at + size - 1]:
                self._in_trouble = False
                yield data[at : at + size]
                at += size
            else:
                at += 1
                self.bad += not self._in_trouble
                self._in_trouble = True
        self._rest = data[at:]

    def _size(self, data: bytes, at: int, end: int) -> int | None:
        """Return the size of the message at a place; 0 for none, None for not yet."""
        if data[at] not in self._types:
            return 0
        if at + _HEADER > end:
            return None
        size = data[at + 1] + 2
        if not self._plausible(data[at], data[at + 2], data[at + 4], size):
            return 0
        return size if at + size <= end else None

    def _plausible(self, kind: int, address: int, code: int, size: int) -> bool:
        header = _STAMPED_HEADER if code & _STAMP_FLAG else _HEADER
        nbytes = size - header - 1
        if self._layouts is None:
            return nbytes >= 0 and size <= _LONGEST_REQUEST
        if kind & _ERROR_FLAG and (code & ~_STAMP_FLAG, nbytes) == _UNKNOWN:
            return True
        layout = self._layouts.get(address)
        if layout is None or layout[0] != code & ~_STAMP_FLAG:
            return False
        return nbytes == layout[1] or (nbytes == 0 and kind == MessageType.Read)


def parse_event(frame: bytes) -> Stamped | None:
    """Return a message's stamp and payload; None if it has no time stamp."""
    if not frame[4] & _STAMP_FLAG:
        return None
    seconds, ticks = _read_stamp(frame, _HEADER)
    stamp_us = seconds * 1_000_000 + ticks * _TICK_US
    return Stamped(frame[2], stamp_us, frame[_STAMPED_HEADER:-1])
