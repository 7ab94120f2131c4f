"""The computer's clock and a device's: questions and answers, or the live map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from offline.alignment.joints.joint import Joint
from offline.alignment.recorded import HOST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from offline.alignment.recorded import Recorded

__all__ = ["host_joints"]

_BLOCK_NS = 2_000_000_000
"""Of so long the exchange of the shortest round trip is taken."""
_LEAST_EXCHANGES = 5
_UNSURE = 3.0
"""Live maps are not used whose error is so many times that of the median."""


def host_joints(recorded: Recorded) -> Iterator[Joint]:
    """Yield a joint with the host for each device whose clock was followed live."""
    for name, spec in recorded.recording.streams.items():
        if spec.kind == "clocks" and len(recorded.rows(name)):
            device = name.removeprefix("clocks/")
            yield _by_exchanges(recorded, device) or _by_live_map(recorded, device)


def _by_exchanges(recorded: Recorded, device: str) -> Joint | None:
    """Return what questions and answers say; None where there are too few.

    The answer is given between asking and hearing. The middle is taken; how the trip
    was shared between there and back cannot be seen, so that half of the shortest
    round trip bounds the error.
    """
    rows = recorded.rows(f"clocks/{device}")
    if "asked_ns" not in (rows.dtype.names or ()):
        return None
    rows = rows[rows["asked_ns"] > 0]
    _, first = np.unique(rows["asked_ns"], return_index=True)
    rows = rows[first]
    trip_ns = rows["received_ns"] - rows["asked_ns"]
    chosen = _least_of_blocks(rows["asked_ns"], trip_ns)
    if len(chosen) < _LEAST_EXCHANGES:
        return None
    rows, trip_ns = rows[chosen], trip_ns[chosen]
    timeline = recorded.timelines.get(device)
    answered = rows["answered_ns"]
    if timeline is not None:
        answered = timeline.unfold(answered, rows["received_ns"])
    shortest_us = trip_ns.min() / 1e3
    return Joint(
        device,
        HOST,
        "exchanges",
        "unique",
        f"{len(rows)} exchanges, shortest round trip {shortest_us:.0f} us.",
        answered,
        rows["asked_ns"] + trip_ns // 2,
        constant_sd_ns=float(trip_ns.min() / np.sqrt(12)),
    )


def _least_of_blocks(
    times_ns: NDArray[np.int64], trip_ns: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return which exchange of each block had the shortest round trip, in order."""
    block = (times_ns - times_ns[:1].sum()) // _BLOCK_NS
    order = np.lexsort((trip_ns, block))
    _, first = np.unique(block[order], return_index=True)
    return order[first]


def _by_live_map(recorded: Recorded, device: str) -> Joint:
    rows = recorded.rows(f"clocks/{device}")
    _, first = np.unique(rows["device_ns"], return_index=True)
    rows = rows[np.sort(first)]
    sd_ns = rows["sd_ns"].astype(np.float64)
    rows = rows[sd_ns <= _UNSURE * np.median(sd_ns)]
    timeline = recorded.timelines.get(device)
    stamps = rows["device_ns"]
    if timeline is not None:
        stamps = timeline.unfold(stamps, rows["host_ns"])
    return Joint(
        device,
        HOST,
        "online",
        "unique",
        f"the map that ran live, {len(rows)} rows of it.",
        stamps,
        (rows["device_ns"] + rows["offset_ns"]).astype(np.int64),
        constant_sd_ns=float(np.median(rows["sd_ns"])),
    )
