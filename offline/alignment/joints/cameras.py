"""Cameras and boards: exposure lines, and triggers with the frames they made."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from offline.alignment.joints.joint import Joint, joint_of, lone
from rig.config.rig import BaslerConfig, HardwareTrigger
from sync.matching import match_pulses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from offline.alignment.recorded import Edges, Recorded

__all__ = ["camera_joints", "exposure_start_ns"]

_AGREE = 0.99
"""Share of the recorded pairs that must be those of the pulses."""
_WIDTH_OFF = 0.2
"""Share of the exposure by which its line may be high for longer or shorter."""
_LESS_SURE_NS = 1_000.0
"""Of triggers where an exposure line is there: enough to have the line taken."""


def camera_joints(recorded: Recorded, max_drift_ppm: float) -> Iterator[Joint]:
    """Yield the joints of cameras with boards: exposure lines, and triggers by wire.

    A camera that is triggered by software has no joint of its triggers: its frames
    begin after a delay of the host, not of the trigger. An exposure line is the truth
    of when a camera exposed, a trigger is a wish: where there is a line, it is taken.
    """
    for camera, config in recorded.rig.cameras.items():
        if f"cameras/{camera}" not in recorded.recording.streams:
            continue
        shown = list(_by_line(recorded, camera, max_drift_ppm))
        yield from shown
        if isinstance(config, BaslerConfig) and isinstance(
            config.trigger, HardwareTrigger
        ):
            joint = _by_trigger(recorded, camera, config.trigger, max_drift_ppm)
            seen = any(one.verdict == "unique" for one in shown)
            yield replace(joint, constant_sd_ns=_LESS_SURE_NS) if seen else joint


def _by_line(recorded: Recorded, camera: str, max_drift_ppm: float) -> Iterator[Joint]:
    """Yield a joint for each input that shows when the camera exposes."""
    for board, config in recorded.rig.harp_devices.items():
        lines = config.inputs.lines if config.inputs else {}
        for line, wired in lines.items():
            if wired.exposure_of == camera:
                edges = recorded.edges(board, line)
                yield _exposures(recorded, camera, (board, line), edges, max_drift_ppm)


def _exposures(
    recorded: Recorded,
    camera: str,
    at: tuple[str, str],
    edges: Edges,
    max_drift_ppm: float,
) -> Joint:
    board, line = at
    starts = exposure_start_ns(recorded, camera)
    starts = starts[starts >= 0]
    about = recorded.recording.attributes(f"cameras/{camera}")
    exposure_ns = float(about.get("exposure_us", 0.0)) * 1e3
    up, remarks = _polarity(f"{line!r} of {board}", edges, exposure_ns)
    shown = edges.going(up=up).time_ns
    if not len(starts) or not len(shown):
        what = "stamped frame" if not len(starts) else f"edge on {line!r} of {board}"
        reason = f"there is no {what}"
        return Joint(camera, board, "exposures", "no_match", reason)
    match = match_pulses(starts, shown, max_drift_ppm=max_drift_ppm)
    return joint_of(camera, board, "exposures", (starts, shown), match, remarks)


def _polarity(
    what: str, edges: Edges, exposure_ns: float
) -> tuple[bool, tuple[str, ...]]:
    """Say whether exposures begin with a rise, by how long the line is high or low."""
    high = _widths(edges, up=True)
    low = _widths(edges, up=False)
    if not len(high) or not len(low):
        return True, ()
    off = [abs(float(np.median(one)) - exposure_ns) for one in (high, low)]
    if off[1] < _WIDTH_OFF * exposure_ns < off[0]:
        return False, (f"the line {what} is turned over: low during exposure",)
    if off[0] > _WIDTH_OFF * exposure_ns:
        seen = np.median(high) / 1e3
        return True, (
            f"the line {what} is high for {seen:.0f} us, the exposure is "
            f"{exposure_ns / 1e3:.0f} us",
        )
    return True, ()


def _widths(edges: Edges, *, up: bool) -> NDArray[np.int64]:
    begins = edges.rising[:-1] == up
    return np.diff(edges.time_ns)[begins & (edges.rising[1:] != up)]


def exposure_start_ns(recorded: Recorded, camera: str) -> NDArray[np.int64]:
    """Return when each exposure began (n,), on the camera's timeline.

    -1 where the camera gave no stamp.
    """
    stream = f"cameras/{camera}"
    about = recorded.recording.attributes(stream)
    stamps = recorded.stamps(stream)
    if about.get("device_stamp") == "exposure_end":
        exposure_ns = round(float(about.get("exposure_us", 0.0)) * 1000)
        stamps = np.where(stamps >= 0, stamps - exposure_ns, stamps)
    return stamps


def _by_trigger(
    recorded: Recorded, camera: str, trigger: HardwareTrigger, max_drift_ppm: float
) -> Joint:
    board = trigger.source
    config = recorded.rig.harp_devices[board].camera_trigger
    line = config.line if config else ""
    edges = recorded.edges(board, line).going(up=trigger.edge == "rising")
    starts = exposure_start_ns(recorded, camera)
    stamped = np.flatnonzero(starts >= 0)
    trains = (starts[stamped], edges.time_ns)
    if not all(len(train) for train in trains):
        what = "stamped frame" if not len(trains[0]) else f"edge on {line!r} of {board}"
        return Joint(camera, board, "triggers", "no_match", f"there is no {what}")
    match = match_pulses(*trains, max_drift_ppm=max_drift_ppm)
    joint = joint_of(camera, board, "triggers", trains, match)
    asked = recorded.rows(f"cameras/{camera}")["trigger_seq"][stamped]
    return _with_the_books(joint, trains, match.source_index, match.target_index,
                           _by_number(asked, edges.seq))  # fmt: skip


def _by_number(asked: NDArray[np.int64], seq: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which trigger each frame was recorded with (n,); -1 for none."""
    at = np.clip(np.searchsorted(seq, asked), 0, len(seq) - 1)
    return np.where(seq[at] == asked, at, -1)


def _with_the_books(
    joint: Joint,
    trains: tuple[NDArray[np.int64], NDArray[np.int64]],
    source: NDArray[np.int64],
    target: NDArray[np.int64],
    booked: NDArray[np.int64],
) -> Joint:
    """Hold the match against what was noted live: which trigger made which frame."""
    if joint.verdict == "unique":
        known = booked[source] >= 0
        agree = booked[source][known] == target[known]
        if not known.any() or agree.mean() >= _AGREE:
            return joint
        by = int(np.median(target[known] - booked[source][known]))
        said = f"live, frames were noted with other triggers, {by:+d} in the median"
        return replace(joint, reason=f"{joint.reason} Mended: {said}.", remarks=(said,))
    i = np.flatnonzero(booked >= 0)
    if not len(i):
        return joint
    reason = (
        f"{joint.reason} The frames are with the triggers they were noted with live, "
        "which the pulses can neither prove nor disprove: give the trigger a dither_us "
        "of 100, or let an LED be seen."
    )
    return replace(
        joint,
        reason=reason,
        one_ns=trains[0][i],
        other_ns=trains[1][booked[i]],
        one_only_ns=lone(trains[0], i),
        other_only_ns=lone(trains[1], booked[i]),
    )
