"""Barcodes: a number, given off on a line now and then, that says which moment it is.

::

    bars   0   3   6  8  10 …                          86  88
           ┌───┐                                        ┌──┐
        ───┘   └───┤b31│b30│ … 32 bits │ CRC-8 │  stop ─┘  └───
            start    each bit two bars: 1 = high, low; 0 = low, high

In the bits (Manchester's code) the line never keeps a level for more than two bars,
and each bit has an edge in its middle. So the start, three bars and three bars, is
like nothing else, and an edge that is missing, moved by a bar or one too many breaks
the form before the checksum is asked. The checksum (CRC-8/AUTOSAR) finds all errors
of up to three bits; numbers that do not count on with the time are refused as well.

Bars last at least four periods of the slowest sampler: then an edge is told late by a
quarter of a bar at most, well inside the third that is allowed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "CODE_BARS",
    "Barcode",
    "BarcodeReading",
    "RefusedBarcode",
    "barcode_edges",
    "barcode_levels",
    "crc8",
    "decode_barcodes",
]

_START = (1, 1, 1, 0, 0, 0)
_BITS, _CHECK_BITS = 32, 8
_NUMBERS = 1 << _BITS
CODE_BARS = len(_START) + 2 * (_BITS + _CHECK_BITS + 1)
"""Bars in a code, from its first rise to its last fall."""
_POLYNOMIAL = 0x2F
_OFF_GRID = 1 / 3
"""By so many bars an edge may be off."""
_SURE = 4.0
"""In standard deviations."""
_RECENT_RUNS = 4


def crc8(data: bytes) -> int:
    """Return the CRC-8/AUTOSAR: polynomial 0x2F, begun and ended with 0xFF.

    Of all with 8 bits it is one of those that find every error of up to three bits
    in 32 (Koopman and Chakravarty 2004).

    Examples
    --------
    >>> hex(crc8(b"123456789"))
    '0xdf'
    """
    rest = 0xFF
    for byte in data:
        rest ^= byte
        for _ in range(8):
            rest = (rest << 1 ^ (_POLYNOMIAL if rest & 0x80 else 0)) & 0xFF
    return rest ^ 0xFF


def barcode_levels(value: int) -> NDArray[np.bool_]:
    """Return the level of each bar (`CODE_BARS`,) of a 32-bit number.

    Raises
    ------
    ValueError
        If the number does not fit.
    """
    if not 0 <= value < _NUMBERS:
        msg = f"Expected a number of {_BITS} bits, got {value}"
        raise ValueError(msg)
    word = value << _CHECK_BITS | crc8(value.to_bytes(_BITS // 8, "big"))
    bits = [word >> k & 1 for k in reversed(range(_BITS + _CHECK_BITS))]
    halves = [half for bit in (*bits, 0) for half in (bit, 1 - bit)]
    return np.array([*_START, *halves], bool)


def barcode_edges(value: int, bar: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return a code's edges: their times since its first rise, and which way each goes.

    Parameters
    ----------
    value
        The number, 32 bits.
    bar
        Length of a bar, in the unit that the times shall have.
    """
    levels = np.concatenate([[False], barcode_levels(value), [False]])
    places = np.flatnonzero(levels[1:] != levels[:-1])
    return places * bar, levels[places + 1]


@dataclass(frozen=True, slots=True)
class Barcode:
    """One code that was read."""

    value: int
    start_ns: int
    """Time of its first rise, told by all its edges together."""
    bar_ns: float
    """Length of its bars."""
    jitter_ns: float
    """How far its edges are off the grid, root mean square."""
    first_edge: int
    """Index of its first edge in the list that was given."""
    edges: int
    """Number of its edges."""


@dataclass(frozen=True, slots=True)
class RefusedBarcode:
    """What began like a code and is not taken for one."""

    start_ns: int
    reason: str


@dataclass(frozen=True, slots=True)
class BarcodeReading:
    """The codes of a line, in order of time."""

    codes: tuple[Barcode, ...]
    run: NDArray[np.int64]
    """(n,) which codes count on from one another: a new run is a restart."""
    confirmed: NDArray[np.bool_]
    """(n,) whether another code of the run agrees; a lone code has only its CRC."""
    missing: NDArray[np.int64]
    """Numbers that should have come inside the runs, and did not."""
    refused: tuple[RefusedBarcode, ...]

    @property
    def values(self) -> NDArray[np.int64]:
        """The numbers (n,)."""
        return np.array([code.value for code in self.codes], np.int64)

    @property
    def start_ns(self) -> NDArray[np.int64]:
        """The times of their first rises (n,)."""
        return np.array([code.start_ns for code in self.codes], np.int64)


def decode_barcodes(
    times_ns: ArrayLike,
    rising: ArrayLike,
    *,
    bar_ns: int,
    period_ns: int,
    max_drift_ppm: float = 500.0,
) -> BarcodeReading:
    """Find the codes on a line and read them.

    Parameters
    ----------
    times_ns
        Times of the line's edges (n,), in order; there may be others between codes.
    rising
        Which way each went (n,).
    bar_ns
        Nominal length of a bar.
    period_ns
        Nominal time from code to code; the number counts one up in it.
    max_drift_ppm
        By how much the clocks of sender and receiver may differ.

    Raises
    ------
    ValueError
        If the times are not in order.
    """
    times = np.atleast_1d(np.asarray(times_ns, np.int64))
    ups = np.atleast_1d(np.asarray(rising, bool))
    if (np.diff(times) < 0).any():
        msg = "Expected edges in order of time, got some that run backwards: sort them"
        raise ValueError(msg)
    codes: list[Barcode] = []
    refused: list[RefusedBarcode] = []
    end = 0
    for first in _starts(times, ups, bar_ns):
        if first < end:
            continue
        found = _read(times, ups, first, bar_ns, max_drift_ppm * 1e-6)
        if isinstance(found, Barcode):
            codes.append(found)
            end = first + found.edges
        else:
            refused.append(RefusedBarcode(int(times[first]), found))
    return _check_continuity(codes, refused, bar_ns, period_ns, max_drift_ppm * 1e-6)


def _starts(times: NDArray[np.int64], ups: NDArray[np.bool_], bar_ns: int) -> list[int]:
    """Return the rises after which the line is high for three bars, then low as long.

    Each edge may be off by a third of a bar; nothing in the bits comes near. A rise
    that follows a fall at once is a glitch in a start, and no start.
    """
    spans = np.diff(times) / bar_ns
    high, low = spans[:-1], spans[1:]
    like = (np.abs(high - 3) <= 2 * _OFF_GRID) & (low >= 3 - 2 * _OFF_GRID)
    like &= (low <= 4 + 2 * _OFF_GRID) & ups[:-2] & ~ups[1:-1]
    like[1:] &= spans[: len(like) - 1] > _OFF_GRID
    return np.flatnonzero(like).tolist()


def _read(
    times: NDArray[np.int64],
    ups: NDArray[np.bool_],
    first: int,
    bar_ns: int,
    max_drift: float,
) -> Barcode | str:
    """Return the code that begins with an edge, or why there is none."""
    origin = int(times[first])
    last = origin + round((CODE_BARS + 2 * _OFF_GRID) * bar_ns * (1 + max_drift))
    end = int(np.searchsorted(times, last, side="right"))
    bars = (times[first:end] - origin) / bar_ns
    going_up = ups[first:end]
    if len(bars) % 2 or (going_up[::2] != 1).any() or going_up[1::2].any():
        return "an edge is missing or one too many: they do not go up and down in turn"
    places, (start, bar, _), rms = _fit_grid(bars, going_up)
    if places is None:
        return "an edge is off the grid of bars"
    spread = np.sqrt(((places - places.mean()) ** 2).sum())
    if abs(bar - 1) > max_drift + _SURE * rms / spread:
        return f"bars of {bar * bar_ns / 1e6:.3f} ms, not {bar_ns / 1e6:.3f} ms"
    value = _value_of(places)
    if isinstance(value, str):
        return value
    return Barcode(
        value=value,
        start_ns=origin + round(start * bar_ns),
        bar_ns=bar * bar_ns,
        jitter_ns=rms * bar_ns,
        first_edge=first,
        edges=len(bars),
    )


def _fit_grid(
    bars: NDArray[np.float64], going_up: NDArray[np.bool_]
) -> tuple[NDArray[np.int64] | None, tuple[float, float, float], float]:
    """Lay the most likely grid through all edges at once.

    Edges are scattered alike around start + place · bar (+ delay for falls: many
    inputs are slower to fall). By turns each edge gets its likeliest place, and the
    places their likeliest grid (least squares), until nothing changes.

    Returns
    -------
    Places of the edges, None if there is no grid; (start, bar, delay) in nominal
    bars; root mean square distance in nominal bars.
    """
    phase = 2 * np.pi * bars
    turn = float(np.arctan2(np.sin(phase).sum(), np.cos(phase).sum()) / (2 * np.pi))
    places = np.rint(bars - turn).astype(np.int64)
    grid = (turn, 1.0, 0.0)
    rest = bars - turn - places
    for _ in range(4):
        design = np.stack([np.ones(len(bars)), places, ~going_up], axis=1)
        solution, *_ = np.linalg.lstsq(design, bars, rcond=None)
        start, bar, delay = (float(one) for one in solution)
        again = np.rint((bars - start - delay * ~going_up) / bar).astype(np.int64)
        rest = bars - design @ solution
        grid = (start, bar, delay)
        if np.array_equal(again, places):
            break
        places = again
    rms = float(np.sqrt((rest**2).mean()))
    on_grid = np.abs(rest).max() <= _OFF_GRID and abs(grid[2]) <= _OFF_GRID
    on_grid = on_grid and bool((np.diff(places) > 0).all())
    return (places - places[0] if on_grid else None), grid, rms


def _value_of(places: NDArray[np.int64]) -> int | str:
    """Return the number whose edges are at these places, or what is wrong."""
    if places[-1] != CODE_BARS:
        return f"{places[-1]} bars long, not {CODE_BARS}"
    levels = np.zeros(CODE_BARS, bool)
    for rise, fall in zip(places[::2], places[1::2], strict=True):
        levels[rise:fall] = True
    if not np.array_equal(levels[: len(_START)], np.array(_START, bool)):
        return "the start is damaged"
    halves = levels[len(_START) :].reshape(-1, 2)
    if (halves[:, 0] == halves[:, 1]).any() or halves[-1, 0]:
        return "a bit has no edge in its middle"
    data = np.packbits(halves[:-1, 0]).tobytes()
    if crc8(data[:-1]) != data[-1]:
        return "the checksum is wrong"
    return int.from_bytes(data[:-1], "big")


def _check_continuity(
    codes: list[Barcode],
    refused: list[RefusedBarcode],
    bar_ns: int,
    period_ns: int,
    max_drift: float,
) -> BarcodeReading:
    """Sort codes into runs that count on with the time; refuse who contradicts one."""
    runs: list[list[Barcode]] = []
    for code in codes:
        for run in reversed(runs[-_RECENT_RUNS:]):
            if _counts_on(run[-1], code, bar_ns, period_ns, max_drift):
                run.append(code)
                break
        else:
            runs.append([code])
    agreed = [(run[0].start_ns, run[-1].start_ns) for run in runs if len(run) > 1]
    kept: list[tuple[Barcode, int, bool]] = []
    missing: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    for run in runs:
        at_ns = run[0].start_ns
        if len(run) == 1 and any(begin < at_ns < end for begin, end in agreed):
            reason = f"{run[0].value} contradicts the codes around it"
            refused.append(RefusedBarcode(at_ns, reason))
            continue
        number = kept[-1][1] + 1 if kept else 0
        kept += [(code, number, len(run) > 1) for code in run]
        missing.append(_absent(run))
    kept.sort(key=lambda one: one[0].start_ns)
    return BarcodeReading(
        codes=tuple(code for code, _, _ in kept),
        run=np.array([run for _, run, _ in kept], np.int64),
        confirmed=np.array([sure for _, _, sure in kept], bool),
        missing=np.concatenate(missing),
        refused=tuple(sorted(refused, key=lambda one: one.start_ns)),
    )


def _absent(run: list[Barcode]) -> NDArray[np.int64]:
    """Return the numbers between the first and the last of a run that did not come."""
    steps = [(code.value - run[0].value) % _NUMBERS for code in run]
    between = np.ones(steps[-1] + 1, bool)
    between[steps] = False
    return (run[0].value + np.flatnonzero(between)) % _NUMBERS


def _counts_on(
    one: Barcode, other: Barcode, bar_ns: int, period_ns: int, max_drift: float
) -> bool:
    """Tell whether the number has gone on by as much as the time has."""
    elapsed_ns = other.start_ns - one.start_ns
    expected_ns = (other.value - one.value) % _NUMBERS * period_ns
    slack_ns = max_drift * expected_ns + bar_ns
    return expected_ns > 0 and abs(elapsed_ns - expected_ns) <= slack_ns
