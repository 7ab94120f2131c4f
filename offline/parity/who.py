"""Who saw the poses of each side, and of which part of the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from offline.cameras import CAMERAS
from offline.parity.result import Model

if TYPE_CHECKING:
    from offline.parity.sides import Sides
    from offline.reanalysis.poses_file import Poses
    from rig.recording.reader import Recording

__all__ = ["cropped", "live_model", "offline_model"]


def live_model(recording: Recording, camera: str) -> Model:
    """Return who looked at a camera live."""
    attributes = recording.attributes(f"poses/{camera}")
    resize = attributes.get("resize")
    return Model(
        name=str(attributes.get("model", "")),
        sha256=str(attributes.get("model_sha256", "")),
        engine=str(attributes.get("engine", "")),
        provider=str(attributes.get("provider", "")),
        resize=None if resize is None else float(resize),
    )


def offline_model(poses: Poses) -> Model:
    """Return who saw the poses of a file; of DeepLabCut's own only a name is known."""
    info = poses.info
    if info is None:
        return Model(name=poses.scorer, sha256="", engine="", provider="", resize=None)
    return Model(
        name=info.model,
        sha256=info.model_sha256,
        engine=info.engine,
        provider=info.provider,
        resize=info.resize,
    )


def cropped(recording: Recording, sides: Sides) -> int:
    """Return for how many live poses the network looked at a part of the picture."""
    rows, payload = sides.live.rows, recording.streams[CAMERAS + sides.camera].payload
    if payload is None or "box_x0_px" not in (rows.dtype.names or ()):
        return 0
    height, width = payload.shape[:2]
    told = rows["box_x1_px"] >= 0
    wide = rows["box_x1_px"].astype(int) - rows["box_x0_px"]
    high = rows["box_y1_px"].astype(int) - rows["box_y0_px"]
    return int(np.count_nonzero(told & ((wide < width) | (high < height))))
