"""Is the converted model as good as the original? Both look at the same frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from inference.model import PoseModel

__all__ = ["Parity", "SizeParity", "compare"]


@dataclass(frozen=True, slots=True)
class SizeParity:
    """How two models compare on frames of one size."""

    size: str
    """``640x480``."""
    frames: int
    median_px: float
    p99_px: float
    max_px: float
    worst_frame: int
    """Number of the frame with `max_px`, among all."""
    max_likelihood: float
    """Greatest difference of likelihoods."""


@dataclass(frozen=True, slots=True)
class Parity:
    """How two models compare, by size of the frames."""

    sizes: tuple[SizeParity, ...]
    median_px: float

    @property
    def frames(self) -> int:
        """Number of comparisons."""
        return sum(size.frames for size in self.sizes)

    @property
    def max_px(self) -> float:
        """The greatest deviation of any keypoint; not a number if one is not."""
        return float(np.max([size.max_px for size in self.sizes]))

    @property
    def max_likelihood(self) -> float:
        """The greatest difference of any likelihood."""
        return float(np.max([size.max_likelihood for size in self.sizes]))


class _Tally:
    """What was seen at one size."""

    def __init__(self) -> None:
        self.off_px: list[NDArray[np.float64]] = []
        self.off_likelihood: list[float] = []
        self.numbers: list[int] = []

    def result(self, size: str) -> SizeParity:
        off_px = np.stack(self.off_px)
        worst = off_px.max(axis=1)
        return SizeParity(
            size=size,
            frames=len(off_px),
            median_px=float(np.median(off_px)),
            p99_px=float(np.percentile(off_px, 99)),
            max_px=float(worst.max()),
            worst_frame=self.numbers[int(np.argmax(worst))],
            max_likelihood=float(np.max(self.off_likelihood)),
        )


def compare(
    reference: PoseModel,
    candidate: PoseModel,
    frames: Iterable[NDArray[np.uint8]],
    told: Callable[[], None] = lambda: None,
) -> Parity:
    """Let two models look at the same frames.

    Parameters
    ----------
    reference, candidate
        Models with the same body parts.
    frames
        (height, width) or (height, width, 3) uint8, of any sizes.
    told
        Called after each frame.
    """
    tallies: dict[tuple[int, ...], _Tally] = {}
    for number, frame in enumerate(frames):
        tally = tallies.get(frame.shape)
        if tally is None:
            tally = tallies[frame.shape] = _Tally()
            channels = 1 if frame.ndim == 2 else 3
            height, width = frame.shape[:2]
            for model in (reference, candidate):
                model.warm_up(height, width, channels)
        wanted = reference.infer(frame)
        off = np.abs(candidate.infer(frame).astype(np.float64) - wanted)
        tally.off_px.append(np.hypot(off[:, 0], off[:, 1]))
        tally.off_likelihood.append(float(off[:, 2].max()))
        tally.numbers.append(number)
        told()
    sizes = tuple(
        tally.result(f"{shape[1]}x{shape[0]}") for shape, tally in tallies.items()
    )
    off_px = np.concatenate([np.ravel(tally.off_px) for tally in tallies.values()])
    return Parity(sizes, float(np.median(off_px)))
