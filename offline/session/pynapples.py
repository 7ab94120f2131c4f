"""Streams as objects of pynapple."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from offline.session.data import NS_PER_S
from offline.session.edges import EDGES
from rig.errors import SpringhareError

if TYPE_CHECKING:
    from offline.session.data import StreamData

__all__ = ["to_pynapple"]


def to_pynapple(data: StreamData, max_gap_s: float | None, grouped: bool) -> Any:
    """Return a stream as a TsdFrame, TsdTensor, Tsd, Ts or TsGroup.

    The support leaves out the gaps: it reaches half a period beyond the first and the
    last element of each stretch. For what has no rate it is the window.

    Parameters
    ----------
    data
        The stream; what is not there in it is left out.
    max_gap_s
        Longest time between elements that is no gap; by default 1.5 periods.
    grouped
        Give events as a TsGroup, one Ts for each line and edge.

    Raises
    ------
    SpringhareError
        If pynapple is not installed.
    """
    try:
        import pynapple
    except ImportError as error:
        msg = (
            "Expected pynapple to make its objects with, it is not installed: "
            'pip install "springhare[offline]"'
        )
        raise SpringhareError(msg) from error
    support = pynapple.IntervalSet(*_support_s(data, max_gap_s).T)
    if grouped:
        return _group(pynapple, data, support)
    there = data.only(data.present)
    times = {"t": there.time_s, "time_support": support}
    match there.info.kind:
        case "samples":
            return pynapple.TsdFrame(
                d=there.values, columns=list(there.channels), **times
            )
        case "poses":
            return pynapple.TsdTensor(d=there.values, **times)
        case "frames":
            return pynapple.Tsd(d=there.values, **times)
        case _:
            return pynapple.Ts(**times)


def _support_s(data: StreamData, max_gap_s: float | None) -> Any:
    """Return from when to when a stream is supported, (k, 2) in s."""
    stretches = data.stretches(max_gap_s).astype(np.float64)
    gap_ns = data.info.gap_ns(max_gap_s)
    if np.isfinite(gap_ns):
        half_ns = min(data.info.period_ns or gap_ns, gap_ns) / 2
        stretches += (-half_ns, half_ns)
    return stretches / NS_PER_S


def _group(pynapple: Any, data: StreamData, support: Any) -> Any:
    lines: list[str] = []
    edges: list[str] = []
    parts: dict[int, Any] = {}
    for line in np.unique(data.values["line"]):
        for edge, number in EDGES.items():
            own = (data.values["line"] == line) & (data.values["edge"] == number)
            if own.any():
                time_s = data.only(own).time_s
                parts[len(parts)] = pynapple.Ts(time_s, time_support=support)
                lines.append(line.decode("ascii", "replace"))
                edges.append(edge)
    return pynapple.TsGroup(
        parts,
        time_support=support,
        metadata={"line": np.array(lines), "edge": np.array(edges)},
    )
