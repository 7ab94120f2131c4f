"""How a recorded session stands: lights from its ledger.

The ledger has judged it; a light says so in the place where, live, the same thing is
looked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.config.rig import LedgerLimits
from rig.monitor.health import Level, Light
from rig.monitor.health.judging import milliseconds
from rig.monitor.health.lights import LEVEL_OF_VERDICT
from rig.monitor.health.watcher import clock_words
from rig.recording.latency import WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rig.config.latency import LatencyBudget
    from rig.monitor.recorded.jumps import Jump
    from rig.monitor.recorded.session import RecordedSession
    from rig.recording.latency import Latency
    from rig.recording.ledger import Ledger, StreamLedger

__all__ = ["lights_of"]

_QUIET_KINDS = frozenset({"clocks", "losses", "node_events", "estimates", "features"})
"""Of no interest to a glance while nothing of them is lost."""


def lights_of(session: RecordedSession, gaps: Sequence[Jump]) -> Iterator[Light]:
    """Yield the lights of a session.

    Parameters
    ----------
    session
        The session.
    gaps
        What was told to be lost; of use where there is no ledger.
    """
    folder = str(session.folder)
    damage = list(_damage(session.faults, folder))
    damaged = {light.subject for light in damage}
    told = _closed if session.ledger is not None else _not_closed
    for light in told(session, gaps):
        if light.group != "streams" or light.subject not in damaged:
            yield light
    yield from damage
    yield from _clocks(session)


def _closed(session: RecordedSession, gaps: Sequence[Jump]) -> Iterator[Light]:
    del gaps  # the ledger has them
    ledger = session.ledger
    if ledger is None:
        return
    level = LEVEL_OF_VERDICT[ledger.verdict]
    reason = "" if level is Level.GOOD else f"{ledger.verdict}: {ledger.reason}"
    yield Light("session", "session", level, (f"ended: {ledger.verdict}",), reason)
    for remark in ledger.remarks:
        yield Light("session", "remark", Level.WATCH, ("",), remark)
    for node, cause in ledger.died.items():
        yield Light("nodes", node, Level.BAD, ("died", "", ""), f"died: {cause}")
    rates_hz, shown = session.rates_hz, session.shown
    limits = shown.rig.ledger if shown.rig else LedgerLimits()
    for name, stream in ledger.streams.items():
        spec = shown.streams.get(name)
        if spec is not None and (stream.lost or spec.kind not in _QUIET_KINDS):
            yield _stream(name, stream, limits, rates_hz.get(name))
    yield from _loop(ledger)
    budget = shown.plan.latency_budget if shown.plan else None
    several = len(ledger.latency) > 1
    for source, stages in ledger.latency.items():
        yield from _latency(f"{source}: " if several else "", stages, budget)
    yield from _inference(ledger)


def _not_closed(session: RecordedSession, gaps: Sequence[Jump]) -> Iterator[Light]:
    if session.growing:
        yield Light("session", "session", Level.GOOD, ("still being recorded",))
    else:
        reason = f"it was never closed: springhare recover {session.folder}"
        yield Light("session", "session", Level.BAD, ("not closed",), reason)
    rates_hz = session.rates_hz
    for name, spec in session.shown.streams.items():
        if spec.kind in _QUIET_KINDS:
            continue
        mine = [gap for gap in gaps if gap.what == name]
        level, reason = Level.GOOD, ""
        if mine:
            level = Level.WATCH
            last = f"last at {clock_words(mine[-1].at_s)}: {mine[-1].text}"
            reason = f"lost {_times(len(mine))}, {last}"
        times = _times(len(mine)) if mine else "0"
        cells = (_rate(rates_hz.get(name)), "", times, "")
        yield Light("streams", name, level, cells, reason)


def _damage(faults: Mapping[str, str], folder: str) -> Iterator[Light]:
    """Yield a light for each stream of which something cannot be read."""
    for name, fault in faults.items():
        reason = f"{fault}: springhare check {folder} says what is whole"
        yield Light("streams", name, Level.BAD, ("", "", "", ""), reason)


def _clocks(session: RecordedSession) -> Iterator[Light]:
    """Yield how well each device's clock was known in the end."""
    for name, spec in session.shown.streams.items():
        table = session.table(name) if spec.kind == "clocks" else None
        row = None if table is None else table.row(table.count - 1)
        if row is not None:
            sd_us, drift_ppm = row["sd_ns"] / 1e3, row["skew_ppb"] / 1e3
            cells = (f"±{sd_us:.1f} µs", f"{drift_ppm:+.1f} ppm")
            yield Light("clocks", name.removeprefix("clocks/"), Level.GOOD, cells)


def _stream(
    name: str, stream: StreamLedger, limits: LedgerLimits, rate_hz: float | None
) -> Light:
    level, reason = Level.GOOD, ""
    if stream.lost:
        share = stream.lost_fraction
        level = Level.BAD if share >= limits.fail_lost_fraction else Level.WATCH
        reason = f"{stream.lost} lost ({100 * share:.2g} %){_when(stream)}"
    if not stream.closes:
        level = Level.BAD
        wrong = next(e.text for e in stream.equations if not e.closes)
        reason += f"{'; ' if reason else ''}its ledger does not close: {wrong}"
    cells = (_rate(rate_hz), "", f"{stream.lost}", "")
    return Light("streams", name, level, cells, reason)


def _when(stream: StreamLedger) -> str:
    """Return when the first was lost, how many times more, and why."""
    if not stream.missing:
        return ""
    first = stream.missing[0]
    words = "" if first.at_s is None else f", at {clock_words(first.at_s)}"
    more = len(stream.missing) - 1
    if more:
        words += f" and {_times(more, 'more ')}"
    return f"{words}: {first.cause}"


def _loop(ledger: Ledger) -> Iterator[Light]:
    if ledger.commands is None or not ledger.commands.total:
        return
    level, reason = Level.GOOD, ""
    if ledger.timeouts is not None:
        level, reason = Level.WATCH, ledger.timeouts.text
    if ledger.unanswered:
        level = Level.BAD
        reason = f"{len(ledger.unanswered)} fires were never answered"
    yield Light("loop", "loop", level, (ledger.commands.text,), reason)


def _latency(
    prefix: str, stages: Mapping[str, Latency], budget: LatencyBudget | None
) -> Iterator[Light]:
    limits = () if budget is None else budget.limits
    for stage, took in stages.items():
        mine = [limit for limit in limits if limit.stage == stage]
        figures = {
            "p50": took.p50_ms,
            "p95": took.p95_ms,
            "p99": took.p99_ms,
            "max": took.max_ms,
        }
        over = [limit for limit in mine if figures[limit.figure] > limit.limit_ms]
        reason = ", ".join(
            f"{o.figure} {figures[o.figure]:.1f} ms, budget {o.limit_ms:g} ms"
            for o in over
        )
        cells = tuple(milliseconds(figures[name]) for name in ("p50", "p95", "p99"))
        told = ", ".join(f"{limit.figure} {limit.limit_ms:g}" for limit in mine)
        level = Level.WATCH if over else Level.GOOD
        yield Light("latency", f"{prefix}{WORDS[stage]}", level, (*cells, told), reason)


def _inference(ledger: Ledger) -> Iterator[Light]:
    for name, stream in ledger.streams.items():
        for equation in stream.equations:
            terms = equation.terms
            if equation.name != "frames" or "inferred" not in terms:
                continue
            lost = terms.get("lost_to_inference", 0)
            reason = f"{lost} overwritten while the network looked at them"
            cells = (
                f"{terms['inferred']}",
                f"{terms.get('skipped_by_policy', 0)}",
                f"{lost}",
            )
            level = Level.WATCH if lost else Level.GOOD
            yield Light("inference", name, level, cells, reason if lost else "")


def _rate(rate_hz: float | None) -> str:
    return "" if rate_hz is None else f"{rate_hz:.1f} Hz"


def _times(count: int, more: str = "") -> str:
    return f"{count} {more}{'time' if count == 1 else 'times'}"
