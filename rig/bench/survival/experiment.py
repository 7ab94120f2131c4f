"""The experiment of a trial: small, with everything that a big one has.

Two cameras (one whose frames are whole pages, one whose frames are not), two boards
with signals, inputs, the cameras' trigger and an actuator; segments of the fewest
rows, so that they change several times a second; and rings as deep as a session is
long, so that they hold all that was ever published, for whoever judges the recording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from rig.bench.survival.trial import Trial

__all__ = ["SUBJECT", "affected_by", "write_experiment"]

SUBJECT = "m1"

_RIG = """\
format: springhare-rig/1
name: survival
data_root: "{data}"
segment_seconds: 0.1
devices:
  left:
    kind: basler
    serial: "24000001"
    width_px: 128
    height_px: 96
    exposure_us: 1000
    trigger: {{mode: hardware, source: daq}}
    on_death: {on_death}
    ring_seconds: 15
  right:
    kind: basler
    serial: "24000002"
    width_px: 120
    height_px: 90
    exposure_us: 1000
    trigger: {{mode: software, source: daq}}
    on_death: {on_death}
    ring_seconds: 15
  daq:
    kind: harp
    port: /dev/ttyACM0
    emg: {{rate_hz: 2000, channels: [GL, TA, VL, BF]}}
    camera_trigger: {{rate_hz: 25}}
    inputs: {{lines: {{frame_clock: {{pin: 0, edges: rising, rate_hz: 10}}}}}}
    reconnect_s: 0.5
    on_death: {on_death}
    ring_seconds: 15
  laser:
    kind: harp
    port: /dev/ttyACM1
    force_plate: {{rate_hz: 1000}}
    actuator: {{lines: {{laser: {{pin: 1, max_width_us: 50000, max_rate_hz: 40}}}}}}
    reconnect_s: 0.5
    on_death: {on_death}
    ring_seconds: 15
ledger: {{fail_lost_fraction: 1}}
"""
_TASK = """\
format: springhare-task/1
name: survive
"""
_INFERENCE = """\
inference: {{model: "bundled:mouse", cameras: [left], on_death: {on_death}}}
rules:
  - name: up
    camera: left
    when:
      {{kind: crosses, keypoint: hip, axis: y, direction: falling, threshold_px: 50}}
    action: {{line: laser, pulse_width_us: 5000}}
"""
_SESSION = """\
format: springhare-session-plan/1
subject: {subject}
planned_minutes: 1
seed: {seed}
"""
_DEPENDENTS = {
    "left": ("inference",),
    "daq": ("left", "right", "inference"),
    "boards": ("daq", "laser", "left", "right", "inference"),
}
"""Nodes that have nothing more to record when another is gone."""


def write_experiment(trial: Trial, folder: Path) -> list[str]:
    """Write the three files; return the options that name them.

    Parameters
    ----------
    folder
        Where they are written; the sessions go to ``data`` in it.
    """
    on_death = "continue" if trial.goes_on else "stop"
    task = _TASK + (_INFERENCE.format(on_death=on_death) if trial.inference else "")
    texts = {
        "rig": _RIG.format(data=folder / "data", on_death=on_death),
        "task": task,
        "session": _SESSION.format(subject=SUBJECT, seed=trial.seed),
    }
    options: list[str] = []
    for name, text in texts.items():
        path = folder / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        options.append(f"--{name}={path}")
    return options


def affected_by(victim: str) -> tuple[str, ...]:
    """Return the nodes whose data end, too, when the victim is gone."""
    return (victim, *_DEPENDENTS.get(victim, ()))
