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

__all__ = ["RULE", "LoopPlan", "loop_rig", "loop_task", "plan_loop"]

RULE = "light"
_LEAST_WIDTH_US, _WIDTH_US = 100, 1000
_SLACK = 1.1
"""The rule keeps at least so much farther apart than the board's limit asks."""
_CLOSER_MS = 40.0
"""Fires may reach a busy board so much closer together than they were decided …"""
_LIGHTS_APART_MS = 80.0
"""… and are kept as much farther apart, up to what no two lights of `loop_rig` are."""
_LONGEST_PULSE_MS = 50.0
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
    apart_ms: float
    """What the board's limits of rate and duty ask from fire to fire."""
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
    duty = max(limits.max_duty, 1e-3)
    # as narrow as it takes to fire as often as the rate allows
    width_us = max(int(1e6 / limits.max_rate_hz * duty), _LEAST_WIDTH_US)
    width_us = min(width_us, _WIDTH_US, limits.max_width_us)
    apart_ms = max(1e3 / limits.max_rate_hz, width_us / 1e3 / duty)
    farther_ms = min(apart_ms + _CLOSER_MS, _LIGHTS_APART_MS)
    return LoopPlan(
        camera=chosen,
        led=led,
        board=board,
        line=fired,
        width_us=width_us,
        refractory_ms=round(max(_SLACK * apart_ms, farther_ms), 3),
        apart_ms=round(apart_ms, 3),
        rate_hz=rig.camera_rate_hz(chosen),
    )


def loop_rig(plan: LoopPlan, rig: RigConfig) -> dict[str, Any]:
    """Return the rig file's content with the LED's line as the test wants it.

    Random pulses only, 0.1 s apart at least, where the bars of a barcode would follow
    one another too closely to be answered; and as long as a frame period, so that
    each is seen.

    Parameters
    ----------
    plan
        What is tested.
    rig
        The rig.
    """
    plain = rig.model_dump(mode="json")
    line = plain["devices"][plan.led.source]["sync_line"]
    line["barcode"] = None
    longest_ms = min(1e3 / plan.rate_hz, _LONGEST_PULSE_MS)
    line["pulse_width_ms"] = max(line["pulse_width_ms"], longest_ms)
    return plain


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
