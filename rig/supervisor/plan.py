"""From three config files to the processes of a session: pure, so it can be shown.

`--simulate` makes every device its twin: a Harp device keeps its real node and
driver, and a process that speaks Harp stands in for the board; a camera's node
is replaced, by one that keeps the real driver where an emulator plays pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from rig.config.rig import BaslerConfig, HarpConfig, RigConfig, VideoConfig

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rig.config.fault_script import ScriptedFault
    from rig.config.rig import Device
    from rig.config.task import TaskConfig

__all__ = ["NodePlan", "Options", "SessionPlan", "plan_nodes", "slowed"]

_RECORDER, _CONSUMER, _SOURCE, _CAMERA, _TRIGGER = range(5)


@dataclass(frozen=True, slots=True)
class Options:
    """How a session is run, apart from the three configs."""

    simulate: bool = False
    """Every device is replaced by its twin."""
    slow: float = 1.0
    """The simulated world runs so many times slower."""
    seconds: float | None = None
    """Stop after so long; None until asked."""
    faults: Sequence[ScriptedFault] = ()
    """Script of the simulated faults."""
    unblind: bool = False
    """Show live which fires were shams."""
    keep_truth: bool = False
    """Write what the simulated boards sent to ``truth.json`` in the session."""


@dataclass(frozen=True, slots=True)
class NodePlan:
    """One process of a session."""

    name: str
    kind: str
    """Entry point that makes the node."""
    config: Mapping[str, Any]
    rank: int
    """Started in this order: whoever takes data before whoever makes them, and
    whoever triggers the cameras last."""
    twin: bool = False
    """Whether the simulated node takes the place of the real one."""
    interpreter: Path | None = None
    on_death: Literal["stop", "continue", "restart"] = "stop"
    """Whether its death stops the session in order, or the others go on without it,
    or a fresh process takes its place."""


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """All processes of a session."""

    nodes: tuple[NodePlan, ...]
    stand_in: bool
    """Whether a process stands in for the Harp boards."""

    def named(self, name: str) -> NodePlan:
        """Return the plan of one node."""
        return next(node for node in self.nodes if node.name == name)


def plan_nodes(
    rig: RigConfig, task: TaskConfig | None, *, simulate: bool
) -> SessionPlan:
    """Return the nodes of a session, in the order in which they are started."""
    nodes = [NodePlan("recorder", "recorder", {}, _RECORDER, on_death="restart")]
    if task is not None and task.inference is not None:
        inference = task.inference
        nodes.append(
            NodePlan(
                "inference",
                "inference",
                inference.model_dump(mode="json"),
                _CONSUMER,
                interpreter=inference.interpreter,
                on_death=inference.on_death,
            )
        )
    nodes += [
        _plan_device(name, device, simulate=simulate)
        for name, device in rig.devices.items()
    ]
    return SessionPlan(
        nodes=tuple(sorted(nodes, key=lambda node: node.rank)),
        stand_in=simulate and bool(rig.harp_devices),
    )


def _plan_device(name: str, device: Device, *, simulate: bool) -> NodePlan:
    if isinstance(device, HarpConfig):
        rank, twin = (_TRIGGER if device.camera_trigger else _SOURCE), False
    else:
        rank, twin = _CAMERA, simulate
    return NodePlan(
        name,
        device.kind,
        device.model_dump(mode="json"),
        rank,
        twin=twin,
        interpreter=device.interpreter,
        on_death=device.on_death,
    )


def slowed(rig: RigConfig, factor: float) -> RigConfig:
    """Return the rig with every rate divided by `factor`, for a slower world."""
    if factor == 1:
        return rig
    return rig.model_copy(
        update={
            "devices": {
                name: _slow_device(device, factor)
                for name, device in rig.devices.items()
            }
        }
    )


def _slow_device(device: Device, factor: float) -> Device:
    if isinstance(device, VideoConfig):
        return device.model_copy(update={"rate_hz": device.rate_hz / factor})
    if isinstance(device, BaslerConfig):
        if device.trigger.mode != "free_running":
            return device
        rate_hz = device.trigger.rate_hz / factor
        return device.model_copy(
            update={"trigger": device.trigger.model_copy(update={"rate_hz": rate_hz})}
        )
    parts = {
        name: part.model_copy(update={"rate_hz": part.rate_hz / factor})
        for name in ("emg", "force_plate", "camera_trigger")
        if (part := getattr(device, name)) is not None
    }
    return device.model_copy(update=parts)
