"""The constant delay of each stream of a session that a line was pulsed in.

A camera sees the line's LED, a channel has the line on a wire, and a board's input
hears it. An input on the wire is what alignment goes by: its delay is 0 by definition,
and how it scatters is all that can be seen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from offline.alignment.cues.finder import led_of
from offline.alignment.cues.gaze import view_of
from offline.alignment.cues.lines import Wire, driven_line, line_of
from offline.alignment.result import NO_TIME
from offline.delays.calibration import StreamLatency
from rig.config.rig import BaslerConfig, HardwareTrigger
from sync.cues import Looks, find_delay

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from offline.alignment.streams import Placed, Session
    from rig.config.rig import EmgTestPulse, ForceTestPulse
    from sync.cues import Delay, Line

    Progress = Callable[[str, int, int], object]

__all__ = ["Measured", "Trace", "measure"]

_MOST_FRAMES = 20_000
_MOST_SAMPLES = 1_000_000
"""Of a channel: some minutes."""
_LEAST_SAMPLES = 100
_REACH_NS = 20e6
"""A channel's delay is looked for so far to either side."""
_FAR_S = 2.5
_LEAST_EDGES = 20
_SAME_NS = 5_000_000
"""An edge on a wire is within this of the one that drives it."""


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """What a stream showed of the line; for a picture."""

    line: Line
    looks: Looks
    delay: Delay
    what: str
    """``brightness`` …"""


@dataclass(slots=True)
class Measured:
    """What was measured in a session."""

    streams: dict[str, StreamLatency] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    """Streams that could not be measured: why, and what to do."""
    remarks: dict[str, str] = field(default_factory=dict)
    """What else is to be known of a stream that was."""
    traces: dict[str, Trace] = field(default_factory=dict)


def measure(
    session: Session,
    placed: Mapping[str, Placed],
    *,
    progress: Progress = lambda what, done, of: None,
) -> Measured:
    """Measure the constant delay of each stream.

    Parameters
    ----------
    session, placed
        As `offline.alignment.pipeline.align` gives them to its `look`; aligned without
        any calibration.
    progress
        Told what is looked at, how much of it is done, and of how much.
    """
    found = Measured()
    for name, one in placed.items():
        if name.startswith("cameras/"):
            _camera(found, session, name, one, progress)
        elif name.startswith("signals/"):
            progress(f"{name}: looking for the test pulse", 0, 1)
            _signal(found, session, name, one)
        elif name.startswith("events/"):
            _board(found, session, name)
    return found


def _camera(
    found: Measured, session: Session, name: str, placed: Placed, progress: Progress
) -> None:
    view = view_of(session, name, placed)
    if view is None:
        found.missing[name] = "no frames were recorded"
        return
    lit = led_of(view, most_frames=_MOST_FRAMES, progress=progress)
    look = lit.look
    if look is None or look.delay.shift.verdict != "unique":
        told = lit.cue.words if lit.cue else "it sees no LED that follows a line"
        found.missing[name] = (
            f"{told}. Let it see an LED on a sync line, and write where under the "
            "camera in the rig file: led: {source, line, x_px, y_px}"
        )
        return
    shift = lit.cue.shift_frames if lit.cue else 0
    if shift and _triggered_by_wire(session, view.camera):
        words = lit.cue.words if lit.cue else ""
        found.missing[name] = f"{words}. That is no latency: mend it first"
        return
    _keep(
        found,
        name,
        look.delay,
        "LED",
        _clock_sd(session, placed.clock, look.wire.board),
    )
    if lit.cue is not None and lit.cue.level != "PASS":
        found.remarks[name] = lit.cue.words
    found.traces[name] = Trace(look.line, look.looks, look.delay, "brightness")


def _signal(found: Measured, session: Session, name: str, placed: Placed) -> None:
    node, _, part = name.removeprefix("signals/").partition("/")
    config = getattr(session.recorded.rig.harp_devices.get(node), part, None)
    pulse = None if config is None else config.test_pulse
    if pulse is None:
        found.missing[name] = (
            "no test pulse is wired to it. Wire a sync line to one of its channels, "
            f"and write which under {part} in the rig file: test_pulse: {{line, "
            "channel}"
        )
        return
    if len(placed.stream.time_ns) < _LEAST_SAMPLES:
        found.missing[name] = "no samples were recorded"
        return
    wire = Wire(pulse.source or node, pulse.line)
    line, why = driven_line(session, wire)
    if line is None:
        found.missing[name] = f"{why}: nothing was pulsed"
        return
    looks = _channel_looks(session, name, placed, pulse)
    reach = int(np.ceil(_REACH_NS / looks.period_ns))
    far = max(int(_FAR_S * 1e9 / looks.period_ns), 10 * reach)
    delay = find_delay(line, looks, reach=reach, far=far)
    if delay.shift.verdict != "unique" or delay.edges < _LEAST_EDGES:
        found.missing[name] = (
            f"channel {pulse.channel} does not show {wire}. Plug the wire in, or mend "
            "test_pulse in the rig file"
        )
        return
    _keep(found, name, delay, "test pulse", _clock_sd(session, node, wire.board))
    found.traces[name] = Trace(line, looks, delay, f"channel {pulse.channel}")


def _channel_looks(
    session: Session, name: str, placed: Placed, pulse: EmgTestPulse | ForceTestPulse
) -> Looks:
    """Return a channel's samples, each the mean of its period."""
    recording = session.recorded.recording
    about = recording.attributes(name)
    times_ns = placed.stream.time_ns[:_MOST_SAMPLES]
    column = [str(channel) for channel in about["channels"]].index(pulse.channel)
    level = recording.payload(name, 0, len(times_ns))[:, column].astype(np.float64)
    level *= float(np.asarray(about["scale"])[column])
    timed = times_ns != NO_TIME
    middle = times_ns[timed].astype(np.float64)
    half_ns = 0.5e9 / float(about["rate_hz"])
    return Looks(middle - half_ns, middle + half_ns, level[timed])


def _board(found: Measured, session: Session, name: str) -> None:
    board = name.removeprefix("events/")
    config = session.recorded.rig.harp_devices.get(board)
    inputs = config.inputs.lines if config and config.inputs else {}
    heard: list[tuple[Wire, Wire]] = []
    for line, wire in inputs.items():
        driver = session.recorded.rig.harp_devices.get(wire.sync_source or "")
        if wire.sync_source is not None and driver and driver.sync_line is not None:
            driven = Wire(wire.sync_source, driver.sync_line.line)
            heard.append((Wire(board, line), driven))
    if not heard:
        if inputs:
            found.missing[name] = (
                "none of its inputs is on a sync line. Wire one to it, and name the "
                "board that drives it under the input: sync_source"
            )
        return
    apart_ns = np.concatenate([_apart(session, *pair) for pair in heard])
    if len(apart_ns) < _LEAST_EDGES:
        found.missing[name] = f"{heard[0][0]} does not hear {heard[0][1]}"
        return
    spread_ns = 1.4826 * float(np.median(np.abs(apart_ns - np.median(apart_ns))))
    found.streams[name] = StreamLatency(
        delay_ns=0.0,
        sd_ns=spread_ns / len(apart_ns) ** 0.5,
        spread_ns=spread_ns,
        count=len(apart_ns),
        method="wire",
    )


def _apart(session: Session, heard: Wire, driven: Wire) -> NDArray[np.float64]:
    """Return how much later each edge is heard than it was driven."""
    ours, theirs = line_of(session, heard), line_of(session, driven)
    if ours is None or theirs is None:
        return np.empty(0)
    edges, known = ours.edges_ns, theirs.edges_ns
    apart = edges - known[theirs.nearest(edges.astype(np.float64))]
    return apart[np.abs(apart) < _SAME_NS].astype(np.float64)


def _keep(
    found: Measured, name: str, delay: Delay, method: str, clock_sd_ns: float
) -> None:
    found.streams[name] = StreamLatency(
        delay_ns=delay.delay_ns,
        sd_ns=float(np.hypot(delay.sd_ns, clock_sd_ns)),
        spread_ns=delay.spread_ns,
        count=delay.edges,
        method=method,
    )


def _clock_sd(session: Session, clock: str, board: str) -> float:
    """Return what the relations between a stream's clock and a line's leave open."""
    tree = session.tree
    between = set(tree.path(clock)[:-1]) ^ set(tree.path(board)[:-1])
    return float(np.sqrt(sum(tree.relations[step].sd_ns ** 2 for step in between)))


def _triggered_by_wire(session: Session, camera: str) -> bool:
    config = session.recorded.rig.cameras.get(camera)
    return isinstance(config, BaslerConfig) and isinstance(
        config.trigger, HardwareTrigger
    )
