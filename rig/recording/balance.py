"""Adds a session up: from what is known of each stage to its ledger.

Pure arithmetic. Where a node died or the session was cut short, that is the
cause of what is left over; where it was not, what is left over stays, and the
ledger does not close.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from msgspec import structs

from rig.recording.gaps import placed
from rig.recording.ledger import (
    RECORDER,
    STOPPED,
    Equation,
    Ledger,
    Missing,
    StreamLedger,
    Timeouts,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rig.config.rig import LedgerLimits
    from rig.messages import Loss, StreamKind
    from rig.recording.gaps import Gap
    from rig.recording.latency import Latency
    from rig.recording.ledger import Recovered
    from rig.recording.sidecar import Verdict

__all__ = ["LOSS_COUNTERS", "Numbers", "SessionCount", "StreamCount", "build_ledger"]

_BEFORE_THE_RING = {"device", "transport"}
_NUMBER_COUNTERS = (
    "failed_grabs",
    "missing_ids",
    "skipped_images",
    "missing_samples",
    "missing_events",
)
"""Counters of elements that had a number of their device's and are not there."""
LOSS_COUNTERS = (*_NUMBER_COUNTERS, "triggers_ignored")
"""Counters whose every count is also listed as a loss."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """A device's own numbers, as the recorded rows show them."""

    spanned: int
    """Numbers from the first recorded one to the last."""
    present: int
    """Of these, recorded."""
    by_recorder: int
    """Of these, missing because the recorder lost their rows."""


@dataclass(frozen=True, slots=True)
class StreamCount:
    """What is known of one stream."""

    kind: StreamKind
    node: str
    published: int
    """Rows that its writer published."""
    recorded: int
    """Rows committed in the session."""
    per_row: int = 1
    """Elements in a row: samples of a block, else 1."""
    counters: Mapping[str, int] = field(default_factory=dict[str, int])
    """The writer's own counters."""
    numbers: Numbers | None = None
    """None where the device does not number, or began anew."""
    triggers: int | None = None
    """Recorded events that trigger cameras; None for a stream without any."""
    rate_hz: float | None = None
    """Nominal rows per second; None for a stream that has no rate of its own."""
    gaps: Sequence[Gap] = ()
    """Holes in the rows' `seq`, in order."""
    number_gaps: Sequence[Gap] = ()
    """Holes in the device's own numbers, in order; empty where it began anew."""


@dataclass(frozen=True, slots=True)
class SessionCount:
    """What is known of a session."""

    streams: Mapping[str, StreamCount]
    started_host_ns: int | None = None
    """From which times are counted; None: what only a loss tells gets no time."""
    losses: Sequence[Loss] = ()
    fired: Sequence[int] = ()
    """Decisions that were commands."""
    acknowledged: Sequence[int] | None = None
    """Decisions that were answered; None in a rig without an actuator."""
    timed_out: int = 0
    """Commands that were not answered in time."""
    answered_late: int = 0
    """Of these, those whose answer is on record all the same."""
    triggers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Stream of events that triggers a camera, by the camera's stream."""
    died: Mapping[str, str] = field(default_factory=dict[str, str])
    """Why a node died, by name."""
    ended: str = STOPPED
    """How the session ended."""
    remarks: Sequence[str] = ()
    """What a person must know though nothing need be missing."""
    latency: Mapping[str, dict[str, Latency]] = field(
        default_factory=dict[str, "dict[str, Latency]"]
    )
    """How long each stage of the loop took, by camera and stage."""
    recovered: Recovered | None = None
    """What was found out later, and no row tells."""


def build_ledger(count: SessionCount, limits: LedgerLimits) -> Ledger:
    """Add a session up and say what it is worth.

    PASS when everything is accounted for and nothing was lost; WARN when it is
    accounted for and little was lost, or when there is a remark; else FAIL.
    """
    if count.recovered is not None:
        losses = (*count.losses, *count.recovered.losses)
        count = replace(count, losses=losses)
    streams = {name: _stream_ledger(name, count) for name in sorted(count.streams)}
    commands, unanswered = _commands(count)
    closes = all(stream.closes for stream in streams.values()) and (
        commands is None or commands.closes
    )
    verdict, reason = _judge(streams, commands, limits)
    if count.remarks:
        verdict = "WARN" if verdict == "PASS" else verdict
        reason = "; ".join((reason, *count.remarks))
    return Ledger(
        verdict=verdict,
        reason=reason,
        closes=closes,
        ended=count.ended,
        streams=streams,
        commands=commands,
        unanswered=unanswered,
        timeouts=_timeouts(count),
        died=dict(count.died),
        remarks=list(count.remarks),
        latency=dict(count.latency),
        recovered=count.recovered,
    )


def _stream_ledger(name: str, count: SessionCount) -> StreamLedger:
    stream = count.streams[name]
    losses = [loss for loss in count.losses if loss.stream == name]
    equation, rest = _recorded(stream, _sum(losses, {"recorder"}), count)
    equations, missing = [equation], _merge(losses, count.started_host_ns) + rest
    before = _lost_before_the_ring(name, count)
    if stream.numbers is not None:
        equations.append(_numbered(stream, stream.numbers, before))
    for extra in (
        _listed(name, count, before),
        _inference(name, count),
        _triggers(name, count),
    ):
        if extra is not None:
            equation, rest = extra
            equations.append(equation)
            missing += rest
    cut = sum(item.count for item in missing if item.stage == "exposure")
    overrun = sum(item.count for item in missing if item.stage == "recorder")
    lost = before + cut + overrun * stream.per_row
    kept = stream.recorded * stream.per_row
    return StreamLedger(
        published=stream.published,
        recorded=stream.recorded,
        lost=lost,
        lost_fraction=lost / (kept + lost) if lost else 0.0,
        equations=equations,
        missing=[_placed(item, name, count) for item in missing],
        counters=dict(stream.counters),
    )


def _recorded(
    stream: StreamCount, overrun: int, count: SessionCount
) -> tuple[Equation, list[Missing]]:
    """Return how what was recorded stands to what was published."""
    equation = Equation.of(
        "published",
        stream.published,
        recorded=stream.recorded,
        lost_to_recorder=overrun,
    )
    if RECORDER not in count.died:
        return equation, []
    return _excuse(equation, "unrecorded", "recorder", RECORDER, count)


def _numbered(stream: StreamCount, numbers: Numbers, listed: int) -> Equation:
    """Return how the device's own numbers stand to what was recorded.

    What was counted as lost may lie before the first recorded number or after the
    last, so that of it only as much stands here as there are holes.
    """
    counted = listed
    if stream.counters:
        counted = sum(stream.counters.get(name, 0) for name in _NUMBER_COUNTERS)
    holes = numbers.spanned - numbers.present - numbers.by_recorder
    return Equation.of(
        "numbered_by_the_device",
        numbers.spanned,
        recorded=numbers.present,
        lost_before_the_host=min(holes, counted),
        lost_to_recorder=numbers.by_recorder,
    )


def _listed(
    name: str, count: SessionCount, listed: int
) -> tuple[Equation, list[Missing]] | None:
    """Return how what the writer counted as lost stands to what it listed."""
    stream = count.streams[name]
    counted = sum(stream.counters.get(counter, 0) for counter in LOSS_COUNTERS)
    if (not counted and not listed) or _counters_are_gone(name, count):
        return None
    equation = Equation.of("counted_as_lost", counted, listed=listed)
    return _excuse(equation, "unlisted", "device", stream.node, count)


def _inference(name: str, count: SessionCount) -> tuple[Equation, list[Missing]] | None:
    """Return how the frames of a camera stand to its poses."""
    stream = count.streams[name]
    poses = count.streams.get(name.replace("cameras/", "poses/"))
    if stream.kind != "frames" or poses is None or "skipped" not in poses.counters:
        return None
    equation = Equation.of(
        "frames",
        stream.published,
        inferred=poses.published,
        skipped_by_policy=poses.counters.get("skipped", 0),
        lost_to_inference=poses.counters.get("lost", 0),
    )
    return _excuse(equation, "unread", "inference", poses.node, count)


def _triggers(name: str, count: SessionCount) -> tuple[Equation, list[Missing]] | None:
    """Return how the frames of a triggered camera stand to its triggers.

    A camera that is triggered by wire also exposes on a trigger whose event was
    lost; so many more frames than recorded triggers there may be.
    """
    source = count.streams.get(count.triggers.get(name, ""))
    if source is None or source.triggers is None:
        return None
    camera, source_name = count.streams[name], count.triggers[name]
    terms = {
        "frames": camera.published,
        "failed_grabs": camera.counters.get("failed_grabs", 0),
        "missing_ids": camera.counters.get("missing_ids", 0),
        "ignored": camera.counters.get("triggers_ignored", 0),
    }
    if _counters_are_gone(name, count):
        terms = {
            "frames": camera.published,
            "listed_as_lost": _lost_before_the_ring(name, count),
        }
    lost_events = source.counters.get("missing_events", 0)
    if _counters_are_gone(source_name, count):
        lost_events = _lost_before_the_ring(source_name, count)
    lost_events += source.published - source.recorded
    more = max(0, sum(terms.values()) - source.triggers)
    equation = Equation("triggers", source.triggers + min(more, lost_events), terms)
    return _excuse(equation, "unfinished", "exposure", camera.node, count)


def _counters_are_gone(name: str, count: SessionCount) -> bool:
    """Tell whether a writer's counters were lost with the memory they were in."""
    return not count.streams[name].counters and count.ended != STOPPED


def _lost_before_the_ring(name: str, count: SessionCount) -> int:
    losses = (loss for loss in count.losses if loss.stream == name)
    return _sum(losses, _BEFORE_THE_RING)


def _excuse(
    equation: Equation, term: str, stage: str, node: str, count: SessionCount
) -> tuple[Equation, list[Missing]]:
    """Account for what is left over where a node or the session was cut short."""
    rest = equation.unexplained
    cause = count.died.get(node) or ("" if count.ended == STOPPED else count.ended)
    if rest <= 0 or not cause:
        return equation, []
    terms = {**equation.terms, term: rest}
    missing = Missing(stage, equation.total - rest, rest, cause)
    return Equation(equation.name, equation.total, terms), [missing]


def _commands(count: SessionCount) -> tuple[Equation | None, list[int]]:
    if count.acknowledged is None:
        return None, []
    answered = set(count.acknowledged)
    unanswered = [k for k in count.fired if k not in answered]
    cut = count.ended != STOPPED or bool(count.died)
    # a command may be gone with the memory it was in, and its answer be there
    gone = len(answered.difference(count.fired)) if cut else 0
    equation = Equation.of(
        "fired_decisions",
        len(count.fired) + gone,
        acknowledged=len(count.acknowledged),
    )
    if unanswered and cut:
        terms = {**equation.terms, "cut_short": len(unanswered)}
        equation = Equation(equation.name, equation.total, terms)
    return equation, unanswered


def _timeouts(count: SessionCount) -> Timeouts | None:
    late = sum(one.counters.get("late_answers", 0) for one in count.streams.values())
    if not count.timed_out and not late:
        return None
    return Timeouts(count.timed_out, count.answered_late, late)


def _judge(
    streams: Mapping[str, StreamLedger],
    commands: Equation | None,
    limits: LedgerLimits,
) -> tuple[Verdict, str]:
    open_ones = [
        f"{name}: {equation.text}"
        for name, stream in streams.items()
        for equation in stream.equations
        if not equation.closes
    ]
    if commands is not None and not commands.closes:
        open_ones.append(commands.text)
    if open_ones:
        return "FAIL", f"the ledger does not close: {'; '.join(open_ones)}"
    worst = max(streams, key=lambda name: streams[name].lost_fraction, default=None)
    if worst is None or streams[worst].lost_fraction <= limits.warn_lost_fraction:
        kept = sum(stream.recorded for stream in streams.values())
        return "PASS", f"everything is accounted for: {kept} rows, none lost"
    lost, fraction = streams[worst].lost, streams[worst].lost_fraction
    share = f"the ledger closes; {worst} lost {lost} ({100 * fraction:.3g} %)"
    if fraction < limits.fail_lost_fraction:
        return "WARN", share
    return "FAIL", f"{share}, the limit is {100 * limits.fail_lost_fraction:g} %"


def _sum(losses: Iterable[Loss], stages: set[str]) -> int:
    return sum(loss.count for loss in losses if loss.stage in stages)


def _placed(missing: Missing, name: str, count: SessionCount) -> Missing:
    """Return what is missing with the time at which it is, as far as is known."""
    stream = count.streams[name]
    if missing.stage == "recorder":
        return placed(missing, stream.gaps, stream.rate_hz)
    if missing.stage not in _BEFORE_THE_RING:
        return missing
    gaps, told_s = stream.number_gaps, missing.at_s
    if missing.stage == "device" and name in count.triggers and told_s is not None:
        # some of these are numbered by their triggers: the number alone finds no hole
        gaps = [gap for gap in gaps if gap.was_told_of(told_s)]
    return placed(missing, gaps, stream.rate_hz and stream.rate_hz * stream.per_row)


def _merge(losses: Iterable[Loss], started_host_ns: int | None) -> list[Missing]:
    """Return losses as ranges, with when they were told of: neighbours are one."""
    merged: list[Missing] = []
    for loss in losses:
        last = merged[-1] if merged else None
        same = last is not None and (last.stage, last.cause) == (loss.stage, loss.cause)
        if last is not None and same and last.first_id + last.count == loss.first_id:
            merged[-1] = structs.replace(last, count=last.count + loss.count)
            continue
        at_s = None
        if started_host_ns is not None:
            at_s = round((loss.host_ns - started_host_ns) / 1e9, 6)
        merged.append(Missing(loss.stage, loss.first_id, loss.count, loss.cause, at_s))
    return merged
