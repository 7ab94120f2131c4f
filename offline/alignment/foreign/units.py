"""Units of time: what a column's head says, and numbers made nanoseconds.

A wrong unit makes times that are wrong by a thousand, and may still fit. So a unit is
taken from what says it, or from the user, and never guessed from the numbers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from offline.alignment.foreign.train import UNITS, Unit
from rig.errors import SessionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LONGEST_NS", "says_time", "tick_of", "to_ns", "unit_of", "unwrapped"]

LONGEST_NS = 2**62
"""What is further from 0 is no time: half of what 64 bits hold."""
_WORDS: dict[str, Unit] = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("ms", "msec", "millis", "millisecond", "milliseconds"), "ms"),
    **dict.fromkeys(("us", "usec", "micros", "microsecond", "microseconds"), "us"),
    **dict.fromkeys(("ns", "nsec", "nanos", "nanosecond", "nanoseconds"), "ns"),
}
_BRACKETED = re.compile(r"[\[(]\s*([a-z]+)\s*[\])]")
_LAST_WORD = re.compile(r"(?:^|[\s_.\-])([a-z]+)$")
_CAMEL = re.compile(r"[a-z](Ms|Us|Ns|Sec)$")
_NO_TIME = re.compile(
    r"duration|width|latency|interval|exposure|delay|period|jitter|reaction|speed|"
    r"velocity|rate|(?:^|_)(?:m|cm|mm|px|deg|rad)_s$"
)
_TIME = re.compile(r"time|stamp|onset|(?:^|[\s_.])t(?:$|[\s_.\[(])")
_TICKS_APART = 20
_WRAP = 1 << 32
_FEW = 3


def unit_of(head: str) -> Unit | None:
    """Return the unit that a head names; None if it names none.

    Examples
    --------
    >>> unit_of("timestamp [ms]"), unit_of("time_ns"), unit_of("TTL"), unit_of("t (µs)")
    ('ms', 'ns', None, 'us')
    """
    plain = _plain(head)
    words = _BRACKETED.findall(plain) or _LAST_WORD.findall(plain)
    words += [word.lower() for word in _CAMEL.findall(head.strip())]
    return next((_WORDS[word] for word in words if word in _WORDS), None)


def says_time(head: str) -> bool:
    """Tell whether a head says that moments stand below it.

    Examples
    --------
    >>> says_time("timestamp [ms]"), says_time("daq_s"), says_time("duration_ms")
    (True, True, False)
    """
    plain = _plain(head)
    if _NO_TIME.search(plain):
        return False
    return bool(_TIME.search(plain)) or unit_of(head) is not None


def _plain(head: str) -> str:
    return head.strip().lower().replace("µ", "u").replace("μ", "u")


def to_ns(values: NDArray[Any], unit: Unit, where: str) -> NDArray[np.int64]:
    """Return finite numbers of a unit as whole nanoseconds.

    Parameters
    ----------
    where
        What they are, for the message.

    Raises
    ------
    SessionError
        If they are too large to be times in that unit.
    """
    scale = UNITS[unit]
    largest = float(np.max(np.abs(values.astype(np.float64)), initial=0.0))
    if largest > LONGEST_NS / scale:
        msg = (
            f"Expected times in {unit} in {where}, got {largest:.6g}, which would be "
            f"{largest * scale / 1e9 / 31_557_600:.0f} years: give the right --unit "
            f"({', '.join(get_args(Unit))})"
        )
        raise SessionError(msg)
    if values.dtype.kind in "iu":
        return values.astype(np.int64) * scale
    whole = np.floor(values.astype(np.float64))
    rest = (values.astype(np.float64) - whole) * scale
    return whole.astype(np.int64) * scale + np.rint(rest).astype(np.int64)


def tick_of(times_ns: NDArray[np.int64], finest_ns: int) -> int:
    """Return what stamps are counted in: the largest step that all gaps are made of.

    Parameters
    ----------
    finest_ns
        What could have been written at all. It is the answer where the gaps do not
        tell: regular pulses are so many periods apart, and that is no tick.
    """
    gaps = np.abs(np.diff(times_ns))
    gaps = gaps[gaps > 0]
    if not len(gaps):
        return finest_ns
    step = int(np.gcd.reduce(gaps))
    return step if step * _TICKS_APART <= float(np.median(gaps)) else finest_ns


def unwrapped(times_ns: NDArray[np.int64], unit: Unit) -> tuple[NDArray[np.int64], int]:
    """Return times of a 32-bit counter with its wraps undone, and their number.

    A step back is a wrap only if it leads on to the next pulse: from just below the
    counter's end to just above 0, within three times the longest gap there is.
    """
    whole = _WRAP * UNITS[unit]
    if len(times_ns) < _FEW or times_ns.min() < 0 or times_ns.max() >= whole:
        return times_ns, 0
    if np.any(times_ns % UNITS[unit]):
        return times_ns, 0
    gaps = np.diff(times_ns)
    back = gaps < -whole // 2
    forward = gaps[gaps > 0]
    if not back.any() or not len(forward):
        return times_ns, 0
    wraps = back & (gaps + whole <= 3 * int(forward.max()))
    added = np.concatenate([[0], np.cumsum(wraps)]) * whole
    return times_ns + added, int(wraps.sum())
