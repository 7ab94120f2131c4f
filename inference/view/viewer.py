"""The eye of one camera: what of a frame is looked at, and by which network.

Several cameras may look together: what they look at in the same shape goes through
the network as one batch, where the network takes batches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

import numpy as np

from inference.view.box import Box, sides_px
from inference.view.tracking import Tracking, begin, look_next, looked
from rig.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from inference.model import PoseModel
    from rig.config.task import DynamicCrop, InferenceConfig

    Trust = Callable[[NDArray[np.float32], int], NDArray[np.bool_]]
    """Which keypoints of a pose, of a frame exposed then (ns), can be believed."""

__all__ = ["BatchModel", "Glance", "Look", "Trust", "Viewer", "look_together"]

_ALIGN_PX = 32
"""Where a model does not say: no usual network has a coarser step."""
_FINE, _COARSE = 1.125, 1.4
"""Growth of a box's sides, where shapes are cheap for the engine and where not."""


@runtime_checkable
class BatchModel(Protocol):
    """A pose network that can look at several pictures at once."""

    @property
    def batches(self) -> bool:
        """Whether this one does."""
        ...

    def infer_together(
        self, frames: Sequence[NDArray[np.uint8]]
    ) -> list[NDArray[np.float32]]:
        """Return the pose in each of some pictures, of any shapes."""
        ...


class Look(NamedTuple):
    """What came of looking at a frame."""

    keypoints: NDArray[np.float32]
    """(bodyparts, 3): x and y in px of the whole frame, likelihood."""
    box: Box
    """What was looked at last."""
    looks: int
    """How often: 2 where the animal was not in the box."""


@dataclass(frozen=True, slots=True)
class Glance:
    """A frame to look at."""

    viewer: Viewer
    pixels: NDArray[np.uint8]
    """(height, width) or (height, width, 3)."""
    exposure_ns: int


class Viewer:
    """Looks at the frames of one camera.

    Parameters
    ----------
    model
        The network; several viewers may share it.
    config
        Which part of the frames: ``crop_px`` and ``dynamic_crop``.
    height, width, channels
        Of the frames.
    trust
        Which keypoints the box may follow; by default those that are finite and
        likely enough.

    Raises
    ------
    ModelError
        If the fixed crop is not inside the frame.
    """

    def __init__(
        self,
        model: PoseModel,
        config: InferenceConfig,
        height: int,
        width: int,
        channels: int,
        trust: Trust | None = None,
    ) -> None:
        self.model = model
        self.within = _within(config.crop_px, height, width)
        self.whole_looks = 0
        """Looks at the whole picture since the start."""
        self.second_looks = 0
        """Of those, looks at a frame whose box did not hold the animal."""
        self._channels = channels
        self._dear = bool(getattr(model, "dear_shapes", False))
        dynamic = config.dynamic_crop
        self._tracking = None
        if dynamic is not None:
            align_px = _step_px(getattr(model, "align_px", _ALIGN_PX), config.resize)
            self._tracking = _tracking(dynamic, self.within, align_px, self._dear)
            self._trust = trust or _likely(dynamic.min_likelihood)
        self._state = begin(len(model.bodyparts))

    def warm_up(self) -> None:
        """Let the network make ready for all shapes it will be shown.

        Where an engine prepares for each shape, all of them; else a few.

        Raises
        ------
        ModelError
            If it cannot see them.
        """
        for height, width in self._shapes():
            self.model.warm_up(height, width, self._channels)

    def usual_picture(self) -> NDArray[np.uint8]:
        """Return a black picture of the shape that the network will mostly see."""
        height, width = self.within.height, self.within.width
        tracking = self._tracking
        if tracking is not None:
            side = tracking.body_px + 2 * tracking.margin_px
            height = next(h for h in tracking.heights_px if h >= min(side, height))
            width = next(w for w in tracking.widths_px if w >= min(side, width))
        shape = (height, width, self._channels)
        return np.zeros(shape[: 2 if self._channels == 1 else 3], np.uint8)

    def next_box(self, exposure_ns: int) -> Box:
        """Return what is to be looked at in the frame of that exposure."""
        if self._tracking is None:
            return self.within
        return look_next(self._tracking, self._state, exposure_ns)

    def take_in(
        self, box: Box, keypoints: NDArray[np.float32], exposure_ns: int
    ) -> bool:
        """Take in what was seen; return whether to look at the whole frame again."""
        whole = box == self.within
        self.whole_looks += whole
        if self._tracking is None:
            return False
        trusted = self._trust(keypoints, exposure_ns)
        found = looked(
            self._tracking, self._state, box, keypoints, trusted, exposure_ns
        )
        self._state = found.state
        self.second_looks += found.again
        return found.again

    def look(self, pixels: NDArray[np.uint8], exposure_ns: int) -> Look:
        """Find the animal in one frame."""
        return look_together([Glance(self, pixels, exposure_ns)])[0]

    def _shapes(self) -> list[tuple[int, int]]:
        shapes = {(self.within.height, self.within.width)}
        if self._tracking is not None:
            heights, widths = self._tracking.heights_px, self._tracking.widths_px
            if self._dear:
                shapes |= {(height, width) for height in heights for width in widths}
            else:
                shapes |= set(zip(heights, widths, strict=False))
        return sorted(shapes)


def look_together(glances: Sequence[Glance]) -> list[Look]:
    """Find the animal in one frame of each of some cameras, which share a network."""
    boxes = [glance.viewer.next_box(glance.exposure_ns) for glance in glances]
    looks = _seen(glances, boxes, 1)
    again = [
        k
        for k, (glance, look) in enumerate(zip(glances, looks, strict=True))
        if glance.viewer.take_in(look.box, look.keypoints, glance.exposure_ns)
    ]
    if again:
        blind = [glances[k] for k in again]
        second = _seen(blind, [glance.viewer.within for glance in blind], 2)
        for k, glance, look in zip(again, blind, second, strict=True):
            glance.viewer.take_in(look.box, look.keypoints, glance.exposure_ns)
            looks[k] = look
    return looks


def _seen(glances: Sequence[Glance], boxes: Sequence[Box], number: int) -> list[Look]:
    """Ask the network about a part of each frame, those of one shape at once."""
    model = glances[0].viewer.model
    parts = [
        glance.pixels[box.y0 : box.y1, box.x0 : box.x1]
        for glance, box in zip(glances, boxes, strict=True)
    ]
    found = _inferred(model, parts)
    for keypoints, box in zip(found, boxes, strict=True):
        keypoints[:, 0] += box.x0
        keypoints[:, 1] += box.y0
    return [Look(k, box, number) for k, box in zip(found, boxes, strict=True)]


def _inferred(
    model: PoseModel, parts: Sequence[NDArray[np.uint8]]
) -> list[NDArray[np.float32]]:
    if len(parts) > 1 and isinstance(model, BatchModel) and model.batches:
        return model.infer_together(parts)
    return [model.infer(part) for part in parts]


def _within(crop_px: tuple[int, int, int, int] | None, height: int, width: int) -> Box:
    if crop_px is None:
        return Box(0, 0, width, height)
    box = Box(*crop_px)
    if 0 <= box.x0 < box.x1 <= width and 0 <= box.y0 < box.y1 <= height:
        return box
    msg = (
        f"Expected inference.crop_px (x0, y0, x1, y1) inside the picture of {width} x "
        f"{height} px, got {', '.join(map(str, crop_px))}: correct it, or the camera's "
        "ROI"
    )
    raise ModelError(msg)


def _tracking(
    dynamic: DynamicCrop, within: Box, align_px: int, dear_shapes: bool
) -> Tracking:
    growth = _COARSE if dear_shapes else _FINE
    return Tracking(
        within=within,
        widths_px=sides_px(within.width, align_px, growth),
        heights_px=sides_px(within.height, align_px, growth),
        align_px=align_px,
        margin_px=dynamic.margin_px,
        border_px=dynamic.margin_px / 4,
        body_px=dynamic.body_px,
        whole_every_ns=round(dynamic.whole_every_s * 1e9),
        longest_gap_ns=round(dynamic.longest_gap_ms * 1e6),
    )


def _step_px(align_px: int, resize: float) -> int:
    """Return the step of a box's corner in a frame that is resized first."""
    for times in range(1, 5):
        step = times * align_px / resize
        if step == round(step):
            return round(step)
    return round(align_px / resize)  # no whole step fits: nearly on the grid


def _likely(least: float) -> Trust:
    def trusted(keypoints: NDArray[np.float32], exposure_ns: int) -> NDArray[np.bool_]:
        del exposure_ns
        return (keypoints[:, 2] >= least) & np.isfinite(keypoints).all(axis=1)

    return trusted
