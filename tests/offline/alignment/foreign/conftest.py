"""Other people's files of known truth: tables, arrays, XDF and Harp logs."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

NS = 1_000_000_000
BOUNDARY = bytes.fromhex("43a546dccbf5410fb30ed5467383cbe4")


@dataclass(frozen=True)
class Pair:
    """One train of pulses by two clocks; the reference's is the true time."""

    reference_ns: np.ndarray
    """As the reference has stamped them; some are missing."""
    source_ns: np.ndarray
    """As the other has; some are missing, some spurious."""
    true_ns: np.ndarray
    """True time of each of the source's stamps."""


def pair(
    seed=0,
    count=600,
    ppm=40.0,
    offset_s=-1234.5,
    jitter_us=20.0,
    miss=0.0,
    spurious=0.0,
    times_s=None,
):
    rng = np.random.default_rng(seed)
    true = np.cumsum(rng.uniform(0.1, 1.9, count)) if times_s is None else times_s
    kept = true[rng.random(true.size) >= miss]
    extra = rng.uniform(true[0], true[-1], rng.poisson(spurious * true.size))
    moments = np.sort(np.concatenate([kept, extra]))
    source = moments * (1 + ppm * 1e-6) + 20e-6 * np.sin(moments / 90) + offset_s
    stamps = source + rng.normal(0, jitter_us * 1e-6, moments.size)
    seen = true[rng.random(true.size) >= miss]
    return Pair(_ns(seen), _ns(stamps), _ns(moments))


def _ns(seconds):
    return np.rint(seconds * NS).astype(np.int64)


def error(aligned, name, true_ns):
    """Return the errors of a train's times, over their standard deviations too."""
    stream = aligned.streams[name]
    times = stream.time_ns + aligned.alignment.origin_ns
    wrong = (times - true_ns).astype(float)
    return SimpleNamespace(
        rms_us=float(np.sqrt(np.mean(wrong**2))) / 1e3,
        worst_us=float(np.max(np.abs(wrong))) / 1e3,
        coverage=float(np.mean(np.abs(wrong) <= 1.96 * stream.sd_ns)),
    )


def table(path, columns, *, digits=9, mark=",", head=True, unit_ns=NS):
    """Write columns of ns as numbers of a unit, exactly; return the path."""
    lines = [mark.join(columns)] if head else []
    scale = 10**digits
    for row in zip(*columns.values(), strict=True):
        cells = []
        for ns in row:
            value = round(int(ns) * scale / unit_ns) if unit_ns != NS else None
            if value is None:
                value = round(int(ns) // (10 ** (9 - digits)))
            sign, value = ("-" if value < 0 else ""), abs(value)
            dot = f".{value % scale:0{digits}d}" if digits else ""
            cells.append(f"{sign}{value // scale}{dot}")
        lines.append(mark.join(cells))
    path.write_text("\n".join([*lines, ""]))
    return path


class Xdf:
    """Writes an XDF file, chunk by chunk, as the format says."""

    def __init__(self):
        self.data = b"XDF:"
        self._chunk(1, b"<?xml version='1.0'?><info><version>1.0</version></info>")

    def _chunk(self, tag, content):
        length = len(content) + 2
        if length < 256:
            self.data += struct.pack("<BB", 1, length)
        else:
            self.data += struct.pack("<BI", 4, length)
        self.data += struct.pack("<H", tag) + content

    def stream(self, number, name, rate_hz=0.0):
        xml = (
            f"<?xml version='1.0'?><info><name>{name}</name><type>Test</type>"
            f"<channel_count>1</channel_count><nominal_srate>{rate_hz}</nominal_srate>"
            "<channel_format>int16</channel_format></info>"
        )
        self._chunk(2, struct.pack("<I", number) + xml.encode())
        return self

    def samples(self, number, stamps_s):
        for first in range(0, len(stamps_s), 50):
            some = stamps_s[first : first + 50]
            content = struct.pack("<IBB", number, 1, len(some))
            for k, stamp in enumerate(some):
                content += struct.pack("<Bdh", 8, stamp, k)
            self._chunk(3, content)
        return self

    def clock(self, number, own_s, ahead_s):
        self._chunk(4, struct.pack("<Idd", number, own_s, ahead_s))
        return self

    def boundary(self):
        self._chunk(5, BOUNDARY)
        return self

    def write(self, path):
        path.write_bytes(self.data)
        return path


def harp_message(address, ns, payload, *, kind=3, code=0x12, stamped=True):
    """A Harp message as the protocol has it."""
    ticks = ns // 32_000
    stamp = struct.pack("<IH", ticks // 31_250, ticks % 31_250) if stamped else b""
    code = code if stamped else code & ~0x10
    body = bytes([kind, len(stamp) + len(payload) + 4, address, 255, code])
    body += stamp + payload
    return body + bytes([sum(body) & 0xFF])


@pytest.fixture(scope="session")
def files():
    return SimpleNamespace(
        NS=NS,
        Xdf=Xdf,
        error=error,
        harp_message=harp_message,
        pair=pair,
        table=table,
    )
