"""One period of the world as picture files, for Basler's emulator to play.

The emulator loops over a folder's files in sorted order, so picture n of an endless
acquisition shows world time (n mod N) / rate. Files are uncompressed TIFF: top-down,
unpadded and without a palette, what the emulator hands out is bit for bit what was
rendered, and it reads them at thousands of pictures a second (PNG: hundreds).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rig.errors import SpringhareError
from rig.sim.render import Lighting, Renderer, burn_code

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from rig.geometry import Camera
    from rig.sim.world import World

__all__ = ["MAX_BYTES", "PictureSet", "tiff_of", "write_pictures"]

MAX_BYTES = 150_000_000
"""Most that one camera's pictures may take."""


@dataclass(frozen=True, slots=True)
class PictureSet:
    """The pictures of one camera over one period."""

    folder: Path
    count: int
    """Number of pictures, and of different numbers in their codes."""
    fps: float
    exposure_s: float

    def time_s(self, picture_number: int) -> float:
        """Return the world time of a picture's exposure midpoint.

        The trigger that opens the shutter comes half an exposure earlier.
        """
        return (picture_number % self.count) / self.fps + 0.5 * self.exposure_s


def write_pictures(
    world: World,
    camera: Camera,
    folder: Path,
    fps: float,
    *,
    exposure_s: float = 0.002,
    seed: int | None = None,
    noise_sd: float = 2.5,
    lighting: Lighting | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> PictureSet:
    """Render one period of a world into files 000000.tiff, 000001.tiff, ….

    Parameters
    ----------
    world
        What there is to see.
    camera
        Who looks.
    folder
        Where to; made if it is not there, must hold no other pictures.
    fps
        Pictures per second; the period must hold a whole number of them.
    exposure_s
        Length of an exposure; the shutter of picture k opens at k / fps.
    seed
        Of noise and texture; the world's own if None.
    noise_sd
        Of the sensor, grey levels.
    lighting
        Of the scene.
    progress
        Called with (done, all) after each picture.

    Raises
    ------
    SpringhareError
        If the pictures would take more than `MAX_BYTES`, do not fill the period
        evenly, or the folder has pictures already.
    """
    count = _checked_count(world, camera, fps)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.glob("*.tiff")):
        msg = (
            f"Expected no pictures in {folder}, got some: the emulator would play "
            "them too; give an empty folder"
        )
        raise SpringhareError(msg)
    renderer = Renderer(
        world,
        camera,
        seed=world.seed if seed is None else seed,
        noise_sd=noise_sd,
        exposure_s=exposure_s,
        lighting=lighting,
    )
    pictures = PictureSet(folder, count, float(fps), exposure_s)
    for number in range(count):
        image = renderer.render(pictures.time_s(number), number)
        burn_code(image, number)
        (folder / f"{number:06d}.tiff").write_bytes(tiff_of(image))
        if progress is not None:
            progress(number + 1, count)
    return pictures


def _checked_count(world: World, camera: Camera, fps: float) -> int:
    exact = fps * world.period_s
    count = round(exact)
    if count < 1 or abs(exact - count) > 1e-6:
        msg = (
            f"Expected a whole number of pictures in the world's {world.period_s} s, "
            f"got {exact:.3f} at {fps} Hz: choose a rate or a period that fits, so "
            "that the loop has no seam"
        )
        raise SpringhareError(msg)
    size = count * camera.width_px * camera.height_px
    if size > MAX_BYTES:
        msg = (
            f"Expected at most {MAX_BYTES / 1e6:.0f} MB of pictures for camera "
            f"{camera.name!r}, got {size / 1e6:.0f} MB ({count} pictures of "
            f"{camera.width_px}x{camera.height_px} px): lower the rate or the size, "
            "or use the live twin (--simulate)"
        )
        raise SpringhareError(msg)
    return count


def tiff_of(image: NDArray[np.uint8]) -> bytes:
    """Return a picture as the bytes of a TIFF file.

    Parameters
    ----------
    image
        (height, width) grey or (height, width, 3) red, green, blue, uint8.
    """
    height, width = image.shape[:2]
    colours = 1 if image.ndim == 2 else 3
    entries = (
        (256, 4, 1, width),
        (257, 4, 1, height),
        # bits per sample: one number stands here, three stand behind the table
        (258, 3, 1, 8) if colours == 1 else (258, 3, 3, _TIFF_HEAD - 6),
        (259, 3, 1, 1),  # no compression
        (262, 3, 1, 1 if colours == 1 else 2),  # black is zero, or RGB
        (273, 4, 1, _TIFF_HEAD),  # where the pixels begin
        (277, 3, 1, colours),  # samples per pixel
        (278, 4, 1, height),  # all rows in one strip
        (279, 4, 1, image.size),
    )
    table = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    head = struct.pack("<2sHIH", b"II", 42, 8, len(entries)) + table + bytes(4)
    bits = struct.pack("<3H", 8, 8, 8)
    return head.ljust(_TIFF_HEAD - 6, b"\0") + bits + image.tobytes()


_TIFF_HEAD = 128
