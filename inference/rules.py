"""Rules: poses in, decisions out. Pure: no clock, no socket, the same in replay.

A rule waits for an edge: a pose that could be trusted on the near side of its
condition, then `debounce_frames` poses in a row on the far side::

    far ──a good pose on the near side──▶ near ──far side──▶ holding 1 … N-1
     ▲                                      ▲                    │
     │                                      ├──a bad pose────────┤ suppressed_likelihood
     │                                      └──the near side─────┤ suppressed_debounce
     └────────── candidate ◀──the N-th in a row on the far side──┘

A candidate passes, in this order, the age of its pose, the refractory time, the
arm switch and the sham draw. Each candidate, and each edge that a bad pose or the
debounce suppressed, is one recorded decision; a pose on which nothing changed is
none. A candidate uses its edge up, whatever becomes of it: a stimulus that was
suppressed is not given late.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from inference.signals import (
    Measured,
    Points,
    Signal,
    Trace,
    keypoints_of,
    make_signal,
)
from rig.config.nearest import nearest
from rig.errors import ConfigError
from rig.messages import Decision

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from rig.config.task import Action, RuleConfig
    from rig.messages import Pose

__all__ = [
    "NO_DRAW",
    "Outcome",
    "Rule",
    "RuleState",
    "RulesState",
    "compile_rules",
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
    """A rule of the task file, ready to be asked at every pose."""

    name: str
    camera: str
    signal: Signal
    min_likelihood: float
    debounce_frames: int
    refractory_ns: int
    max_age_ns: int
    sham_probability: float
    seed: int
    action: Action


@dataclass(frozen=True, slots=True)
class RuleState:
    """What one rule remembers from pose to pose."""

    near: bool = False
    """A trusted pose was on the near side, and the edge was not used up yet."""
    held: int = 0
    """Trusted poses in a row on the far side since."""
    over: bool = False
    """Whether the last pose, trusted or not, was on the far side."""
    trace: Trace | None = None
    """The last trusted pose."""
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


def compile_rules(
    configs: Sequence[RuleConfig], bodyparts: Sequence[str], seed: int
) -> tuple[Rule, ...]:
    """Make a task's rules ready for a model's body parts.

    Parameters
    ----------
    configs
        The rules of the task file.
    bodyparts
        Names of the model's keypoints, in the order of a pose's rows.
    seed
        Of the sham draws.

    Raises
    ------
    ConfigError
        If a rule uses a keypoint that the model does not have; lists all of them,
        each with the nearest name.
    """
    faults = [
        f"rules.{config.name}.when: expected a keypoint of the model "
        f"({', '.join(bodyparts)}), got {name!r}{_did_you_mean(name, bodyparts)}"
        for config in configs
        for name in keypoints_of(config.when)
        if name not in bodyparts
    ]
    if faults:
        raise ConfigError("\n".join(faults))
    return tuple(
        Rule(
            name=config.name,
            camera=config.camera,
            signal=make_signal(config.when, list(bodyparts).index),
            min_likelihood=config.min_likelihood,
            debounce_frames=config.debounce_frames,
            refractory_ns=round(config.refractory_ms * 1e6),
            max_age_ns=round(config.max_pose_age_ms * 1e6),
            sham_probability=config.sham_probability,
            seed=seed,
            action=config.action,
        )
        for config in configs
    )


def initial_state(rules: Sequence[Rule], first_id: int = 0) -> RulesState:
    """Return the state before the first pose; decisions are numbered from `first_id`.

    No rule is on the near side yet: an animal that is beyond the line from the
    start has not crossed it.
    """
    return RulesState(first_id, tuple(RuleState() for _ in rules))


def evaluate(
    rules: Sequence[Rule],
    state: RulesState,
    camera: str,
    pose: Pose,
    keypoints: NDArray[np.float32],
    *,
    now_ns: int,
    armed: bool,
) -> tuple[RulesState, tuple[Decision, ...]]:
    """Ask all rules of a camera about one of its poses.

    Parameters
    ----------
    rules, state
        The rules, and what they remember.
    camera
        Where the pose was seen.
    pose
        The pose's record, its `seq` included.
    keypoints
        (bodyparts, 3): x px, y px, likelihood.
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
    points: Points = keypoints.tolist()
    after = list(state.rules)
    decisions: list[Decision] = []
    for k, rule in enumerate(rules):
        if rule.camera != camera:
            continue
        seen = rule.signal.measure(points, pose.exposure_ns, after[k].trace)
        before = after[k]
        after[k], verdict = _advance(rule, before, seen, pose.exposure_ns)
        if verdict is _CANDIDATE:
            cause = _edge_in_words(rule, before, seen)
            age_ns = now_ns - pose.exposure_ns
            after[k], verdict = _pass_gates(
                rule, after[k], cause, age_ns, now_ns, armed
            )
        if verdict is not None:
            number = state.next_id + len(decisions)
            decisions.append(
                _decision(rule, number, verdict, seen, pose, now_ns, armed)
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
    rule: Rule, before: RuleState, seen: Measured, exposure_ns: int
) -> tuple[RuleState, _Verdict | None]:
    """Follow the edge: what the pose changes, and what there is to say of it."""
    if not _trusted(rule, seen):
        return _distrust(rule, before, seen)
    trace = Trace(seen.x_px, seen.y_px, exposure_ns, seen.value)
    if not seen.over:
        # without a value (a speed at the first pose) it is on no side at all
        near = before.near or seen.value is not None
        after = replace(before, near=near, held=0, over=False, trace=trace)
        if before.held == 0:
            return after, None
        cause = (
            f"held on {before.held} of {rule.debounce_frames} poses: "
            f"{_value(rule, seen)}, threshold {_threshold(rule)}"
        )
        return after, _Verdict("suppressed_debounce", cause)
    held = before.held + 1 if before.near else 0
    whole = held >= rule.debounce_frames
    after = replace(
        before,
        near=before.near and not whole,
        held=0 if whole else held,
        over=True,
        trace=trace,
    )
    return after, _CANDIDATE if whole else None


def _trusted(rule: Rule, seen: Measured) -> bool:
    # written so that NaN is not trusted
    return seen.likelihood >= rule.min_likelihood and math.isfinite(
        seen.x_px + seen.y_px + (seen.value or 0.0)
    )


def _distrust(
    rule: Rule, before: RuleState, seen: Measured
) -> tuple[RuleState, _Verdict | None]:
    """Learn nothing from a pose below the gate, but record an edge in it."""
    after = replace(before, held=0, over=seen.over)
    edge = before.near and seen.over and not before.over
    if not (edge or before.held):
        return after, None
    cause = (
        f"likelihood {seen.likelihood:.3f} below {rule.min_likelihood:.3f}: "
        f"{rule.signal.words} to {_value(rule, seen)}, threshold {_threshold(rule)}"
    )
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
    seen: Measured,
    pose: Pose,
    now_ns: int,
    armed: bool,
) -> Decision:
    return Decision(
        host_ns=now_ns,
        decision_id=number,
        rule=rule.name,
        camera=rule.camera,
        frame_id=pose.frame_id,
        pose_seq=pose.seq,
        outcome=verdict.outcome,
        cause=verdict.cause,
        exposure_ns=pose.exposure_ns,
        age_ns=now_ns - pose.exposure_ns,
        max_age_ns=rule.max_age_ns,
        latency_ns=0,
        value=math.nan if seen.value is None else seen.value,
        threshold=rule.signal.threshold,
        likelihood=seen.likelihood,
        sham_draw=verdict.draw,
        armed=int(armed),
        line=rule.action.line,
        pulse_width_us=rule.action.pulse_width_us,
        pulse_count=rule.action.count,
        pulse_period_us=rule.action.period_us,
    )


def _edge_in_words(rule: Rule, before: RuleState, seen: Measured) -> str:
    trace = before.trace
    start = "" if trace is None or trace.value is None else f" from {trace.value:.1f}"
    words = (
        f"{rule.signal.words}{start} to {_value(rule, seen)}, past {_threshold(rule)}"
    )
    n = rule.debounce_frames
    return words if n == 1 else f"{words}, on {n} poses in a row"


def _value(rule: Rule, seen: Measured) -> str:
    if seen.value is None:
        return "no value"
    return f"{seen.value:.1f} {rule.signal.unit}"


def _threshold(rule: Rule) -> str:
    return f"{rule.signal.threshold:.1f} {rule.signal.unit}"


def _did_you_mean(name: str, bodyparts: Sequence[str]) -> str:
    near = nearest(name, bodyparts)
    return f": did you mean {near!r}?" if near else ""
