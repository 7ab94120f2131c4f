"""The double of a camera: the real camera's node, looking into the world.

It takes the same section of the rig file as the camera (or the video) that it
stands for. A camera whose emulator has pictures to play keeps its driver.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rig.config.fault_script import ScriptedFault
from rig.config.rig import BaslerConfig, FreeRunning, RigConfig, VideoConfig
from rig.devices.basler import BaslerCamera
from rig.devices.camera_trigger import trigger_dither_ns
from rig.devices.sync_line import session_seed
from rig.devices.triggers import TriggerFollower
from rig.sim.cameras import camera_of, exposure_us_of
from rig.sim.epoch import Epoch
from rig.sim.render import Renderer
from rig.sim.twins.camera_faults import CameraFaults
from rig.sim.twins.camera_sensor import Sensor
from rig.sim.twins.camera_wire import Dither, Wire
from rig.sim.twins.device_clock import DeviceClock, seeded_errors
from rig.sim.twins.emulated_camera import emulated
from rig.sim.twins.simulated_camera import SimulatedCamera
from rig.sim.world import World

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rig.bus.directory import StreamDirectory
    from rig.messages import StreamSpec, StreamStatus
    from rig.node import NodeContext

__all__ = ["CameraTwin"]


class CameraTwin:
    """The node of one simulated camera.

    Parameters
    ----------
    context
        What the node is given. Of the session it uses seed, slow, epoch_path and
        faults.
    """

    def __init__(self, context: NodeContext) -> None:
        session = context.session
        self._rig = RigConfig.model_validate(dict(context.rig))
        config = _as_basler(self._rig, context.name)
        seed = int(session.get("seed", 0))
        device = list(self._rig.devices).index(context.name)
        path = session.get("epoch_path") or context.session_folder / "epoch"
        self._epoch = Epoch(Path(path), float(session.get("slow", 1.0)))
        self._clock = context.clock
        self._rate_hz = self._rig.camera_rate_hz(context.name)
        self._trigger = config.trigger
        self._seed = session_seed(session)
        sensor = Sensor.of(
            self._rig, context.name, config, self._epoch.path, seed + device
        )
        self._camera: SimulatedCamera | None = None
        """Looks into the world; None where Basler's emulator plays pictures of it."""
        if config.emulator is None or config.emulator.pictures is None:
            self._camera = self._look(context, config, seed, device, sensor)
        self._node = BaslerCamera(
            replace(context, config=config.model_dump()),
            emulated(sensor) if self._camera is None else self._camera.connect,
        )

    def _look(
        self,
        context: NodeContext,
        config: BaslerConfig,
        seed: int,
        device: int,
        sensor: Sensor,
    ) -> SimulatedCamera:
        simulation = self._rig.simulation
        world = World(seed, simulation.story, simulation.period_s)
        renderer = Renderer(
            world,
            camera_of(self._rig, context.name),
            seed=seed + device,
            exposure_s=config.exposure_us / 1e6 / self._epoch.slow,
        )
        found = context.session.get("faults", [])
        faults = [ScriptedFault.model_validate(fault) for fault in found]
        return SimulatedCamera(
            config,
            self._rate_hz,
            renderer.render,
            self._epoch,
            self._clock,
            DeviceClock(
                context.clock.now(), seeded_errors(seed, device), seed + device
            ),
            CameraFaults([fault for fault in faults if fault.device == context.name]),
            seed + device,
            sensor,
        )

    def open(self) -> Sequence[StreamSpec]:
        """Declare the streams of the camera."""
        return self._node.open()

    def attach(self, streams: StreamDirectory) -> None:
        """Take writers and readers, lay the trigger's wire, draw a first picture."""
        self._node.attach(streams)
        if self._camera is not None:
            self._camera.wire = self._wire(streams)
            self._camera.warm_up()

    def _wire(self, streams: StreamDirectory) -> Wire | None:
        if isinstance(self._trigger, FreeRunning):
            return None
        source = self._trigger.source
        trigger = self._rig.trigger_sources[source].camera_trigger
        if trigger is None:
            return None
        follower = TriggerFollower(streams.reader(f"events/{source}", 0), trigger.line)
        dither = Dither(self._seed, trigger_dither_ns(trigger))
        return Wire(follower, self._rate_hz, self._epoch, dither)

    def start(self) -> None:
        """Begin to acquire; without a trigger in the rig, begin the world."""
        if not self._rig.trigger_sources:
            self._epoch.begin(self._clock.now())
        self._node.start()

    def step(self) -> None:
        """Do one turn, as the real camera's node does."""
        self._node.step()

    def stop(self) -> None:
        """Serve the triggers that came, stop acquiring, close the streams."""
        self._node.stop()

    def close(self) -> None:
        """Let go of everything; may be called twice."""
        self._node.close()

    def reads(self) -> Mapping[str, StreamStatus]:
        """Return how the node stands with the stream of triggers."""
        return self._node.reads()

    def metrics(self) -> Mapping[str, float]:
        """Return the node's figures, and how often the drawing came too late."""
        if self._camera is None:
            return self._node.metrics()
        return {**self._node.metrics(), "overruns": float(self._camera.overruns)}


def _as_basler(rig: RigConfig, name: str) -> BaslerConfig:
    config = rig.cameras[name]
    if isinstance(config, VideoConfig):
        return BaslerConfig(
            kind="basler",
            serial=config.source,
            width_px=config.width_px,
            height_px=config.height_px,
            pixel_format=config.pixel_format,
            exposure_us=exposure_us_of(config),
            trigger=FreeRunning(mode="free_running", rate_hz=config.rate_hz),
            ring_seconds=config.ring_seconds,
            led=config.led,
        )
    return config
