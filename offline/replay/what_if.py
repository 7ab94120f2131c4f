"""What another task, or another network, would have done: fires against fires.

Fires are what was carried out, shams, and fires that were not armed: a rule that has
seen what it waits for, in time.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal

import numpy as np

from offline.fires import FIRES, held_back, matched
from offline.replay.result import Fire, RuleWhatIf, Shift
from rig.messages import BY_HAND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offline.replay.result import Became
    from rig.messages import Decision

__all__ = ["what_if"]


def what_if(
    recorded: Sequence[Decision],
    replayed: Sequence[Decision],
    rules: tuple[Sequence[str], Sequence[str]],
    *,
    within_ns: int,
    started_ns: int,
) -> tuple[tuple[RuleWhatIf, ...], tuple[Fire, ...]]:
    """Hold the fires of a replay against those that were recorded, rule by rule.

    Parameters
    ----------
    recorded, replayed
        All decisions; those by hand are left out.
    rules
        Names of the recorded task's rules, and of the replayed one's.
    within_ns
        Fires that are farther apart are not the same one.
    started_ns
        Host time of the session's start.

    Returns
    -------
    rules
        Those of the replayed task first, then those that only the session had.
    fires
        In order of time.
    """
    before, now = rules
    names = dict.fromkeys((*now, *before))
    found: list[RuleWhatIf] = []
    fires: list[Fire] = []
    for name in names:
        if name == BY_HAND:
            continue
        then = [each for each in recorded if each.rule == name]
        again = [each for each in replayed if each.rule == name]
        mine = _fires(then, again, within_ns, started_ns)
        fires += mine
        only = None
        if (name in before) != (name in now):
            only = "recorded" if name in before else "replayed"
        found.append(_rule(name, only, mine, then, again))
    return tuple(found), tuple(sorted(fires, key=lambda fire: fire.at_s))


def _fires(
    recorded: list[Decision], replayed: list[Decision], within_ns: int, started_ns: int
) -> list[Fire]:
    then = [each for each in recorded if each.outcome in FIRES]
    again = [each for each in replayed if each.outcome in FIRES]
    pairs = matched(
        [each.host_ns for each in again], [each.host_ns for each in then], within_ns
    )
    found = [
        _kept(then[event], again[fire], started_ns)
        for fire, event in zip(pairs.fires, pairs.events, strict=True)
    ]
    for k in pairs.missed:
        why = held_back(replayed, then[k].host_ns, within_ns)
        found.append(_alone(then[k], "lost", why, started_ns))
    for k in pairs.false:
        why = held_back(recorded, again[k].host_ns, within_ns)
        found.append(_alone(again[k], "gained", why, started_ns))
    return found


def _kept(then: Decision, again: Decision, started_ns: int) -> Fire:
    shift_ns = again.host_ns - then.host_ns
    became: Became = "kept"
    if shift_ns:
        became = "earlier" if shift_ns < 0 else "later"
    return Fire(
        rule=then.rule,
        at_s=(then.host_ns - started_ns) / 1e9,
        frame_id=then.frame_id,
        became=became,
        shift_ms=shift_ns / 1e6,
        recorded=then.outcome,
        replayed=again.outcome,
    )


def _alone(
    fire: Decision, became: Literal["gained", "lost"], why: str | None, started_ns: int
) -> Fire:
    return Fire(
        rule=fire.rule,
        at_s=(fire.host_ns - started_ns) / 1e9,
        frame_id=fire.frame_id,
        became=became,
        shift_ms=None,
        recorded=fire.outcome if became == "lost" else None,
        replayed=fire.outcome if became == "gained" else None,
        held_back_by=why,
    )


def _rule(
    name: str,
    only: Literal["recorded", "replayed"] | None,
    fires: list[Fire],
    recorded: list[Decision],
    replayed: list[Decision],
) -> RuleWhatIf:
    became = Counter(fire.became for fire in fires)
    kept = became["kept"] + became["earlier"] + became["later"]
    return RuleWhatIf(
        rule=name,
        only=only,
        recorded=kept + became["lost"],
        replayed=kept + became["gained"],
        kept=kept,
        earlier=_shift(fires, "earlier"),
        later=_shift(fires, "later"),
        gained=became["gained"],
        lost=became["lost"],
        suppressed_recorded=_suppressed(recorded),
        suppressed_replayed=_suppressed(replayed),
    )


def _shift(fires: list[Fire], became: Became) -> Shift | None:
    away_ms = [
        abs(fire.shift_ms)
        for fire in fires
        if fire.became == became and fire.shift_ms is not None
    ]
    if not away_ms:
        return None
    return Shift(
        count=len(away_ms),
        median_ms=round(float(np.median(away_ms)), 3),
        worst_ms=round(max(away_ms), 3),
    )


def _suppressed(decisions: list[Decision]) -> dict[str, int]:
    outcomes = Counter(each.outcome for each in decisions if each.outcome not in FIRES)
    return {
        name.removeprefix("suppressed_"): count
        for name, count in sorted(outcomes.items())
    }
