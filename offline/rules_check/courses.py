"""What looks wrong in a rule's course over time: windows, states, debounce."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offline.rules_check.walk import Path, every
from offline.rules_check.words import number
from rig.config.rules import Held, States
from rig.config.rules import Sequence as SequenceConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rig.config.rules import RuleConfig

__all__ = ["course_doubts"]

_Found = tuple[Path, str]


def course_doubts(rule: RuleConfig, rate_hz: float | None) -> Iterator[_Found]:
    """Yield what looks wrong, and where in the rule.

    Parameters
    ----------
    rule
        The rule.
    rate_hz
        Of its camera; None where that is not known.
    """
    for path, when in every(rule.when, ("when",)):
        if isinstance(when, SequenceConfig):
            yield from _sequence(rule, when, path, rate_hz)
        elif isinstance(when, States):
            yield from _states(when, path)


def _sequence(
    rule: RuleConfig, when: SequenceConfig, path: Path, rate_hz: float | None
) -> Iterator[_Found]:
    for k, step in enumerate(when.steps):
        where = (*path, "steps", k)
        if k == 0 and step.within_ms is not None:
            yield (*where, "within_ms"), "the first step waits for none before it"
            continue
        if step.within_ms is None:
            continue
        window = f"the window of {number(step.within_ms)} ms"
        if rate_hz is not None and step.within_ms < 1e3 / rate_hz:
            yield (
                (*where, "within_ms"),
                f"{window} is shorter than the {number(1e3 / rate_hz)} ms from one "
                "picture to the next: the step can never be done in time",
            )
        if isinstance(step.when, Held) and step.when.for_ms > step.within_ms:
            yield (
                where,
                f"it must hold for {number(step.when.for_ms)} ms within {window}: that "
                "can only be where it already holds before the step",
            )
        if rate_hz is not None and k == len(when.steps) - 1:
            yield from _too_slow(rule, step.within_ms, rate_hz)


def _too_slow(rule: RuleConfig, within_ms: float, rate_hz: float) -> Iterator[_Found]:
    takes_ms = rule.debounce_frames * 1e3 / rate_hz
    if rule.debounce_frames > 1 and takes_ms > within_ms:
        yield (
            ("debounce_frames",),
            f"{rule.debounce_frames} poses take {number(takes_ms)} ms at "
            f"{number(rate_hz)} Hz, longer than the sequence's window of "
            f"{number(within_ms)} ms: what is so quick is over before it counts",
        )


def _states(when: States, path: Path) -> Iterator[_Found]:
    reached, news = {when.start}, [when.start]
    while news:
        for way in when.states[news.pop()]:
            if way.to not in reached:
                reached.add(way.to)
                news.append(way.to)
    if when.holds_in not in reached:
        text = f"it can never hold: no way leads from {when.start} to {when.holds_in}"
        yield (*path, "holds_in"), text
        return
    for state in when.states:
        if state not in reached:
            yield (*path, "states", state), "no way leads there"
    out = {way.to for way in when.states[when.holds_in]} - {when.holds_in}
    if not out:
        text = "no way leads out of it: the rule can fire only once"
        yield (*path, "states", when.holds_in), text
