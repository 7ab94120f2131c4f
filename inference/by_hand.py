"""A pulse that a person asks for, decided as a rule's fire is: by nobody's rule. Pure.

A fired decision is the command, and there is no other way to the actuator. So a pulse
by hand is a decision too, numbered among the rules' own; all that keeps a rule's fire
from being carried out keeps it as well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from inference.rules import NO_DRAW
from rig.config.faults import faults_of
from rig.config.rules import Action
from rig.config.together import action_faults
from rig.errors import ConfigError
from rig.messages import BY_HAND, Decision

if TYPE_CHECKING:
    from collections.abc import Mapping

    from inference.step import StepState
    from rig.config.base import Fault
    from rig.config.rig import RigConfig

__all__ = ["MAX_AGE_NS", "HandInputs", "action_of", "by_hand"]

MAX_AGE_NS = 50_000_000
"""An older wish is not carried out."""
_ASKED = "asked by "


@dataclass(frozen=True, slots=True)
class HandInputs:
    """All that a pulse by hand is given."""

    now_ns: int
    """Host time of the decision."""
    armed: bool
    by: str
    """Who asked."""
    line: str
    pulse_width_us: int
    pulse_count: int
    pulse_period_us: int

    @staticmethod
    def of_action(action: Action, by: str, *, now_ns: int, armed: bool) -> HandInputs:
        """Return the inputs of what is asked for now."""
        return HandInputs(
            now_ns=now_ns,
            armed=armed,
            by=by,
            line=action.line,
            pulse_width_us=action.pulse_width_us,
            pulse_count=action.count,
            pulse_period_us=action.period_us,
        )

    @staticmethod
    def of_decision(decision: Decision) -> HandInputs:
        """Return the inputs as a recorded decision tells them: replay."""
        return HandInputs(
            now_ns=decision.host_ns,
            armed=bool(decision.armed),
            by=decision.cause.removeprefix(_ASKED),
            line=decision.line,
            pulse_width_us=decision.pulse_width_us,
            pulse_count=decision.pulse_count,
            pulse_period_us=decision.pulse_period_us,
        )


def by_hand(inputs: HandInputs, state: StepState) -> tuple[StepState, Decision]:
    """Decide on a pulse that a person asks for; no rule remembers anything of it.

    Returns
    -------
    The new state, and the decision: fired, or disarmed.
    """
    decision = Decision(
        host_ns=inputs.now_ns,
        decision_id=state.rules.next_id,
        rule=BY_HAND,
        camera="",
        frame_id=-1,
        pose_seq=-1,
        outcome="fired" if inputs.armed else "disarmed",
        cause=f"{_ASKED}{inputs.by}",
        exposure_ns=inputs.now_ns,
        age_ns=0,
        max_age_ns=MAX_AGE_NS,
        latency_ns=0,
        value=math.nan,
        threshold=math.nan,
        likelihood=1.0,
        sham_draw=NO_DRAW,
        armed=int(inputs.armed),
        line=inputs.line,
        pulse_width_us=inputs.pulse_width_us,
        pulse_count=inputs.pulse_count,
        pulse_period_us=inputs.pulse_period_us,
    )
    rules = replace(state.rules, next_id=state.rules.next_id + 1)
    return replace(state, rules=rules), decision


def action_of(arguments: Mapping[str, Any], rig: RigConfig | None) -> Action:
    """Return the pulse that a request asks for.

    Parameters
    ----------
    arguments
        Of the request: as an action of a rule.
    rig
        With the actuator's lines, and their limits.

    Raises
    ------
    ConfigError
        With everything that is wrong: a rig without an actuator, a line that is not
        there, a limit that is exceeded.
    """
    if rig is None or rig.actuator is None:
        name = "the rig" if rig is None else rig.name
        msg = (
            f"Expected a rig with an actuator for a pulse by hand, got {name}, which "
            "has none: give one of its harp devices an actuator section"
        )
        raise ConfigError(msg)
    faults: list[Fault]
    try:
        action = Action.model_validate(arguments)
    except ValidationError as error:
        faults = faults_of(error, Action, arguments)
    else:
        faults = list(action_faults(rig.actuator[1], (), action))
        if not faults:
            return action
    raise ConfigError("\n".join(f"pulse: {fault}" for fault in faults))
