"""Where body parts are in pictures, as a person or the simulator said. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rig.errors import LabelError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import PurePosixPath

    from numpy.typing import ArrayLike, NDArray

__all__ = ["Labels"]


@dataclass(frozen=True, slots=True)
class Labels:
    """Labelled pictures.

    Raises
    ------
    LabelError
        If shapes do not fit, or a picture or a body part is named twice.
    """

    images: tuple[PurePosixPath, ...]
    """Relative to the project: ``labeled-data/<video>/img0007.png``."""
    bodyparts: tuple[str, ...]
    xy_px: NDArray[np.float64]
    """(images, bodyparts, 2); NaN where a part was not labelled."""

    def __post_init__(self) -> None:
        wanted = (len(self.images), len(self.bodyparts), 2)
        if self.xy_px.shape != wanted:
            msg = f"Expected labels of the shape {wanted}, got {self.xy_px.shape}"
            raise LabelError(msg)
        _refuse_twins("picture", [str(image) for image in self.images])
        _refuse_twins("body part", self.bodyparts)

    @property
    def videos(self) -> tuple[str, ...]:
        """Of each picture: the folder it lies in, which is named after its video."""
        return tuple(image.parent.name for image in self.images)

    @property
    def is_labelled(self) -> NDArray[np.bool_]:
        """(images, bodyparts): whether a part was labelled."""
        return np.isfinite(self.xy_px).all(axis=2)

    def of(self, rows: ArrayLike) -> Labels:
        """Return some of the pictures, by number or by a mask."""
        chosen = np.arange(len(self.images))[np.asarray(rows)]
        images = tuple(self.images[k] for k in chosen)
        return replace(self, images=images, xy_px=self.xy_px[chosen])

    def having(self, bodyparts: Sequence[str]) -> Labels:
        """Return the labels in terms of other body parts: NaN for those without any.

        Raises
        ------
        LabelError
            If a part was labelled that is not among them.
        """
        if extra := [part for part in self.bodyparts if part not in bodyparts]:
            msg = (
                f"Expected labels of {', '.join(bodyparts)} only, got also "
                f"{', '.join(extra)}: add them to bodyparts in config.yaml, or take "
                "them out of the labels"
            )
            raise LabelError(msg)
        xy_px = np.full((len(self.images), len(bodyparts), 2), np.nan)
        for k, part in enumerate(self.bodyparts):
            xy_px[:, bodyparts.index(part)] = self.xy_px[:, k]
        return Labels(self.images, tuple(bodyparts), xy_px)

    @staticmethod
    def joined(parts: Sequence[Labels], bodyparts: Sequence[str]) -> Labels:
        """Return the labels of several folders as one, in terms of some body parts.

        Raises
        ------
        LabelError
            As of `having`.
        """
        told = [labels.having(bodyparts) for labels in parts]
        xy_px = [labels.xy_px for labels in told]
        empty = np.empty((0, len(bodyparts), 2))
        images = tuple(image for labels in told for image in labels.images)
        return Labels(images, tuple(bodyparts), np.concatenate([empty, *xy_px]))


def _refuse_twins(what: str, names: Sequence[str]) -> None:
    if twins := [name for name, count in Counter(names).items() if count > 1]:
        msg = f"Expected each {what} once, got {', '.join(twins)} more than once"
        raise LabelError(msg)
