"""Numbers for people: as many digits as mean something, and the unit that fits.

What is not a number becomes a dash: a page must not say ``nan``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite

__all__ = [
    "BAND",
    "DASH",
    "Scale",
    "band",
    "compact",
    "count",
    "date",
    "length",
    "moment",
    "named",
    "percent",
    "ppm",
    "ppm_per_h",
    "scale_of_errors",
    "scale_of_times",
    "score",
    "share_of",
    "signed",
    "size",
    "tight",
    "whole",
]

BAND = 1.96
"""Standard deviations to either side that hold 95 % of a Gaussian."""
DASH = "–"
_THIN = "\u202f"
"""Between a number's thousands, and before its unit: a line never breaks there."""
_MINUS = "\u2212"
_LOOSE = re.compile(r"(?<=±) (?=[\d.])|(?<=\d) (?=(?:%|[nµm]?s|min|h|ppm|Hz)(?!\w))")
_NS = (("ns", 1.0), ("µs", 1e3), ("ms", 1e6), ("s", 1e9))
_THOUSANDS = (("k", 1e3), ("M", 1e6), ("G", 1e9))
_NS_PER_S = 1e9


@dataclass(frozen=True, slots=True)
class Scale:
    """A unit for an axis."""

    unit: str
    one: float
    """What one of it is, in the unit of the values (ns or s)."""


def scale_of_errors(largest_ns: float) -> Scale:
    """Return the unit in which errors up to some size are easily read."""
    for unit, one in reversed(_NS):
        if largest_ns >= one:
            return Scale(unit, one)
    return Scale("ns", 1.0)


def scale_of_times(span_s: float) -> Scale:
    """Return the unit in which a stretch of the session is easily read."""
    if span_s < 300:
        return Scale("s", 1.0)
    return Scale("min", 60.0) if span_s < 3 * 3600 else Scale("h", 3600.0)


def size(value_ns: float | None) -> str:
    """Return a time difference without its sign: ``12 µs``, ``3.4 ms``."""
    if value_ns is None or not isfinite(value_ns):
        return DASH
    shown, unit = _fitting(abs(value_ns), _NS)
    return f"{shown}{_THIN}{unit}"


def signed(value_ns: float | None) -> str:
    """Return a time difference: ``+12 µs``."""
    shown = size(value_ns)
    if shown == DASH or not value_ns:
        return shown
    return f"{'+' if value_ns > 0 else _MINUS}{shown}"


def band(sd_ns: float | None) -> str:
    """Return what holds 95 %, by a standard deviation: ``± 12 µs``."""
    if sd_ns is None or not isfinite(sd_ns):
        return DASH
    return f"±{_THIN}{size(BAND * sd_ns)}"


def length(span_s: float | None) -> str:
    """Return how long something lasts: ``0.8 s``, ``59 s``, ``1 h 58 min``."""
    if span_s is None or not isfinite(span_s):
        return DASH
    if span_s < 100:
        return size(span_s * _NS_PER_S)
    if span_s < 5970:
        return f"{span_s / 60:.0f}{_THIN}min"
    hours, minutes = divmod(round(span_s / 60), 60)
    return f"{hours}{_THIN}h {minutes}{_THIN}min"


def moment(time_s: float | None) -> str:
    """Return a session time as a clock shows it: ``0:12.345``, ``1:02:03.456``."""
    if time_s is None or not isfinite(time_s):
        return DASH
    minutes, milliseconds = divmod(round(abs(time_s) * 1e3), 60_000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{milliseconds / 1e3:06.3f}"
    sign = _MINUS if time_s < 0 else ""
    if hours:
        return f"{sign}{hours}:{minutes:02}:{seconds}"
    return f"{sign}{minutes}:{seconds}"


def date(utc: str | None) -> str:
    """Return a date of ISO 8601 as a person writes it; any other text as it is."""
    try:
        known = datetime.fromisoformat(utc or "")
    except ValueError:
        return utc or DASH
    if len(utc or "") <= len("2026-11-21"):
        return f"{known:%Y-%m-%d}"
    zone = " UTC" if known.utcoffset() == timedelta() else f"{known:%z}"
    return f"{known:%Y-%m-%d %H:%M:%S}{zone}"


def count(value: int | None) -> str:
    """Return a number of things: ``216 000``."""
    return DASH if value is None else f"{value:,}".replace(",", _THIN)


def percent(share: float | None) -> str:
    """Return a share: ``94.6 %``, ``0.011 %``."""
    if share is None or not isfinite(share):
        return DASH
    value = 100 * share
    if 0 < value < 0.001:
        return f"< 0.001{_THIN}%"
    shown = f"{value:.1f}" if value == 0 or value >= 1 else _two_digits(value)
    return f"{shown}{_THIN}%"


def share_of(part: int, whole: int) -> str:
    """Return how many, and what share that is: ``7 (0.11 %)``."""
    return f"{count(part)} ({percent(part / whole)})" if part else count(part)


def ppm(value: float | None) -> str:
    """Return a difference of rates, with its sign: ``+23.5 ppm``."""
    if value is None or not isfinite(value):
        return DASH
    return f"{'+' if value > 0 else ''}{_three_digits(value)}{_THIN}ppm"


def ppm_per_h(value: float | None) -> str:
    """Return how fast a rate changes, either way: ``1.80 ppm/h``."""
    if value is None or not isfinite(value):
        return DASH
    return f"{_three_digits(abs(value))}{_THIN}ppm/h"


def tight(words: str) -> str:
    """Return a sentence whose lines do not break between a number and its unit."""
    return _LOOSE.sub(_THIN, words)


def whole(value: int | None) -> str:
    """Return a number of steps to either side: ``+2``, ``0``."""
    if value is None:
        return DASH
    return f"{value:+d}".replace("-", _MINUS) if value else "0"


def score(z: float | None) -> str:
    """Return a number of standard errors: ``0.8``, ``160``, ``23 k``."""
    if z is None or not isfinite(z):
        return DASH
    return compact(z) if abs(z) >= 99.5 else f"{z:.1f}".replace("-", _MINUS)


def compact(value: float | None) -> str:
    """Return a figure of merit in few characters: ``1.02``, ``45``, ``23 k``."""
    if value is None or not isfinite(value):
        return DASH
    sign, value = (_MINUS if value < 0 else ""), abs(value)
    if value < 999.5:
        return sign + _three_digits(value)
    shown, suffix = _fitting(value, _THOUSANDS)
    return f"{sign}{shown}{_THIN}{suffix}"


_SUFFIXES = {
    "_ns": signed,
    "_us": lambda value: signed(value * 1e3),
    "_ms": lambda value: signed(value * 1e6),
    "_s": lambda value: f"{_three_digits(value)}{_THIN}s",
    "_ppm": ppm,
    "_ppm_per_h": ppm_per_h,
    "_hz": lambda value: f"{_three_digits(value)}{_THIN}Hz",
    "_percent": lambda value: percent(value / 100),
    "_fraction": percent,
    "_coverage": percent,
    "_days": lambda value: f"{value:.0f}{_THIN}days",
    "_frames": lambda value: f"{_three_digits(value)}{_THIN}frames",
}


def named(check: str, value: float | None) -> str:
    """Return a measured value in the unit that its name ends in; bare without one.

    A limit is on the size of most values, so there is no plus before them.

    Examples
    --------
    >>> named("drift_ppm", 12.0)
    '12.0\u202fppm'
    """
    if value is None or not isfinite(value):
        return DASH
    ends = sorted((s for s in _SUFFIXES if check.endswith(s)), key=len)
    shown = _SUFFIXES[ends[-1]](value) if ends else compact(value)
    return shown.removeprefix("+")


def _fitting(value: float, units: tuple[tuple[str, float], ...]) -> tuple[str, str]:
    """Return a value in the smallest unit in which it is below a thousand."""
    for unit, one in units[:-1]:
        shown = _two_digits(value / one)
        if float(shown) < 1000:
            return shown, unit
    unit, one = units[-1]
    return _two_digits(value / one), unit


def _two_digits(value: float) -> str:
    """Return two digits that mean something, and all before the point."""
    if value == 0:
        return "0"
    places = 0 if value >= 9.95 else 1 if value >= 0.995 else 2
    return f"{value:.{places}f}" if value >= 0.0995 else f"{value:.3f}"


def _three_digits(value: float) -> str:
    if value == 0:
        return "0"
    size = abs(value)
    places = 0 if size >= 99.95 else 1 if size >= 9.995 else 2
    if size < 0.0995:
        places = 3
    return f"{value:.{places}f}".replace("-", _MINUS)
