"""A camera that looks into the world: exposes, numbers, stamps and loses frames.

It is a `CameraDriver`, so that the node of a real camera runs it and keeps its
books; it knows nothing of rings but the wire on which its triggers come. Pictures
are drawn while their exposure and readout would last.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from rig.devices.camera_driver import CameraGoneError, CameraInfo, Grab, IdRule
from rig.errors import DeviceError
from rig.sim.picture_code import MAX_NUMBER, burn_code
from rig.sim.twins.camera_sensor import Exposed, Sensor
from rig.sim.world.noise import uniform

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from rig.config.rig import BaslerConfig
    from rig.devices.camera_driver import Claim
    from rig.devices.triggers import Trigger
    from rig.sim.epoch import Epoch
    from rig.sim.twins.camera_faults import CameraFaults
    from rig.sim.twins.camera_wire import Wire
    from rig.sim.twins.device_clock import DeviceClock
    from sync.clock import Clock

    Draw = Callable[[float, int], NDArray[np.uint8]]

__all__ = ["SimulatedCamera"]

_START_DELAY_NS = 30_000
_READOUT_NS = 1_000_000
_JITTER_NS = 150_000
_ASKED_NS, _ANSWERED_NS = 60_000, 80_000
_LATEST_NS = 1_000_000_000
_SHIFTS = {"Mono8": 0, "Mono10": 2, "Mono12": 4, "Mono16": 8}
_LANE = 6000


@dataclass(slots=True)
class _Exposure:
    block_id: int
    started_ns: int
    world_s: float
    """World time of the midpoint."""
    number: int
    due_ns: int
    fate: Literal["whole", "failed", "lost"]
    image: NDArray[np.uint8] | None = None


class SimulatedCamera:
    """A camera on a clock of its own.

    Parameters
    ----------
    config
        The camera's section of the rig file.
    rate_hz
        Frames per second of host time.
    draw
        Draws the picture of a number at a world time.
    epoch
        When the world begins, and how slowly it runs.
    clock
        Host clock.
    own_clock
        The camera's.
    faults
        What goes wrong.
    seed
        Of the delays.
    sensor
        What falls on it besides the picture, and when.
    """

    def __init__(
        self,
        config: BaslerConfig,
        rate_hz: float,
        draw: Draw,
        epoch: Epoch,
        clock: Clock,
        own_clock: DeviceClock,
        faults: CameraFaults,
        seed: int,
        sensor: Sensor | None = None,
    ) -> None:
        self._config = config
        self._rate_hz = rate_hz
        self._draw = draw
        self._epoch = epoch
        self._clock = clock
        self._own = own_clock
        self._faults = faults
        self._seed = seed
        self._sensor = sensor or Sensor()
        self._exposure_ns = round(config.exposure_us * 1e3)
        self._queue: deque[_Exposure] = deque()
        self._block_id = self._made = 0
        self._free_ns = 0.0
        self._since_ns = self._busy_ns = 0
        self._running = False
        self._resets: list[int] = []
        self.wire: Wire | None = None
        """On which its triggers come; None for a camera that paces itself."""
        self.overruns = 0
        """Frames that were due long before they could be drawn."""
        self.info = CameraInfo(
            model="simulated",
            serial=config.serial,
            ids=IdRule(first=0),
            exposure_ns=self._exposure_ns,
            stamp="exposure_start",
        )

    def connect(
        self, config: BaslerConfig, rate_hz: float, clock: Clock
    ) -> SimulatedCamera:
        """Plug the camera in, as `rig.devices.pylon.connect_pylon` does.

        Raises
        ------
        DeviceError
            While its cable is out.
        """
        del rate_hz
        if self._faults.unplugged(clock.now()):
            msg = f"Expected camera {config.serial}, got no camera: plug it in"
            raise DeviceError(msg)
        return self

    def warm_up(self) -> None:
        """Draw a first picture, which takes longer than those after it."""
        self._draw(0.0, 0)

    def start(self) -> None:
        """Begin to acquire, and to number from 0."""
        now_ns = self._clock.now()
        self._faults.begin(now_ns)
        self._queue.clear()
        self._block_id = 0
        self._since_ns = self._busy_ns = now_ns
        self._free_ns = float(now_ns)
        self._running = True

    def file_descriptor(self) -> int | None:
        """Return None: `due_ns` tells."""
        return None

    def due_ns(self) -> int | None:
        """Return when the next image is to be drawn or is there."""
        if self._queue:
            head = self._queue[0]
            return 0 if head.image is None else head.due_ns
        free = self._config.trigger.mode == "free_running"
        return round(self._free_ns) if free else None

    def retrieve(self, claim: Claim) -> Grab | None:
        """Copy the next image to what `claim` gives; None when there is none yet."""
        now_ns = self._check()
        self._expose(now_ns)
        while self._queue:
            head = self._queue[0]
            if head.image is None:
                head.image = self._picture(head)
            now_ns = self._clock.now()
            if now_ns < head.due_ns:
                return None
            self._queue.popleft()
            stamp_ns = -1 if head.fate == "lost" else self._stamp(head.started_ns)
            self._sense(head, head.image, stamp_ns, now_ns)
            if head.fate == "lost":
                continue
            if head.fate == "whole":
                self._develop(head.image, claim())
            return Grab(
                block_id=head.block_id,
                device_ns=stamp_ns,
                arrival_ns=now_ns,
                error="" if head.fate == "whole" else "a packet was lost (script)",
            )
        return None

    def ready(self) -> bool:
        """Tell whether a trigger would be heard: the last exposure has ended."""
        return self._check() >= self._busy_ns

    def trigger(self, trigger: Trigger) -> None:
        """Expose now, on behalf of that trigger."""
        now_ns = self._check()
        if self.wire is not None:
            self._hear(now_ns, self.wire.place_of(trigger), self.wire)

    def latch(self) -> tuple[int, int, int] | None:
        """Ask the camera for its time."""
        now_ns = self._check()
        return self._stamp(now_ns), now_ns - _ASKED_NS, now_ns + _ANSWERED_NS

    def removed(self) -> bool:
        """Tell whether the camera was unplugged."""
        return self._faults.unplugged(self._clock.now())

    def stop(self) -> None:
        """Stop acquiring; what was not retrieved is gone."""
        self._running = False
        self._queue.clear()

    def close(self) -> None:
        """Let go of the camera; may be called twice."""
        self.stop()
        self._sensor.close()

    def _check(self) -> int:
        now_ns = self._clock.now()
        self._faults.play(now_ns)
        if self._faults.unplugged(now_ns):
            msg = f"camera {self._config.serial} was unplugged (script)"
            raise CameraGoneError(msg)
        return now_ns

    def _expose(self, now_ns: int) -> None:
        """Begin the exposures that are due without the host's doing."""
        mode = self._config.trigger.mode
        if mode == "free_running":
            self._run_free(now_ns)
        elif mode == "hardware" and self.wire is not None:
            for edge_ns, place in self.wire.take():
                if edge_ns < self._since_ns:
                    continue
                if self._is_behind(now_ns):
                    self.overruns += 1  # not heard: it could not be drawn in time
                    continue
                self._hear(edge_ns, place, self.wire)

    def _is_behind(self, now_ns: int) -> bool:
        """Tell whether the oldest image should have been there long ago."""
        return bool(self._queue) and now_ns - self._queue[0].due_ns > _LATEST_NS

    def _run_free(self, now_ns: int) -> None:
        period_ns = 1e9 / self._rate_hz
        while self._running and self._free_ns <= now_ns:
            started_ns = round(self._free_ns)
            middle_ns = started_ns + self._exposure_ns // 2
            late = self._is_behind(now_ns)
            self.overruns += late
            world_s = self._epoch.world_s(middle_ns)
            self._begin(started_ns, world_s, self._block_id, lost=late)
            # a period of the camera's own clock, on the host's
            rate = 1.0 + self._own.errors.ppm * 1e-6
            self._free_ns += period_ns / rate

    def _hear(self, edge_ns: int, place: float, wire: Wire) -> None:
        """Take a trigger, unless the camera is busy or deaf to it."""
        started_ns = edge_ns + _START_DELAY_NS
        if started_ns < self._busy_ns or self._faults.strikes("missed_trigger"):
            return
        half_s = self._exposure_ns / 2e9 / self._epoch.slow
        self._begin(started_ns, wire.world_s(place) + half_s, int(place))

    def _begin(
        self, started_ns: int, world_s: float, number: int, *, lost: bool = False
    ) -> None:
        jitter = float(uniform(self._seed, _LANE, np.array([self._made]))[0])
        delay_ns = _READOUT_NS - _JITTER_NS * np.log1p(-jitter)
        ended_ns = started_ns + self._sensor.delay_ns + self._exposure_ns
        fate: Literal["whole", "failed", "lost"] = "whole"
        if lost or self._faults.strikes("lost_frame"):
            fate = "lost"
        elif self._faults.strikes("failed_grab"):
            fate = "failed"
        due_ns = ended_ns + round(delay_ns)
        self._queue.append(
            _Exposure(self._block_id, started_ns, world_s, number, due_ns, fate)
        )
        self._busy_ns = ended_ns
        self._block_id += 1
        self._made += 1

    def _picture(self, exposure: _Exposure) -> NDArray[np.uint8]:
        if exposure.fate != "whole":
            return np.empty((0, 0), np.uint8)
        number = exposure.number % (MAX_NUMBER + 1)
        image = self._draw(exposure.world_s, number)
        burn_code(image, number)
        return image

    def _sense(
        self, exposure: _Exposure, image: NDArray[np.uint8], stamp_ns: int, now_ns: int
    ) -> None:
        whole = exposure.fate == "whole"
        exposed = Exposed(
            frame_id=exposure.block_id,
            began_ns=exposure.started_ns,
            exposure_ns=self._exposure_ns,
            device_ns=stamp_ns,
            arrival_ns=now_ns if whole else -1,
        )
        self._sensor.expose(exposed, image if whole else None)

    def _develop(self, image: NDArray[np.uint8], target: NDArray[Any]) -> None:
        if target.ndim == 3:
            target[...] = image[:, :, None]
        else:
            np.left_shift(
                image,
                _SHIFTS[self._config.pixel_format],
                out=target,
                dtype=target.dtype,
            )

    def _stamp(self, host_ns: int) -> int:
        """Return the camera's time; a reset sets it back to the day's first second."""
        own_ns = round(float(self._own.device_us(host_ns)) * 1e3)
        return own_ns - self._reset_ns(own_ns)

    def _reset_ns(self, own_ns: int) -> int:
        while len(self._resets) < self._faults.resets:
            self._resets.append(own_ns)
        return self._resets[-1] if self._resets else 0
