"""Draws the world as a camera sees it: quickly, and the same in every process.

The room is drawn once; for each picture only the mouse's bounding box is drawn
anew, its edges blurred by how far they move within the exposure, and sensor noise
is added from a bank whose place is a function of the picture's number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rig.geometry import depth, project
from rig.sim.brush import Canvas, add_fur, draw, draw_shadow
from rig.sim.furniture import furnish
from rig.sim.mouse import MARGIN_MM, flesh_mm, paint_of, painted_parts, strokes_of
from rig.sim.picture_code import burn_code, read_code
from rig.sim.scenery import Lighting, background
from rig.sim.world import BODY_PARTS
from rig.sim.world.noise import word

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rig.geometry import Camera
    from rig.sim.world import World

__all__ = ["Lighting", "Renderer", "burn_code", "read_code"]

_NOISE_STREAM = 3000
_NEAREST_MM = 30.0
"""A mouse that is nearer than this, or behind, is not drawn."""
_FUR = 0.16
"""Strength of the fur's texture."""
_COVERED_MM = 6.0
"""A part is hidden by what is so much nearer to the camera than its own flesh."""


class Renderer:
    """Draws pictures of a world into one camera.

    Parameters
    ----------
    world
        What there is to see.
    camera
        Who looks.
    seed
        Decides the noise and the room's texture.
    noise_sd
        Standard deviation of the sensor's noise, grey levels.
    exposure_s
        Length of an exposure.
    lighting
        Lamp and shades.
    """

    def __init__(
        self,
        world: World,
        camera: Camera,
        *,
        seed: int = 0,
        noise_sd: float = 2.5,
        exposure_s: float = 0.002,
        lighting: Lighting | None = None,
    ) -> None:
        self.world = world
        self.camera = camera
        self.exposure_s = exposure_s
        self.lighting = Lighting() if lighting is None else lighting
        self._seed = int(seed)
        lamp = np.array([self.lighting.side, -self.lighting.height, -0.55])
        self._lamp = (lamp / np.linalg.norm(lamp)).astype(np.float32)
        self._room = background(camera, world.story, self.lighting, seed)
        furnish(self._room, camera, world, self._lamp, self.lighting.level)
        self._room_u8 = np.rint(self._room).astype(np.uint8)
        self._focal_px = 0.5 * (camera.focal_px[0] + camera.focal_px[1])
        rng = np.random.default_rng([self._seed & 0xFFFFFFFF, 6])
        self._coat = _coat(rng)
        pixels = self._room.size
        self._bank = _noise_bank(rng, pixels, noise_sd)
        self._noisy = np.empty(self._room.shape, dtype=np.int16)
        self._position = camera.position_mm
        self._flatness = abs(float(camera.rotation[2, 2]))
        self._last: tuple[NDArray[np.float64], NDArray[np.uint8]] | None = None

    def render(self, t_s: float, picture_number: int) -> NDArray[np.uint8]:
        """Return the picture (height, width) of an exposure.

        Parameters
        ----------
        t_s
            World time of the exposure's midpoint.
        picture_number
            Decides the noise: the same number gives the same noise.
        """
        clean = self.clean(t_s)
        return self._with_noise(clean, picture_number)

    def empty(self, picture_number: int) -> NDArray[np.uint8]:
        """Return the picture of the room without its mouse."""
        return self._with_noise(self._room_u8, picture_number)

    def clean(self, t_s: float) -> NDArray[np.uint8]:
        """Return the picture without the sensor's noise; do not write into it."""
        half = 0.5 * self.exposure_s
        joints = self.world.joints_mm([t_s - half, t_s, t_s + half])
        if self._last is not None and np.array_equal(joints, self._last[0]):
            return self._last[1]
        px = project(self.camera, joints)
        far = depth(self.camera, joints)
        image = self._room_u8.copy()
        box = self._box(px, far, joints)
        if box is not None:
            left, top, right, bottom = box
            canvas = Canvas.over(self._room, box, self._lamp, self._coat)
            self._shade_ground(canvas, joints[1])
            self._draw_body(canvas, px, far[1])
            self._draw_coat(canvas, joints[1], px, far[1], t_s)
            patch = np.rint(np.clip(canvas.pixels, 0.0, 255.0))
            image[top:bottom, left:right] = patch.astype(np.uint8)
        # A mouse that stands still looks the same: it is drawn once.
        self._last = (joints, image)
        return image

    def keypoints_px(self, t_s: float) -> NDArray[np.float64]:
        """Return where the world's `BODY_PARTS` are at a time, (10, 2) px."""
        return project(self.camera, self.world.keypoints_mm(t_s)[0])

    def seen_parts(self, t_s: float) -> NDArray[np.bool_]:
        """Return which of the `BODY_PARTS` a person would find in the picture, (10,).

        Those that are outside of it, behind the camera or behind the body are not.
        """
        joints = self.world.joints_mm([t_s] * 3)
        px, far = project(self.camera, joints), depth(self.camera, joints)
        box = self._box(px, far, joints)
        found = np.zeros(len(BODY_PARTS), np.bool_)
        if box is None:
            return found
        canvas = Canvas.over(self._room, box, self._lamp, self._coat)
        self._draw_body(canvas, px, far[1])
        painted = painted_parts(self._right_side(joints[1], t_s))
        for k, part in enumerate(BODY_PARTS):
            front_mm = canvas.depth_at(*px[1, k].tolist())
            flesh = flesh_mm(part) * self.world.body.scale + _COVERED_MM
            hidden = far[1, k] - front_mm > flesh and part not in painted
            found[k] = np.isfinite(front_mm) and not hidden
        return found

    def _box(
        self,
        px: NDArray[np.float64],
        far: NDArray[np.float64],
        joints: NDArray[np.float64],
    ) -> tuple[int, int, int, int] | None:
        """Return left, top, right, bottom of all that changes; None if unseen."""
        if float(far.min()) < _NEAREST_MM:
            return None
        margin = MARGIN_MM * self._focal_px / float(far.min()) + 2.0
        # The shadow falls aside and grows as the body rises.
        ground = joints.copy()
        ground[..., :2] += np.maximum(0.5 * joints[..., 2:], 0.0)
        ground[..., 2] = 0.0
        everything = np.concatenate(
            [px.reshape(-1, 2), project(self.camera, ground).reshape(-1, 2)]
        )
        # A point of the ground may lie behind the camera: it has no place.
        low = np.nanmin(everything, axis=0) - margin
        high = np.nanmax(everything, axis=0) + margin
        left, top = (max(0, int(value)) for value in low)
        right = min(self.camera.width_px, int(high[0]) + 1)
        bottom = min(self.camera.height_px, int(high[1]) + 1)
        return (left, top, right, bottom) if left < right and top < bottom else None

    def _draw_body(
        self, canvas: Canvas, px: NDArray[np.float64], far: NDArray[np.float64]
    ) -> None:
        """Draw the limbs.

        Parameters
        ----------
        canvas
            Where to.
        px
            (3, joints, 2) before, at and after the middle of the exposure.
        far
            (joints,) mm, at its middle.
        """
        for stroke in strokes_of(
            px[1],
            px[2] - px[0],
            far,
            self._focal_px,
            scale=self.world.body.scale,
            lighting=self.lighting,
        ):
            draw(canvas, stroke)

    def _draw_coat(
        self,
        canvas: Canvas,
        joints: NDArray[np.float64],
        px: NDArray[np.float64],
        far: NDArray[np.float64],
        t_s: float,
    ) -> None:
        """Draw fur and paint on the limbs."""
        x, y = px[1, self.world.joint("trunk")].tolist()
        add_fur(canvas, (x, y), _FUR)
        for spot in paint_of(
            px[1],
            px[2] - px[0],
            far,
            self._focal_px * self.world.body.scale,
            right_side=self._right_side(joints, t_s),
            level=self.lighting.level,
        ):
            draw(canvas, spot)

    def _right_side(self, joints: NDArray[np.float64], t_s: float) -> float:
        """Return how much the mouse's right side faces the camera, -1 to 1."""
        heading = self.world.heading(t_s)[0]
        right = np.array([heading[1], -heading[0], 0.0])
        away = self._position - joints[self.world.joint("trunk")]
        return float(right @ away / np.linalg.norm(away))

    def _shade_ground(self, canvas: Canvas, joints: NDArray[np.float64]) -> None:
        ends = joints[[self.world.joint("rump"), self.world.joint("skull")]].copy()
        height = float(ends[:, 2].mean())
        ends[:, 2] = 0.0
        ends[:, :2] += 0.15 * height
        seen = project(self.camera, ends)
        far = depth(self.camera, ends)
        soft = 15.0 + 0.25 * height
        strength = self.lighting.shadow * min(1.0, 24.0 / max(height, 1.0))
        start, end = seen.tolist()
        draw_shadow(
            canvas,
            (start[0], start[1]),
            (end[0], end[1]),
            soft * self._focal_px / float(far.mean()),
            self._flatness,
            strength,
        )

    def _with_noise(
        self, clean: NDArray[np.uint8], picture_number: int
    ) -> NDArray[np.uint8]:
        spare = self._bank.size - clean.size
        start = int(word(self._seed, _NOISE_STREAM, picture_number)[0] % spare)
        noise = self._bank[start : start + clean.size].reshape(clean.shape)
        np.add(clean, noise, out=self._noisy, dtype=np.int16)
        np.clip(self._noisy, 0, 255, out=self._noisy)
        return self._noisy.astype(np.uint8)


def _coat(rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the fur: hairs that lie along the body, (128, 128)."""
    hairs = rng.normal(size=(128, 128))
    spectrum = np.fft.fft2(hairs)
    waves = np.fft.fftfreq(128)
    spectrum *= np.exp(-((waves[None, :] / 0.08) ** 2) - (waves[:, None] / 0.30) ** 2)
    smooth = np.fft.ifft2(spectrum).real
    return np.clip(smooth / smooth.std() / 1.5, -1.0, 1.0).astype(np.float32)


def _noise_bank(
    rng: np.random.Generator, pixels: int, noise_sd: float
) -> NDArray[np.int16]:
    values = rng.standard_normal(pixels + 65_537, dtype=np.float32) * noise_sd
    return np.rint(values).astype(np.int16)
