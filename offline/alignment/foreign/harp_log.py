"""Harp's binary logs: the device's own stamps, of one register or of all.

The official packages read the file of one register, and take it as sound. So every
message is looked at first: one that was damaged or cut off must not become a time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from offline.alignment.foreign.train import Train
from rig.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from offline.alignment.foreign.train import Options

__all__ = ["HARP_TICK_NS", "read_harp"]

HARP_TICK_NS = 32_000
"""What Harp's clock counts in."""
_TICKS_IN_S = 31_250
_SHORTEST = 6
_TYPE, _LENGTH, _ADDRESS, _PORT, _PAYLOAD_TYPE = range(5)
_STAMPED_HEADER = 11
_STAMPED = 0x10
_ERROR = 0x08
_EVENT = 3
_MOST_BAD = 0.01
_CHANCE = 0.01
_DEVICE = re.compile(r"(.+)_(\d+)(?:_.*)?")
_BIT = re.compile(r"(?:(\d+)\.)?bit(\d+)")


@dataclass(frozen=True, slots=True)
class _Log:
    """Sound messages of one layout, and what was around them."""

    file: str
    by_layout: dict[tuple[int, int, int], NDArray[np.uint8]]
    """Address, payload type and length: (n, bytes) messages."""
    bad_bytes: int
    cut_bytes: int


def read_harp(path: Path, label: str, sha256: str, options: Options) -> list[Train]:
    """Read the trains of a Harp ``.bin`` file: one for each register.

    A column ``bit3`` (or ``32.bit3``, of register 32) is the edges of that bit, as of
    a digital input.

    Raises
    ------
    SessionError
        If it holds no Harp messages, or none with a time stamp.
    """
    log = _checked(path)
    device = _DEVICE.fullmatch(label)
    clock = device.group(1) if device else label
    stamped = {key: m for key, m in log.by_layout.items() if key[1] & _STAMPED}
    if not stamped:
        msg = (
            f"Expected Harp messages with time stamps in {path.name}, got none that "
            "has one: choose a log of events"
        )
        raise SessionError(msg)
    several = len({key[0] for key in stamped}) > 1
    trains: list[Train] = []
    for (address, _, _), messages in sorted(stamped.items()):
        name = f"{label}.{address}" if several else label
        train = _train(log, name, clock, messages, sha256)
        trains += _asked(train, address, messages, options)
    return _of_those_wanted(trains, options)


def _train(
    log: _Log, name: str, clock: str, messages: NDArray[np.uint8], sha256: str
) -> Train:
    from harp.protocol import RegisterU8Array, decode_payload_type

    kept = _events(messages)
    address, code = int(messages[0, _ADDRESS]), int(messages[0, _PAYLOAD_TYPE])
    nbytes = messages.shape[1] - _STAMPED_HEADER - 1
    register = RegisterU8Array(address, length=max(nbytes, 1))
    _, seconds, _, _ = register.parse_bulk(np.ascontiguousarray(kept).tobytes())
    # a tick is 2⁻⁵ of a ms: at 2³² s the float is still within a fiftieth of it
    ticks = np.rint(np.asarray(seconds, np.float64) * _TICKS_IN_S).astype(np.int64)
    payload = decode_payload_type(code)
    count = nbytes // payload.element_size
    notes = [
        f"register {address}, {count} × {payload.payload_type.name}, of a Harp device "
        f"with ticks of {HARP_TICK_NS // 1000} µs"
    ]
    if len(kept) < len(messages):
        notes.append(f"{len(messages) - len(kept)} answers to requests were left out")
    return Train(
        name=name,
        clock=clock,
        file=log.file,
        column=str(address),
        times_ns=ticks * HARP_TICK_NS,
        tick_ns=HARP_TICK_NS,
        notes=tuple(notes),
        faults=_faults(log),
        sha256=sha256,
    )


def _events(messages: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return what the device told by itself; all of it if it only answered."""
    events = messages[messages[:, _TYPE] == _EVENT]
    return events if len(events) else messages


def _faults(log: _Log) -> tuple[str, ...]:
    faults: list[str] = []
    if log.cut_bytes:
        faults.append(f"the file ends within a message: {log.cut_bytes} bytes left out")
    if log.bad_bytes:
        faults.append(f"{log.bad_bytes} bytes were no sound message and were left out")
    return tuple(faults)


def _asked(
    train: Train, address: int, messages: NDArray[np.uint8], options: Options
) -> Iterator[Train]:
    """Yield the train, or in its place the edges of the bits that are asked for."""
    bits = [_BIT.fullmatch(column.strip().lower()) for column in options.columns]
    numbers = [
        int(bit.group(2))
        for bit in bits
        if bit and bit.group(1) in {None, str(address)}
    ]
    if not numbers:
        yield train
        return
    payload = _events(messages)[:, _STAMPED_HEADER:-1]
    for bit in numbers:
        if bit >= 8 * payload.shape[1]:
            msg = (
                f"Expected a bit of register {address} of {train.file}, got bit {bit}: "
                f"it has bits 0 to {8 * payload.shape[1] - 1}"
            )
            raise SessionError(msg)
        high = (payload[:, bit // 8] >> (bit % 8) & 1).astype(bool)
        changed = np.flatnonzero(np.diff(high)) + 1
        yield Train(
            name=f"{train.name}.bit{bit}",
            clock=train.clock,
            file=train.file,
            column=f"bit{bit}",
            times_ns=train.times_ns[changed],
            rising=high[changed],
            tick_ns=train.tick_ns,
            row=changed,
            notes=(*train.notes, f"edges of bit {bit}"),
            faults=train.faults,
            sha256=train.sha256,
        )


def _of_those_wanted(trains: list[Train], options: Options) -> list[Train]:
    bits = [train for train in trains if _BIT.fullmatch(train.name.rsplit(".", 1)[-1])]
    asked = {column.strip() for column in options.columns}
    named = [train for train in trains if train.name.rsplit(".", 1)[-1] in asked]
    picked = bits or named or trains
    if any(len(train.times_ns) for train in picked):
        return picked
    msg = (
        f"Expected edges of {', '.join(train.name for train in picked)}, got none: "
        "name another bit with --column"
    )
    raise SessionError(msg)


def _checked(path: Path) -> _Log:
    """Return the sound messages of a file.

    Raises
    ------
    SessionError
        If it does not hold Harp messages.
    """
    data = np.fromfile(path, np.uint8)
    if len(data) < _SHORTEST:
        msg = f"Expected Harp messages in {path.name}, got {len(data)} bytes"
        raise SessionError(msg)
    log = _uniform(path.name, data) or _mixed(path.name, data)
    sound = sum(messages.size for messages in log.by_layout.values())
    if not sound or log.bad_bytes > _MOST_BAD * len(data):
        wrong = log.bad_bytes + log.cut_bytes
        msg = (
            f"Expected Harp messages in {path.name}, got {wrong} of {len(data)} bytes "
            "that are none: it is damaged, or another kind of .bin file; give times of "
            "pulses as CSV instead"
        )
        raise SessionError(msg)
    return log


def _uniform(file: str, data: NDArray[np.uint8]) -> _Log | None:
    """Return messages that are all alike and sound: the usual file of one register."""
    size = int(data[_LENGTH]) + 2
    whole = len(data) // size
    if size < _SHORTEST or not whole:
        return None
    messages = data[: whole * size].reshape(whole, size)
    same = messages[:, [_LENGTH, _ADDRESS, _PAYLOAD_TYPE]]
    sums = messages[:, :-1].sum(axis=1, dtype=np.uint64) & 0xFF
    if np.any(same != same[0]) or np.any(sums != messages[:, -1]):
        return None
    if not _plausible(messages[0]):
        return None
    sound = messages[messages[:, _TYPE] & _ERROR == 0]
    key = (int(same[0, 1]), int(same[0, 2]), size)
    found = {key: sound} if len(sound) else {}
    return _Log(file, found, 0, len(data) - whole * size)


def _mixed(file: str, data: NDArray[np.uint8]) -> _Log:
    """Return the messages of a log of several registers, or of a damaged one."""
    raw = data.tobytes()
    found: dict[tuple[int, int, int], list[bytes]] = {}
    at = bad = 0
    while at + _SHORTEST <= len(raw):
        message = _message_at(raw, at)
        if message is None:
            at, bad = at + 1, bad + 1
            continue
        at += len(message)
        if not message[_TYPE] & _ERROR:
            key = (message[_ADDRESS], message[_PAYLOAD_TYPE], len(message))
            found.setdefault(key, []).append(message)
    # one place in 256 of a damaged stretch looks like a message
    most = max(map(len, found.values()), default=0)
    chance = [k for k, m in found.items() if bad and len(m) < _CHANCE * most]
    bad += sum(key[2] * len(found.pop(key)) for key in chance)
    rows = {
        key: np.frombuffer(b"".join(messages), np.uint8).reshape(-1, key[2])
        for key, messages in found.items()
    }
    return _Log(file, rows, bad, len(raw) - at)


def _message_at(raw: bytes, at: int) -> bytes | None:
    from harp.protocol import HarpMessage, HarpParseError

    message = raw[at : at + raw[at + _LENGTH] + 2]
    try:
        HarpMessage.parse(message)
    except HarpParseError:
        return None
    return message if _plausible(message) else None


def _plausible(message: Any) -> bool:
    from harp.protocol import HarpParseError, decode_payload_type

    try:
        payload = decode_payload_type(int(message[_PAYLOAD_TYPE]))
    except (ValueError, HarpParseError):
        return False
    header = _STAMPED_HEADER if payload.has_timestamp else 5
    nbytes = len(message) - header - 1
    return int(message[_TYPE]) & ~_ERROR in {1, 2, 3} and (
        nbytes >= 0 and nbytes % payload.element_size == 0
    )
