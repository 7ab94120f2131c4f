"""Edges, gates and shams: what conditions say becomes decisions. Pure.

A rule waits for an edge: a pose that could be trusted on the near side of its
condition, then `debounce_frames` poses in a row on the far side::

    far ──a good pose on the near side──▶ near ──far side──▶ holding 1 … N-1
     ▲                                      ▲                    │
     │                                      ├──a bad pose────────┤ suppressed_likelihood
     │                                      └──the near side─────┤ suppressed_debounce
     └────────── candidate ◀──the N-th in a row on the far side──┘

A candidate passes, in this order, the age of what it was decided on, the refractory
time, the arm switch and the sham draw. Each candidate, and each edge that a bad pose
or the debounce suppressed, is one recorded decision; a pose on which nothing changed
is none. A candidate uses its edge up, whatever becomes of it: a stimulus that was
suppressed is not given late.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from rig.messages import Decision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inference.rules.scene import Condition, Reading, Scene
    from rig.config.rules import Action

__all__ = [
    "NO_DRAW",
    "Outcome",
    "Rule",
    "RuleState",
    "RulesState",
    "evaluate",
    "initial_state",
    "sham_draw",
]

NO_DRAW = -1.0
"""`sham_draw` of a decision for which none was drawn."""

Outcome = Literal[
    "fired",
    "sham",
    "disarmed",
    "suppressed_age",
    "suppressed_refractory",
    "suppressed_likelihood",
    "suppressed_debounce",
]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the task file, ready to be asked."""

    name: str
    source: str
    """Scenes of what it is asked about: a camera's name, or as in `scene`."""
    condition: Condition
    min_likelihood: float
    debounce_frames: int
    refractory_ns: int
    max_age_ns: int
    sham_probability: float
    seed: int
    action: Action


@dataclass(frozen=True, slots=True)
class RuleState:
    """What one rule remembers from scene to scene."""

    memory: Any
    """Of its condition."""
    near: bool = False
    """A trusted scene was on the near side, and the edge was not used up yet."""
    held: int = 0
    """Trusted scenes in a row on the far side since."""
    over: bool = False
    """Whether the last scene was on the far side; in a row of scenes that could not be
    trusted, whether any of them or the one before was."""
    last: Reading | None = None
    """Of the last trusted scene."""
    fired_ns: int | None = None
    """When it last fired, shams included."""
    draws: int = 0
    """Sham draws so far."""


@dataclass(frozen=True, slots=True)
class RulesState:
    """What all rules remember."""

    next_id: int
    """`decision_id` of the decision that comes next."""
    rules: tuple[RuleState, ...]


@dataclass(frozen=True, slots=True)
class _Verdict:
    outcome: Outcome
    cause: str
    draw: float = NO_DRAW


_CANDIDATE = _Verdict("fired", "")


def initial_state(rules: Sequence[Rule], first_id: int = 0) -> RulesState:
    """Return the state before the first scene; decisions are numbered from `first_id`.

    No rule is on the near side yet: an animal that is beyond the line from the
    start has not crossed it.
    """
    states = tuple(RuleState(rule.condition.begin()) for rule in rules)
    return RulesState(first_id, states)


def evaluate(
    rules: Sequence[Rule],
    state: RulesState,
    scene: Scene,
    *,
    now_ns: int,
    armed: bool,
) -> tuple[RulesState, tuple[Decision, ...]]:
    """Ask the rules that a scene is for.

    Parameters
    ----------
    rules, state
        The rules, and what they remember.
    scene
        What is known.
    now_ns
        Host time of the decision.
    armed
        Whether a fire is carried out.

    Returns
    -------
    state
        What the rules remember now.
    decisions
        One for each candidate and each suppressed edge, numbered on.
    """
    after = list(state.rules)
    decisions: list[Decision] = []
    for k, rule in enumerate(rules):
        if rule.source != scene.source:
            continue
        before = after[k]
        reading, memory = rule.condition.look(scene, before.memory)
        after[k], verdict = _advance(rule, before, reading, memory)
        if verdict is _CANDIDATE:
            cause = _edge_in_words(rule, before, reading)
            age_ns = now_ns - reading.exposure_ns
            after[k], verdict = _pass_gates(
                rule, after[k], cause, age_ns, now_ns, armed
            )
        if verdict is not None:
            number = state.next_id + len(decisions)
            decisions.append(
                _decision(rule, number, verdict, reading, scene, now_ns, armed)
            )
    return RulesState(state.next_id + len(decisions), tuple(after)), tuple(decisions)


def sham_draw(seed: int, rule: str, number: int) -> float:
    """Return the uniform draw in [0, 1) of a rule's `number`-th candidate.

    It is a hash of its arguments: replay draws the same without drawing in order.

    Examples
    --------
    >>> sham_draw(1, "jump", 0) == sham_draw(1, "jump", 0)
    True
    """
    text = f"{seed}/{rule}/{number}".encode()
    digest = hashlib.blake2b(text, digest_size=8).digest()
    return (int.from_bytes(digest, "little") >> 11) * 2.0**-53


def _advance(
    rule: Rule, before: RuleState, reading: Reading, memory: Any
) -> tuple[RuleState, _Verdict | None]:
    """Follow the edge: what the scene changes, and what there is to say of it."""
    if not reading.trusted:
        return _distrust(rule, before, reading, memory)
    fired_ns, draws = before.fired_ns, before.draws
    if not reading.over:
        # made anew, not `replace`d: this runs at every pose, and takes a third
        after = RuleState(memory, True, 0, False, reading, fired_ns, draws)
        if before.held == 0:
            return after, None
        cause = (
            f"held on {before.held} of {rule.debounce_frames} poses: "
            f"{_value(reading)}, threshold {_threshold(reading)}"
        )
        return after, _Verdict("suppressed_debounce", cause)
    held = before.held + 1 if before.near else 0
    whole = held >= rule.debounce_frames
    near = before.near and not whole
    held = 0 if whole else held
    after = RuleState(memory, near, held, True, reading, fired_ns, draws)
    return after, _CANDIDATE if whole else None


def _distrust(
    rule: Rule, before: RuleState, reading: Reading, memory: Any
) -> tuple[RuleState, _Verdict | None]:
    """Learn nothing from what cannot be told, but record an edge in it."""
    after = replace(before, memory=memory, held=0, over=before.over or reading.over)
    edge = before.near and reading.over and not before.over
    if not (edge or before.held):
        return after, None
    why = (
        "it cannot be told"
        if reading.likelihood >= rule.min_likelihood
        else f"likelihood {reading.likelihood:.3f} below {rule.min_likelihood:.3f}"
    )
    cause = f"{why}: {reading.spec.words}"
    if not reading.spec.plain:
        cause += f" to {_value(reading)}, threshold {_threshold(reading)}"
    if before.held:
        cause += f", after {before.held} of {rule.debounce_frames} poses"
    return after, _Verdict("suppressed_likelihood", cause)


def _pass_gates(
    rule: Rule, state: RuleState, cause: str, age_ns: int, now_ns: int, armed: bool
) -> tuple[RuleState, _Verdict]:
    """Decide what becomes of a candidate."""
    if age_ns > rule.max_age_ns:
        why = f"age {age_ns / 1e6:.2f} ms above {rule.max_age_ns / 1e6:.2f} ms"
        return state, _Verdict("suppressed_age", f"{why}: {cause}")
    since_ns = None if state.fired_ns is None else now_ns - state.fired_ns
    if since_ns is not None and since_ns < rule.refractory_ns:
        why = (
            f"{since_ns / 1e6:.1f} ms since the last fire, below "
            f"{rule.refractory_ns / 1e6:.1f} ms"
        )
        return state, _Verdict("suppressed_refractory", f"{why}: {cause}")
    if not armed:
        return state, _Verdict("disarmed", f"not armed: {cause}")
    draw = sham_draw(rule.seed, rule.name, state.draws)
    after = replace(state, fired_ns=now_ns, draws=state.draws + 1)
    if draw < rule.sham_probability:
        why = f"draw {draw:.4f} below {rule.sham_probability:.4f}"
        return after, _Verdict("sham", f"{why}: {cause}", draw)
    return after, _Verdict("fired", cause, draw)


def _decision(
    rule: Rule,
    number: int,
    verdict: _Verdict,
    reading: Reading,
    scene: Scene,
    now_ns: int,
    armed: bool,
) -> Decision:
    return Decision(
        host_ns=now_ns,
        decision_id=number,
        rule=rule.name,
        camera=rule.source,
        frame_id=scene.frame_id,
        pose_seq=scene.pose_seq,
        outcome=verdict.outcome,
        cause=verdict.cause,
        exposure_ns=reading.exposure_ns,
        age_ns=now_ns - reading.exposure_ns,
        max_age_ns=rule.max_age_ns,
        latency_ns=scene.latency_ns,
        value=math.nan if reading.value is None else reading.value,
        threshold=reading.spec.threshold,
        likelihood=reading.likelihood,
        sham_draw=verdict.draw,
        armed=int(armed),
        line=rule.action.line,
        pulse_width_us=rule.action.pulse_width_us,
        pulse_count=rule.action.count,
        pulse_period_us=rule.action.period_us,
    )


def _edge_in_words(rule: Rule, before: RuleState, reading: Reading) -> str:
    spec, last = reading.spec, before.last
    words = spec.words
    if not spec.plain:
        known = last is not None and last.spec == spec and last.value is not None
        start = f" from {last.value:.1f}" if last is not None and known else ""
        words += f"{start} to {_value(reading)}, past {_threshold(reading)}"
    n = rule.debounce_frames
    return words if n == 1 else f"{words}, on {n} poses in a row"


def _value(reading: Reading) -> str:
    if reading.value is None:
        return "no value"
    return f"{reading.value:.1f} {reading.spec.unit}".rstrip()


def _threshold(reading: Reading) -> str:
    return f"{reading.spec.threshold:.1f} {reading.spec.unit}".rstrip()
