"""How others relate two clocks: each way in a few lines, after its source.

All get the same pulses, matched already, with the clocks' difference counted from the
first pulse: what is compared is what they make of good pairs. LSL's way is not
rewritten but called.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    _Floats = NDArray[np.float64]
    Relation = Callable[[_Floats], _Floats]

__all__ = ["PEERS", "Peer", "missing_peers"]


@dataclass(frozen=True, slots=True)
class Peer:
    """A way of others."""

    title: str
    source: str
    """Who does it so, and where that can be read."""
    fit: Callable[[_Floats, _Floats], Relation]
    """From the pulses' times (s) and the clocks' difference (ns) at each to the
    difference at any time. Raises ImportError where its own code is not installed."""


def _line(time_s: _Floats, offset_ns: _Floats) -> Relation:
    centre = time_s.mean()
    line = np.polyfit(time_s - centre, offset_ns, 1)
    return lambda at: np.polyval(line, at - centre)


def _exact(time_s: _Floats, offset_ns: _Floats) -> Relation:
    return lambda at: np.interp(at, time_s, offset_ns)


def _nearest_edge(time_s: _Floats, offset_ns: _Floats) -> Relation:
    def relation(at: _Floats) -> _Floats:
        before = np.searchsorted(time_s, at, side="right") - 1
        return offset_ns[np.maximum(before, 0)]

    return relation


_RESAMPLED_HZ = 300
_PAD_S, _END_S = 60, 30
"""Least padding, and what its value is the median of."""
_PASS_HZ, _STOP_HZ = 0.001, 0.002
_KNOT_S = 20.0


def _low_pass(time_s: _Floats, offset_ns: _Floats) -> Relation:
    """Smooth what a line leaves over in the frequency domain, knots every 20 s."""
    line = _line(time_s, offset_ns)
    fine_s = np.arange(time_s[0], time_s[-1], 1 / _RESAMPLED_HZ)
    rest = np.interp(fine_s, time_s, offset_ns - line(time_s))
    least = rest.size + _RESAMPLED_HZ * _PAD_S
    padding = 2 ** int(np.ceil(np.log2(least))) - rest.size
    before, after = padding - padding // 2, padding // 2
    ends = _RESAMPLED_HZ * _END_S
    padded = np.pad(rest, (before, after), "median", stat_length=ends)
    frequency = np.fft.rfftfreq(padded.size, 1 / _RESAMPLED_HZ)
    above = np.clip((frequency - _PASS_HZ) / (_STOP_HZ - _PASS_HZ), 0, 1)
    gain = (1 + np.cos(np.pi * above)) / 2
    smooth = np.fft.irfft(np.fft.rfft(padded) * gain, padded.size)[before:-after]
    knots_s = np.arange(time_s[0], time_s[-1] + _KNOT_S, _KNOT_S)
    knots_ns = line(knots_s) + np.interp(knots_s, fine_s, smooth)
    return lambda at: np.interp(at, knots_s, knots_ns)


_WINSOR_S = 1e-4
"""Beyond which LSL trusts an offset less: the default of its reader."""


def _robust_line(time_s: _Floats, offset_ns: _Floats) -> Relation:
    from pyxdf import pyxdf

    design = np.column_stack([np.ones_like(time_s), time_s / _WINSOR_S])
    # the peer is this very function
    fitted = pyxdf._robust_fit(design, offset_ns * 1e-9 / _WINSOR_S)  # noqa: SLF001
    level_s, slope = fitted[0] * _WINSOR_S, fitted[1]
    return lambda at: (level_s + slope * at) * 1e9


PEERS = {
    "line": Peer(
        "line",
        "least squares: MNE's preprocessing.realign_raw; Allen's barcodes map linearly "
        "too",
        _line,
    ),
    "exact": Peer(
        "exact",
        "straight from pulse to pulse: pyControl's Rsync_aligner; ibllib, "
        "sync_probe_front_times(type='exact')",
        _exact,
    ),
    "edge": Peer(
        "edge",
        "from the edge before: TPrime, Tool.cpp, here with every pulse as an edge",
        _nearest_edge,
    ),
    "low_pass": Peer(
        "low-pass",
        "line and 1-2 mHz low-pass of the rest: ibllib, "
        "sync_probe_front_times(type='smooth')",
        _low_pass,
    ),
    "lsl": Peer(
        "LSL",
        "robust line: pyxdf's own _robust_fit, as its _clock_sync calls it",
        _robust_line,
    ),
}
"""By name, in the order they are shown."""


def missing_peers() -> dict[str, str]:
    """Return the peers that cannot be asked here, with the reason."""
    two = np.array([0.0, 1.0])
    missing: dict[str, str] = {}
    for name, peer in PEERS.items():
        try:
            peer.fit(two, two)
        except ImportError as error:
            missing[name] = f"{error.name or error} is not installed"
    return missing
