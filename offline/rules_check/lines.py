"""What looks wrong where several rules fire one line: only the first is carried out."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from offline.rules_check.bounds import bounds, unmet
from offline.rules_check.words import number
from rig.devices.line_limits import LineLimits

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from offline.rules_check.walk import Path
    from rig.config.actuator import ActuatorLine
    from rig.config.rig import RigConfig
    from rig.config.rules import Action, RuleConfig
    from rig.messages import Decision

__all__ = ["line_doubts", "refused"]


def line_doubts(
    rules: Sequence[RuleConfig], rig: RigConfig | None
) -> Iterator[tuple[int, Path, str]]:
    """Yield what looks wrong between rules: number of the later one, place, words.

    Parameters
    ----------
    rules
        Of a task.
    rig
        Whose lines say for how long one is not used again; None where not known.
    """
    lines = {} if rig is None or rig.actuator is None else rig.actuator[1].lines
    for k, rule in enumerate(rules):
        name = rule.action.line
        others = [
            other
            for other in rules[:k]
            if other.action.line == name and not _exclude(other, rule)
        ]
        if others:
            all_ = [*others, rule]
            told = (
                f"{_joined([each.name for each in all_])} may fire {name} together: "
                f"the board refuses the second {_within(all_, lines.get(name))}, and a "
                "replay shows both"
            )
            yield k, ("action", "line"), told


def refused(decisions: Sequence[Decision], rig: RigConfig | None) -> list[str]:
    """Return what to say of fires that a rig would have refused, by rule.

    Parameters
    ----------
    decisions
        Of all rules.
    rig
        With the lines' limits; without it nothing is said.
    """
    if rig is None or rig.actuator is None:
        return []
    limits = {name: LineLimits(line) for name, line in rig.actuator[1].lines.items()}
    fires, lost = Counter[str](), Counter[tuple[str, str, str]]()
    for decision in sorted(decisions, key=lambda each: each.host_ns):
        line = limits.get(decision.line)
        if decision.outcome != "fired" or line is None:
            continue
        fires[decision.rule] += 1
        why = line.refusal(decision, decision.host_ns)
        if why is None:
            line.use(decision, decision.host_ns)
        else:
            lost[decision.rule, decision.line, why] += 1
    return [
        f"{rule}: {count} of {fires[rule]} fires would be refused by {line} ({why}): "
        "they are shown as if they had been carried out"
        for (rule, line, why), count in lost.items()
    ]


def _exclude(one: RuleConfig, other: RuleConfig) -> bool:
    """Return whether one pose cannot fire both."""
    if one.camera != other.camera:
        return False
    return unmet((*bounds(one.when), *bounds(other.when))) is not None


def _within(rules: Sequence[RuleConfig], line: ActuatorLine | None) -> str:
    if line is None:
        return (
            "while what the first one sends lasts, and as long as the line's limits say"
        )
    busy_ms = sorted({_busy_us(rule.action, line) / 1e3 for rule in rules})
    told = " to ".join(map(number, (busy_ms[0], *busy_ms[1:][-1:])))
    return f"within {told} ms of the first"


def _busy_us(action: Action, line: ActuatorLine) -> float:
    """Return for how long a line is not used again."""
    train_us = (action.count - 1) * action.period_us if action.count > 1 else 0
    width_us = action.pulse_width_us
    rest_us = width_us / line.max_duty if line.max_duty else 0
    return train_us + max(width_us, LineLimits.period_us(line), rest_us)


def _joined(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
