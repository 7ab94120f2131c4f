"""From a session at a glance to lights. Pure; the limits are the rig file's own.

What is lost is judged as the ledger will judge it, so that the screen and the verdict
agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.monitor.health.lights import Level, Light
from rig.recording.latency import STAGES, WORDS
from rig.recording.ledger import RECORDER
from rig.supervisor.disk_watch import ALARM_MINUTES, STOP_SECONDS, WARN_MINUTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rig.config.rig import LedgerLimits
    from rig.supervisor.status import NodeFigures, Status, StreamFigures

__all__ = [
    "MAKING_READY",
    "clock_lights",
    "disk_light",
    "inference_lights",
    "latency_lights",
    "loop_light",
    "milliseconds",
    "node_lights",
    "stream_lights",
]

_LATE_S, _SILENT_S = 1.5, 3.0
"""A node beats its heart twice a second."""
_OLD_S, _OLD_PERIODS = 1.0, 20
"""A stream that has a rate and brought nothing for so long has stopped."""
_SLOW, _STALLED = 0.9, 0.5
"""Shares of the nominal rate."""
_SETTLED_S = 3.0
"""Rates are measured over two seconds."""
_RING_WATCH, _RING_BAD = 50.0, 80.0
"""Per cent of a ring that waits for the recorder."""
_CLOCK_WATCH_US = 500.0
MAKING_READY = frozenset({"starting", "open", "ready"})
"""A recording begins when all nodes run: one that does not has begun anew."""
_SHOWN_KINDS = frozenset(
    {"frames", "samples", "events", "poses", "points", "decisions", "acknowledgements"}
)


def node_lights(status: Status) -> Iterator[Light]:
    """Yield a light for each node."""
    for node in status.nodes:
        level, reason = _judge_node(node, recording=status.phase == "recording")
        cpu = node.metrics.get("cpu_percent")
        cells = (
            node.state,
            f"{node.heard_s:.1f} s",
            "" if cpu is None else f"{cpu:.0f} %",
        )
        yield Light("nodes", node.name, level, cells, reason)


def _judge_node(node: NodeFigures, *, recording: bool) -> tuple[Level, str]:
    if node.state == "failed":
        return Level.BAD, f"died: {node.detail}" if node.detail else "died"
    if node.metrics.get("plugged_in", 1) == 0 and node.state == "running":
        return Level.BAD, "unplugged: plug it in again, it goes on by itself"
    if node.state == "running" and node.heard_s > _LATE_S:
        level = Level.BAD if node.heard_s > _SILENT_S else Level.WATCH
        return level, f"silent for {node.heard_s:.0f} s"
    if recording and node.state in MAKING_READY:
        return Level.BAD, "died, and is being started again"
    if recording and node.state != "running":
        return Level.WATCH, f"{node.state}, and the session goes on"
    if node.metrics.get("finished"):
        return Level.WATCH, "its film has ended"
    return Level.GOOD, ""


def stream_lights(
    status: Status,
    limits: LedgerLimits,
    lost_when: Mapping[str, str],
) -> Iterator[Light]:
    """Yield a light for each stream that a glance is for.

    Parameters
    ----------
    status
        The session.
    limits
        When a loss is little, and when much.
    lost_when
        In words, by stream: when something was lost last, and why.
    """
    for stream in status.streams:
        if stream.kind not in _SHOWN_KINDS:
            continue
        lost = stream.lost + stream.unrecorded
        ring = 100 * max(stream.waiting, 0) / stream.slots
        now = (_judge_pace(stream, status), _judge_ring(ring))
        loss = _judge_loss(stream, limits, lost_when.get(stream.name, ""))
        found = sorted((*now, loss), key=lambda judged: -judged[0])
        reason = "; ".join(why for _, why in found if why)
        cells = (*_pace_cells(stream), f"{lost}", f"{ring:.0f} %")
        past = all(level is Level.GOOD for level, _ in now)
        yield Light("streams", stream.name, found[0][0], cells, reason, past)


def _pace_cells(stream: StreamFigures) -> tuple[str, str]:
    if stream.blind:
        return "blind", ""
    rate = f"{stream.rate_hz:.1f}"
    if stream.nominal_hz is not None:
        rate += f" / {stream.nominal_hz:g}"
    age = "" if stream.age_s is None else _time(stream.age_s)
    return f"{rate} Hz", age


def _judge_loss(
    stream: StreamFigures, limits: LedgerLimits, when: str
) -> tuple[Level, str]:
    lost = stream.lost + stream.unrecorded
    if not lost:
        return Level.GOOD, ""
    if stream.blind:  # its share would tell how many there were
        return Level.WATCH, f"{lost} lost{when}"
    share = lost / max(stream.published + stream.lost, 1)
    level = Level.GOOD
    if share >= limits.fail_lost_fraction:
        level = Level.BAD
    elif share > limits.warn_lost_fraction:
        level = Level.WATCH
    return level, f"{lost} lost ({100 * share:.2g} %){when}"


def _judge_pace(stream: StreamFigures, status: Status) -> tuple[Level, str]:
    settled = status.phase == "recording" and status.elapsed_s > _SETTLED_S
    nominal_hz = stream.nominal_hz
    if not settled or stream.blind or not nominal_hz or stream.kind == "poses":
        return Level.GOOD, ""
    if stream.age_s is None:
        return Level.BAD, f"nothing has come for {status.elapsed_s:.0f} s"
    if stream.age_s > max(_OLD_S, _OLD_PERIODS / nominal_hz):
        return Level.BAD, f"nothing has come for {_time(stream.age_s)}"
    share = stream.rate_hz / nominal_hz
    if share < _SLOW:
        level = Level.BAD if share < _STALLED else Level.WATCH
        return level, f"{stream.rate_hz:.1f} Hz instead of {nominal_hz:g}"
    return Level.GOOD, ""


def _judge_ring(percent: float) -> tuple[Level, str]:
    if percent < _RING_WATCH:
        return Level.GOOD, ""
    level = Level.BAD if percent > _RING_BAD else Level.WATCH
    return level, f"{percent:.0f} % of its ring waits for the recorder"


def loop_light(status: Status, *, armed_by_plan: bool) -> Light | None:
    """Return whether fires are carried out; None where nothing can be fired."""
    metrics = {k: v for node in status.nodes for k, v in node.metrics.items()}
    if not {"armed", "permitted"} <= set(metrics) or status.phase != "recording":
        return None
    level, words, reason = _kept_from_firing(metrics, armed_by_plan=armed_by_plan)
    held_back = round(metrics.get("too_old", 0))
    past = bool(held_back) and level is Level.GOOD
    if past:
        fires = "fire was" if held_back == 1 else "fires were"
        level = Level.WATCH
        reason = f"{held_back} {fires} held back: the pose was too old (see latency)"
    decided = f"{metrics['decided']:.0f} decided" if "decided" in metrics else ""
    processor = "the Processor acts by itself" if metrics.get("processor") else ""
    cell = ", ".join(word for word in (words, decided, processor) if word)
    return Light("loop", "loop", level, (cell,), reason, past=past)


def _kept_from_firing(
    metrics: Mapping[str, float], *, armed_by_plan: bool
) -> tuple[Level, str, str]:
    """Return what keeps all fires from being carried out, if anything does."""
    if not metrics["armed"]:
        if not armed_by_plan:
            return Level.GOOD, "disarmed", ""
        return Level.WATCH, "disarmed", "disarmed: nothing is fired"
    if not metrics.get("key_on", 1):
        return Level.WATCH, "key off", "the key is off: nothing is fired"
    if not metrics["permitted"]:
        reason = "the board holds its outputs low: nothing is fired"
        return Level.BAD, "held", reason
    return Level.GOOD, "armed", ""


def latency_lights(nodes: Sequence[NodeFigures]) -> Iterator[Light]:
    """Yield a light for each stage of the loop, against its budget."""
    metrics = next((n.metrics for n in nodes if "pose_p50_ms" in n.metrics), {})
    for stage in STAGES:
        if f"{stage}_p50_ms" not in metrics:
            continue
        figures = ("p50", "p95", "p99")
        keys = [f"{stage}_{figure}_ms" for figure in (*figures, "max")]
        over = [key for key in keys if metrics.get(f"over_{key}")]
        budgets = [
            f"{key.split('_')[-2]} {metrics[f'budget_{key}']:g}"
            for key in keys
            if f"budget_{key}" in metrics
        ]
        reason = ", ".join(
            f"{key.split('_')[-2]} {metrics.get(key, 0):.1f} ms, budget "
            f"{metrics.get(f'budget_{key}', 0):g} ms"
            for key in over
        )
        cells = tuple(
            milliseconds(metrics.get(f"{stage}_{figure}_ms", 0)) for figure in figures
        )
        yield Light(
            "latency",
            WORDS[stage],
            Level.WATCH if over else Level.GOOD,
            (*cells, ", ".join(budgets)),
            reason,
        )


def milliseconds(value_ms: float) -> str:
    """Return a time of some digits, whatever its size.

    Examples
    --------
    >>> milliseconds(0.021), milliseconds(48.26)
    ('0.02 ms', '48.3 ms')
    """
    return f"{value_ms:.2f} ms" if value_ms < 10 else f"{value_ms:.1f} ms"


def inference_lights(status: Status) -> Iterator[Light]:
    """Yield how many frames of each camera were looked at, and passed over."""
    for name, read in status.looked.items():
        level, reason = Level.GOOD, ""
        if read.lost:
            level = Level.WATCH
            reason = f"{read.lost} overwritten while the network looked at them"
        cells = (f"{read.taken}", f"{read.skipped}", f"{read.lost}")
        yield Light("inference", name, level, cells, reason)


def clock_lights(status: Status) -> Iterator[Light]:
    """Yield how well each device's clock is known."""
    for node in status.nodes:
        sd_us = node.metrics.get("clock_sd_us")
        if sd_us is None or node.state != "running":
            continue
        known = sd_us > 0
        level, reason = Level.GOOD, ""
        settled = status.phase == "recording" and status.elapsed_s > _SETTLED_S
        if settled and known and sd_us > _CLOCK_WATCH_US:
            level, reason = Level.WATCH, f"its time is known to ±{sd_us:.0f} µs only"
        if jumps := round(node.metrics.get("clock_jumps", 0)):
            times = "once" if jumps == 1 else f"{jumps} times"
            level, reason = Level.WATCH, f"its clock jumped {times}: see its alignment"
        drift_ppm = node.metrics.get("clock_skew_ppm", 0.0)
        cells = (f"±{sd_us:.1f} µs", f"{drift_ppm:+.1f} ppm") if known else ("", "")
        yield Light("clocks", node.name, level, cells, reason)


def disk_light(status: Status) -> Light | None:
    """Return how fast is written and how long there is room; None if nobody says.

    Where the recording's end is planned, the room is held against that.
    """
    metrics = next((n.metrics for n in status.nodes if n.name == RECORDER), {})
    if "disk_mb_per_s" not in metrics:
        return None
    minutes = metrics.get("minutes_left")
    level, reason = Level.GOOD, ""
    if metrics.get("disk_full"):
        level, reason = Level.BAD, "the disk is full: free it now"
    elif minutes is not None and minutes < _needed_minutes(status.remaining_s):
        level = Level.BAD if minutes < ALARM_MINUTES else Level.WATCH
        reason = f"room for {_minutes(minutes)} only: free the disk"
        if status.remaining_s is not None:
            reason += f", {_minutes(status.remaining_s / 60)} are to come"
    room = "" if minutes is None else _minutes(minutes)
    cells = (f"{metrics['disk_mb_per_s']:.1f} MB/s", room)
    return Light("disk", "disk", level, cells, reason)


def _needed_minutes(remaining_s: float | None) -> float:
    if remaining_s is None:
        return WARN_MINUTES
    return (remaining_s + STOP_SECONDS) / 60


def _minutes(minutes: float) -> str:
    if minutes < ALARM_MINUTES:
        return f"{60 * minutes:.0f} s"
    return f"{minutes:.0f} min" if minutes < 600 else f"{minutes / 60:.0f} h"


def _time(seconds: float) -> str:
    return f"{1e3 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
