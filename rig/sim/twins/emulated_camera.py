"""Basler's emulator, playing rendered pictures, with the LED's light let in.

The pictures lie ready before the session; when each is exposed only the emulator
knows. So the LED is drawn into an image when it has come, by its stamp, which is on
the host's clock. All else is the real driver's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rig.devices.pylon import connect_pylon
from rig.sim.twins.camera_sensor import Exposed, Sensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from rig.config.rig import BaslerConfig
    from rig.devices.camera_driver import CameraDriver, CameraInfo, Claim, Grab
    from rig.devices.triggers import Trigger
    from sync.clock import Clock

__all__ = ["EmulatedCamera", "emulated"]

_WHITE = {"Mono10": 1023, "Mono12": 4095, "Mono16": 65_535}


def emulated(
    sensor: Sensor,
) -> Callable[[BaslerConfig, float, Clock], EmulatedCamera]:
    """Return what opens an emulated camera, as `rig.devices.pylon.connect_pylon`."""

    def connect(config: BaslerConfig, rate_hz: float, clock: Clock) -> EmulatedCamera:
        white = _WHITE.get(config.pixel_format, 255)
        return EmulatedCamera(connect_pylon(config, rate_hz, clock), sensor, white)

    return connect


class EmulatedCamera:
    """A camera that is open; see `rig.devices.camera_driver.CameraDriver`.

    Parameters
    ----------
    driver
        Of the emulator.
    sensor
        What falls on the camera's sensor.
    white
        Highest level of its images.
    """

    def __init__(self, driver: CameraDriver, sensor: Sensor, white: int = 255) -> None:
        self._driver = driver
        self._sensor = sensor
        self._white = white

    @property
    def info(self) -> CameraInfo:
        """What camera it is."""
        return self._driver.info

    def start(self) -> None:
        """Begin to acquire."""
        self._driver.start()

    def file_descriptor(self) -> int | None:
        """Return what becomes readable when an image is there."""
        return self._driver.file_descriptor()

    def due_ns(self) -> int | None:
        """Return when to look for an image, where no file descriptor tells."""
        return self._driver.due_ns()

    def retrieve(self, claim: Claim) -> Grab | None:
        """Copy the next image, with the LED in it, to what `claim` gives."""
        claimed: list[NDArray[Any]] = []

        def claim_once() -> NDArray[Any]:
            claimed.append(claim())
            return claimed[-1]

        grab = self._driver.retrieve(claim_once)
        if grab is not None:
            self._expose(grab, None if grab.error else claimed[-1])
        return grab

    def ready(self) -> bool:
        """Tell whether a trigger would be heard."""
        return self._driver.ready()

    def trigger(self, trigger: Trigger) -> None:
        """Expose now."""
        self._driver.trigger(trigger)

    def latch(self) -> tuple[int, int, int] | None:
        """Ask the camera for its time."""
        return self._driver.latch()

    def removed(self) -> bool:
        """Tell whether the camera was unplugged."""
        return self._driver.removed()

    def stop(self) -> None:
        """Stop acquiring."""
        self._driver.stop()

    def close(self) -> None:
        """Let go of the camera and of the LED's line; may be called twice."""
        self._driver.close()
        self._sensor.close()

    def _expose(self, grab: Grab, image: NDArray[Any] | None) -> None:
        exposure_ns = self._driver.info.exposure_ns
        # the emulator stamps an exposure's end; where an event was lost, the image
        # came right after it
        ended_ns = grab.device_ns if grab.device_ns >= 0 else grab.arrival_ns
        exposed = Exposed(
            frame_id=grab.block_id,
            began_ns=ended_ns - exposure_ns,
            exposure_ns=exposure_ns,
            device_ns=grab.device_ns,
            arrival_ns=-1 if image is None else grab.arrival_ns,
        )
        self._sensor.expose(exposed, image, self._white)
