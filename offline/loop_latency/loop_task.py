"""What the loop test runs: which camera, which line, and the task that closes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inference.bundled.led import BODYPART, WHITE
from offline.loop_latency.light import THRESHOLD
from offline.loop_latency.spot import spot_box
from rig.errors import ConfigError

if TYPE_CHECKING:
    from offline.loop_latency.spot import Levels
    from rig.config.rig import LedConfig, RigConfig
    from rig.config.task import TaskConfig

__all__ = ["RULE", "LoopPlan", "loop_task", "plan_loop"]

RULE = "light"
_WIDTH_US = 1000
_SLACK = 1.1
"""The rule keeps so much farther apart than the board's limit asks."""
_OLDEST_MS = 1000
"""Nothing is held back for its age: how late it would be is what is asked."""


@dataclass(frozen=True, slots=True)
class LoopPlan:
    """What is to be tested."""

    camera: str
    led: LedConfig
    board: str
    """That fires."""
    line: str
    width_us: int
    refractory_ms: float
    rate_hz: float
    """Of the camera."""

    @property
    def box(self) -> tuple[int, int, int, int]:
        """The part of the picture that is looked at."""
        return spot_box(self.led)


def plan_loop(rig: RigConfig, *, camera: str | None, line: str | None) -> LoopPlan:
    """Choose what is tested, from what the rig file has.

    Parameters
    ----------
    rig
        The rig.
    camera
        That sees the LED; by default the first one that does.
    line
        That is fired; by default the actuator's first.

    Raises
    ------
    ConfigError
        If the rig cannot be tested so; the message says what is missing.
    """
    seeing = [name for name, one in rig.cameras.items() if one.led is not None]
    if not seeing or camera not in {*seeing, None}:
        got = camera or "none"
        known = ", ".join(seeing) or "no camera has one"
        msg = (
            f"Expected a camera that sees an LED ({known}), got {got}: write where "
            "under the camera in the rig file: led: {source, line, x_px, y_px}"
        )
        raise ConfigError(msg)
    chosen = camera or seeing[0]
    led = rig.cameras[chosen].led
    owner = rig.actuator
    if owner is None or led is None:
        msg = "Expected a board with an actuator line to fire, got a rig without"
        raise ConfigError(msg)
    board, actuator = owner
    driver = rig.harp_devices.get(led.source)
    if driver is None or driver.sync_line is None or driver.sync_line.line != led.line:
        msg = (
            f"Expected the LED of {chosen} on a sync line, which pulses by itself, got "
            f"{led.source} {led.line}: wire it to one, and say so under led"
        )
        raise ConfigError(msg)
    fired = line or next(iter(actuator.lines))
    if fired not in actuator.lines:
        known = ", ".join(actuator.lines)
        msg = f"Expected a line of the actuator ({known}), got {fired!r}"
        raise ConfigError(msg)
    limits = actuator.lines[fired]
    width_us = min(_WIDTH_US, limits.max_width_us)
    apart_ms = max(
        1e3 / limits.max_rate_hz, width_us / 1e3 / max(limits.max_duty, 1e-3)
    )
    return LoopPlan(
        camera=chosen,
        led=led,
        board=board,
        line=fired,
        width_us=width_us,
        refractory_ms=round(_SLACK * apart_ms, 3),
        rate_hz=rig.camera_rate_hz(chosen),
    )


def loop_task(
    plan: LoopPlan, levels: Levels | None, task: TaskConfig | None
) -> dict[str, Any]:
    """Return the task file's content that closes the loop on the LED's pixels.

    Parameters
    ----------
    plan
        What is tested.
    levels
        Of the spot; None: nothing is decided.
    task
        Whose budget is kept to.
    """
    plain: dict[str, Any] = {"format": "springhare-task/1", "name": "loop_test"}
    if levels is None:
        return plain
    level = levels.dark + THRESHOLD * (levels.lit - levels.dark)
    x0, _, x1, _ = plan.box
    plain["inference"] = {
        "model": "bundled:led",
        "cameras": [plan.camera],
        "crop_px": list(plan.box),
        "provider": "cpu",
    }
    plain["rules"] = [
        {
            "name": RULE,
            "camera": plan.camera,
            "when": {
                "kind": "crosses",
                "keypoint": BODYPART,
                "axis": "x",
                "direction": "rising",
                "threshold_px": round(x0 + (x1 - x0) * level / WHITE, 6),
            },
            "min_likelihood": 0,
            "refractory_ms": plan.refractory_ms,
            "max_pose_age_ms": _OLDEST_MS,
            "action": {"line": plan.line, "pulse_width_us": plan.width_us},
        }
    ]
    if task is not None and task.latency_budget is not None:
        budget = task.latency_budget.model_dump(mode="json", exclude_none=True)
        plain["latency_budget"] = budget
    return plain
