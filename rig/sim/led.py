"""An LED in a simulated picture: a dark housing, and in it as much light as there was.

Only the spot is drawn, onto the picture as it is. The light is soft at its edge and
arrives in single photons: the brighter, the noisier.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from rig.errors import DeviceError
from rig.sim.picture_code import CODE_HEIGHT_PX, CODE_WIDTH_PX

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rig.config.rig import LedConfig

__all__ = ["LIGHT", "LedSpot"]

LIGHT = 190.0
"""Grey levels that the LED adds at its middle, lit for all of an exposure."""
_DARK = 30.0
"""Grey level of its housing, which keeps the light from the sensor's limit."""
_HOUSING = 1.6
"""Radius of the housing, in those of the spot."""
_BLUR_PX = 0.8
_NOISE_SD = 2.5
"""Of the sensor, grey levels."""
_ELECTRONS = 40.0
"""In a grey level."""
_GRAINS = 61
"""Different patterns of noise."""


class LedSpot:
    """Where a camera sees an LED.

    Parameters
    ----------
    config
        The LED's section of the rig file.
    width_px, height_px
        Of the picture.
    seed
        Of the noise.

    Raises
    ------
    DeviceError
        If it would cover the picture's number.
    """

    def __init__(
        self, config: LedConfig, width_px: int, height_px: int, seed: int
    ) -> None:
        reach = _HOUSING * config.radius_px + 3.0 * _BLUR_PX
        left, top = (max(0, int(at - reach)) for at in (config.x_px, config.y_px))
        right = min(width_px, ceil(config.x_px + reach) + 1)
        bottom = min(height_px, ceil(config.y_px + reach) + 1)
        if left < CODE_WIDTH_PX and top < CODE_HEIGHT_PX:
            msg = (
                "Expected an LED away from the pictures' numbers in the upper left "
                f"{CODE_WIDTH_PX}x{CODE_HEIGHT_PX} px, got one at {config.x_px:g}, "
                f"{config.y_px:g} that needs {reach:.0f} px around it: move it"
            )
            raise DeviceError(msg)
        self.box = np.s_[top:bottom, left:right]
        """The part of the picture that is drawn."""
        y, x = np.mgrid[top:bottom, left:right].astype(np.float32)
        far = np.hypot(x - config.x_px, y - config.y_px)
        housing = _disc(far, _HOUSING * config.radius_px)
        self._around = 1.0 - housing
        self._dark = _DARK * housing
        self._light = LIGHT * _disc(far, config.radius_px)
        self._dark_variance = (_NOISE_SD * housing) ** 2
        self._light_variance = self._light / _ELECTRONS
        rng = np.random.default_rng([seed & 0xFFFFFFFF, 9])
        self._grains = rng.standard_normal((_GRAINS, *far.shape), dtype=np.float32)

    def draw(
        self, image: NDArray[Any], lit: float, number: int, white: int = 255
    ) -> None:
        """Draw the LED.

        Parameters
        ----------
        image
            (height, width) or (height, width, 3), changed in place.
        lit
            For which part of the exposure it was, 0 to 1.
        number
            Of the picture: decides the noise.
        white
            The picture's highest level.
        """
        target = image[self.box]
        level = self._dark + lit * self._light
        noise = np.sqrt(self._dark_variance + lit * self._light_variance)
        level += noise * self._grains[number % _GRAINS]
        level *= white / 255
        around = self._around
        if image.ndim == 3:
            level, around = level[:, :, None], around[:, :, None]
        drawn = np.clip(np.rint(target * around + level), 0, white)
        target[...] = drawn.astype(image.dtype)


def _disc(far: NDArray[np.float32], radius_px: float) -> NDArray[np.float32]:
    """Return a disc of 1 with a soft edge, by the distance from its middle."""
    return 0.5 - 0.5 * np.tanh((far - radius_px) / _BLUR_PX)
