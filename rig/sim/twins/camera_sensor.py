"""What falls on a simulated camera's sensor, and when: the LED's light, and the truth.

The camera says when an exposure began; it may begin a constant time later, as in the
rig file's `simulation.delays_us`. How long the LED's line was high meanwhile is told by
the board that drives it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rig.sim.led import LedSpot
from rig.sim.twins.camera_truth import FrameLog, ShownFrame
from rig.sim.twins.line_log import LineWatcher, line_path

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from rig.config.rig import BaslerConfig, RigConfig

__all__ = ["Exposed", "Sensor"]

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Exposed:
    """An exposure as the camera tells it."""

    frame_id: int
    """The camera's own number."""
    began_ns: int
    """Host time of what its stamp calls the beginning."""
    exposure_ns: int
    device_ns: int
    """Its stamp."""
    arrival_ns: int = -1
    """Host time at which the image was there, whole; -1 if it never was."""


class Sensor:
    """A camera's sensor.

    Parameters
    ----------
    delay_ns
        So long after its stamp an exposure begins.
    led
        What the camera sees of an LED, and when that is lit; None without one.
    log
        Where to tell when each frame was really exposed; None if nobody asks.
    """

    def __init__(
        self,
        delay_ns: int = 0,
        led: tuple[LedSpot, LineWatcher] | None = None,
        log: FrameLog | None = None,
    ) -> None:
        self.delay_ns = delay_ns
        self._led = led
        self._log = log

    @staticmethod
    def of(
        rig: RigConfig, name: str, config: BaslerConfig, epoch_path: Path, seed: int
    ) -> Sensor:
        """Return the sensor of one of a rig's cameras.

        Parameters
        ----------
        rig
            The rig.
        name, config
            The camera in it.
        epoch_path
            File of the world's beginning; what boards and cameras share lies beside it.
        seed
            Of the noise.
        """
        led = None
        if config.led is not None:
            spot = LedSpot(config.led, config.width_px, config.height_px, seed)
            path = line_path(epoch_path, config.led.source, config.led.line)
            led = spot, LineWatcher(path)
        delay_us = rig.simulation.delays_us.get(name, 0.0)
        log = FrameLog.invited(epoch_path, name)
        return Sensor(round(1e3 * delay_us), led, log)

    def expose(
        self, exposed: Exposed, image: NDArray[Any] | None, white: int = 255
    ) -> None:
        """Let the light of an exposure into its image, and tell the truth about it.

        Parameters
        ----------
        exposed
            The exposure.
        image
            (height, width) or (height, width, 3), changed in place; None if there is
            none.
        white
            The image's highest level.
        """
        began_ns = exposed.began_ns + self.delay_ns
        led_ppm = -1
        if self._led is not None:
            spot, line = self._led
            lit = line.high_fraction(began_ns, began_ns + exposed.exposure_ns)
            led_ppm = round(lit * _MILLION)
            if image is not None:
                spot.draw(image, lit, exposed.frame_id, white)
        if self._log is not None:
            self._log.tell(
                ShownFrame(
                    frame_id=exposed.frame_id,
                    middle_ns=began_ns + exposed.exposure_ns // 2,
                    exposure_ns=exposed.exposure_ns,
                    device_ns=exposed.device_ns,
                    arrival_ns=exposed.arrival_ns,
                    led_ppm=led_ppm,
                )
            )

    def close(self) -> None:
        """Let go of the LED's line; may be called twice."""
        if self._led is not None:
            self._led[1].close()
