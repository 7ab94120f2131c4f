"""The sync line: random pulses and barcodes on one wire, made and read.

::

    code 17   random pulses, 0.1 to 1.9 s apart          code 18
    ▌▐▐▌▐ …   │    │ │        │   │      │         │     ▌▐▐▌▐ …
    ├────────────────── period (30 s) ──────────────────┤

One wire for both, because a rig has few inputs to spare: the pulses give the
precision, the codes say which of them is which, after a restart as well. A pulse is
at most half as wide as a bar, so that their widths tell them apart. Each period is a
segment of its own, made from its number and the session's seed; whoever reads a code
can compute the pulses that follow. The first code begins with the line itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sync.barcode import CODE_BARS, BarcodeReading, barcode_edges, decode_barcodes
from sync.pulses import CleanPulses, clean_pulses, put_in_order, random_pulses_us

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["SyncLine", "SyncLineReading", "read_sync_line", "segment_edges_us"]

_NUMBERS = 1 << 32


@dataclass(frozen=True, slots=True)
class SyncLine:
    """How a sync line is made. The defaults are those of the firmware."""

    seed: int
    """Of the session; 32 bits."""
    pulse_width_us: int = 10_000
    """Width of a random pulse."""
    period_us: int = 30_000_000
    """From code to code."""
    bar_us: int | None = 20_000
    """Length of a bar; None: the line has no codes."""

    @property
    def code_us(self) -> int:
        """Length of a code; 0 without codes."""
        return CODE_BARS * (self.bar_us or 0)


def segment_edges_us(
    line: SyncLine, number: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return all edges of one segment.

    Parameters
    ----------
    line
        How the line is made.
    number
        Number of the segment, and value of its code; 32 bits.

    Returns
    -------
    Times since the beginning of the segment (n,), in order, and which way each
    edge goes (n,).
    """
    number %= _NUMBERS
    times, rising = np.empty(0, np.int64), np.empty(0, bool)
    if line.bar_us is not None:
        times, rising = barcode_edges(number, line.bar_us)
    left_us = line.period_us - line.code_us
    rises = line.code_us + random_pulses_us(line.seed, number, left_us)
    pulses = np.stack([rises, rises + line.pulse_width_us], axis=1).ravel()
    ways = np.arange(len(pulses)) % 2 == 0
    return np.concatenate([times, pulses]), np.concatenate([rising, ways])


@dataclass(frozen=True, slots=True)
class SyncLineReading:
    """What a receiver saw of a sync line."""

    pulses: CleanPulses
    """The random pulses, and what was no pulse; bars of refused codes are misfits."""
    codes: BarcodeReading


def read_sync_line(
    times_ns: ArrayLike,
    rising: ArrayLike,
    line: SyncLine,
    *,
    jitter_ns: int = 0,
    tick_ns: int = 0,
    longest_gap_ns: int | None = 3_000_000_000,
    end_ns: int | None = None,
) -> SyncLineReading:
    """Tell codes and pulses of a recorded sync line apart, and check both.

    Parameters
    ----------
    times_ns, rising
        The line's edges (n,), both ways.
    line
        How the line was made; its seed is not used.
    jitter_ns, tick_ns, longest_gap_ns, end_ns
        As of `sync.pulses.clean_pulses`.
    """
    edges = put_in_order(times_ns, rising, tick_ns)
    options = {"width_ns": line.pulse_width_us * 1000, "jitter_ns": jitter_ns}
    times = edges.times_ns
    whole = clean_pulses(
        times, edges.rising, longest_gap_ns=longest_gap_ns, end_ns=end_ns, **options
    )
    ups = ~edges.rising if whole.inverted else edges.rising
    is_code = np.zeros(len(times), bool)
    codes = decode_barcodes(
        times if line.bar_us else times[:0],
        ups if line.bar_us else ups[:0],
        bar_ns=(line.bar_us or 1) * 1000,
        period_ns=line.period_us * 1000,
    )
    for code in codes.codes:
        is_code[code.first_edge : code.first_edge + code.edges] = True
    pulses = replace(
        clean_pulses(times[~is_code], ups[~is_code], **options),
        duplicates=edges.duplicates,
        out_of_order=edges.out_of_order,
        inverted=whole.inverted,
        stuck_ns=whole.stuck_ns,
    )
    return SyncLineReading(pulses, codes)
