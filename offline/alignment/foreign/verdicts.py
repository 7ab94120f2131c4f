"""What is to be said of each train: how well it is known, and what is odd about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from offline.alignment import units
from offline.alignment.checks import level_of
from offline.alignment.result import NO_TIME, Finding, StreamSummary, worst
from offline.alignment.sentences import stream_sentence, whole_sentence
from offline.alignment.summaries import worst_minute

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from offline.alignment.foreign.clocks import Member
    from offline.alignment.foreign.describe import Description
    from offline.alignment.foreign.train import Train
    from offline.alignment.result import AlignedStream, Level
    from rig.config.alignment import AlignmentLimits

__all__ = ["check_train", "sentence_of", "summary_of"]

_MOST_SAID = 3
_RATE_OFF = 0.001
"""By more than any crystal is."""


def check_train(
    member: Member, stream: AlignedStream, about: Description, limits: AlignmentLimits
) -> Iterator[Finding]:
    """Yield what is to be said of a train's stamps."""
    train, order = member.train, member.order
    found = [*train.notes]
    if order.doubles:
        found.append(f"{order.doubles} stamps are the same as the one before")
    yield _finding("notes", train.name, "PASS", None, f"{'; '.join(found)}")
    for fault in train.faults:
        yield _finding("file", train.name, "WARN", None, fault)
    yield from _steps(member)
    if order.restarts:
        yield _restarts(member)
    yield from _untimed(train.name, stream)
    if about.rate_hz is not None:
        yield from _rate(train, about.rate_hz)
        yield _losses(train.name, about, len(train.times_ns), limits)


def _finding(
    check: str, subject: str, level: Level, value: float | None, words: str
) -> Finding:
    return Finding(check=check, subject=subject, level=level, value=value, words=words)


def _steps(member: Member) -> Iterator[Finding]:
    order, name = member.order, member.train.name
    if order.within_tick:
        words = (
            f"{_steps_back(order.within_tick)} of one tick at most "
            f"({units.size(member.train.tick_ns)}): rounding, left as they are"
        )
        yield _finding("steps_back", name, "PASS", order.within_tick, words)
    if order.small_steps or order.late:
        count = order.small_steps + order.late
        words = (
            f"{count} stamps are earlier than the one before by more than a tick: "
            "they came late, or the device stamps wrongly; put in order to be matched"
        )
        yield _finding("steps_back", name, "WARN", count, words)


def _steps_back(count: int) -> str:
    return "1 step back" if count == 1 else f"{units.count(count)} steps back"


def _restarts(member: Member) -> Finding:
    train, runs = member.train, member.order.runs
    parts = ", ".join(
        f"{run.stop - run.start} over "
        f"{units.length(float(np.ptp(train.times_ns[run])) * 1e-9)}"
        for run in runs
    )
    count = member.order.restarts
    often = "once" if count == 1 else f"{count} times"
    words = f"its clock began anew {often} ({parts})"
    return _finding("restarts", train.name, "WARN", count, words)


def _untimed(name: str, stream: AlignedStream) -> Iterator[Finding]:
    """Say that a part has no times; of all of it the refusal speaks."""
    total = len(stream.time_ns)
    without = int(np.count_nonzero(stream.time_ns == NO_TIME))
    if not without:
        return
    words = (
        f"{without} of {total} have no time: nothing that both clocks have seen lies "
        "in their stretch"
    )
    level: Level = "FAIL" if without == total else "WARN"
    yield _finding("untimed", name, level, without, words)


def _rate(train: Train, rate_hz: float) -> Iterator[Finding]:
    stated = train.rate_hz
    if stated is not None and abs(rate_hz / stated - 1) > _RATE_OFF:
        words = (
            f"the file states {stated:.6g} Hz, its stamps say {rate_hz:.6g} Hz: do not "
            "count samples to tell the time"
        )
        yield _finding("rate_hz", train.name, "WARN", rate_hz, words)


def _losses(
    name: str, about: Description, recorded: int, limits: AlignmentLimits
) -> Finding:
    share = about.lost / (recorded + about.lost)
    pauses = f", and {about.pauses} pauses" if about.pauses else ""
    words = (
        f"regular at {about.rate_hz:.6g} Hz; {units.share_of(about.lost, recorded)} "
        f"seem to be missing, by the intervals{pauses}"
    )
    level = level_of(share, limits.lost_fraction)
    return _finding("lost_fraction", name, level, share, words)


def summary_of(
    member: Member,
    stream: AlignedStream,
    about: Description,
    path: tuple[str, ...],
    findings: Sequence[Finding],
    refusal: str | None,
) -> StreamSummary:
    """Return a train in figures.

    Parameters
    ----------
    path
        Clocks from its own to the reference, or only its own.
    findings
        About it, and about the relations on the path.
    refusal
        Why it has no times; None where it has.
    """
    train = member.train
    timed = stream.time_ns != NO_TIME
    time_s = stream.time_ns[timed] * 1e-9
    sd_ns = stream.sd_ns[timed].astype(np.float64)
    nan = float("nan")
    median = float(np.median(sd_ns)) if len(sd_ns) else nan
    kind = "events" if train.rate_hz is None else "samples"
    if refusal is not None:
        sentence = f"{train.name}: no times; {refusal}"
    elif len(path) == 1:
        sentence = _on_its_own(member, about)
    else:
        sentence = stream_sentence(train.name, kind, median, about.lost, "unique")
    return StreamSummary(
        stream=train.name,
        kind=kind,
        clock=train.clock,
        path=path,
        level=worst([*(one.level for one in findings), *_fail(refusal)]),
        sentence=sentence,
        recorded=len(train.times_ns),
        lost=about.lost,
        rate_hz=train.rate_hz or about.rate_hz,
        sd_ns=median,
        worst_sd_ns=worst_minute(time_s, sd_ns),
        first_s=float(time_s.min()) if len(time_s) else nan,
        last_s=float(time_s.max()) if len(time_s) else nan,
        unique=refusal is None,
        losses=about.losses,
    )


def _fail(refusal: str | None) -> tuple[Level, ...]:
    return () if refusal is None else ("FAIL",)


def _on_its_own(member: Member, about: Description) -> str:
    train, order = member.train, member.order
    rate = "irregular" if about.rate_hz is None else f"{about.rate_hz:.6g} Hz"
    steps = _steps_back(order.within_tick + order.small_steps + order.late)
    return (
        f"{train.name}: {units.count(len(train.times_ns))} times by its own clock, "
        f"{rate}, longest gap {units.length(about.longest_gap_s)}, {steps}, "
        f"{len(order.runs)} stretch{'es' if order.restarts else ''}"
    )


def sentence_of(
    streams: Sequence[StreamSummary], findings: Sequence[Finding], reference: str
) -> str:
    """Return the verdict on all files in one sentence."""
    alone = all(len(one.path) == 1 and one.unique for one in streams)
    if alone and not any(one.level == "FAIL" for one in findings):
        return "; ".join(one.sentence for one in streams[:_MOST_SAID])
    return whole_sentence(streams, findings, reference)
