"""The mouse's looks: which limbs, how thick, how dark; joints to strokes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rig.sim.brush import Stroke
from rig.sim.world import JOINTS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rig.sim.scenery import Lighting

__all__ = ["MARGIN_MM", "flesh_mm", "paint_of", "painted_parts", "strokes_of"]

MARGIN_MM = 16.0
"""No part of the body is further than this from the joints."""


@dataclass(frozen=True, slots=True)
class _Limb:
    start: str
    end: str
    start_mm: float
    end_mm: float
    coat: str
    """fur, thin, skin, tail, ear or eye."""


def _paired(*limbs: _Limb) -> tuple[_Limb, ...]:
    def other(name: str) -> str:
        return f"{name}_left" if f"{name}_left" in JOINTS else name

    mirrored = (
        _Limb(other(k.start), other(k.end), k.start_mm, k.end_mm, k.coat) for k in limbs
    )
    return (*limbs, *mirrored)


_LIMBS = (
    _Limb("tail_base", "rump", 5.0, 13.2, "fur"),
    _Limb("rump", "loin", 13.2, 14.6, "fur"),
    _Limb("loin", "back", 14.6, 13.9, "fur"),
    _Limb("back", "chest", 13.9, 11.4, "fur"),
    _Limb("chest", "neck", 11.4, 9.2, "fur"),
    _Limb("neck", "skull", 9.2, 8.4, "fur"),
    _Limb("skull", "muzzle", 8.4, 5.4, "fur"),
    _Limb("muzzle", "nose", 5.4, 2.0, "fur"),
    _Limb("nose", "nose", 1.6, 1.6, "skin"),
    _Limb("tail_base", "tail_1", 3.0, 2.1, "tail"),
    _Limb("tail_1", "tail_2", 2.1, 1.7, "tail"),
    _Limb("tail_2", "tail_3", 1.7, 1.2, "tail"),
    _Limb("tail_3", "tail_4", 1.2, 0.7, "tail"),
    *_paired(
        _Limb("hip", "knee", 9.4, 6.0, "fur"),
        _Limb("knee", "ankle", 5.4, 2.5, "thin"),
        _Limb("ankle", "mtp", 2.3, 1.9, "skin"),
        _Limb("mtp", "toe", 1.9, 1.0, "skin"),
        _Limb("shoulder", "elbow", 6.6, 4.0, "fur"),
        _Limb("elbow", "wrist", 3.6, 1.7, "thin"),
        _Limb("wrist", "forepaw", 1.7, 1.2, "skin"),
        _Limb("ear", "ear", 5.8, 5.8, "ear"),
        _Limb("eye", "eye", 1.9, 1.9, "eye"),
    ),
)
_PAINT_SEEN = 0.1
_SPOTS = (
    *(
        (name, 1.15, 225.0, (0.0, 0.0))
        for name in ("iliac_crest", "hip", "knee", "ankle", "mtp")
    ),
    ("eye", 0.6, 200.0, (0.5, -0.6)),
)
"""White paint on joints of the right side, and the glint in the eye: radius in mm,
grey level, and how far beside the joint in mm."""
_INDEX = {name: k for k, name in enumerate(JOINTS)}


def strokes_of(
    px: NDArray[np.float64],
    moved_px: NDArray[np.float64],
    depth_mm: NDArray[np.float64],
    focal_px: float,
    *,
    scale: float,
    lighting: Lighting,
) -> list[Stroke]:
    """Return a body as strokes, the furthest first.

    Parameters
    ----------
    px
        (joints, 2) where the joints are in the picture.
    moved_px
        (joints, 2) how far they move while the shutter is open.
    depth_mm
        (joints,) their distance.
    focal_px
        Of the lens.
    scale
        Of the body.
    lighting
        Gives the shades.
    """
    x, y = px[:, 0].tolist(), px[:, 1].tolist()
    z = depth_mm.tolist()
    u, v = moved_px[:, 0].tolist(), moved_px[:, 1].tolist()
    shades = {
        "fur": lighting.fur,
        "thin": 1.3 * lighting.fur,
        "skin": lighting.skin,
        "tail": 0.8 * lighting.skin,
        "ear": 0.5 * lighting.skin,
        "eye": 8.0,
    }
    near = focal_px * scale
    strokes = []
    for limb in _LIMBS:
        a, b = _INDEX[limb.start], _INDEX[limb.end]
        strokes.append(
            Stroke(
                (x[a], y[a], limb.start_mm * near / z[a], z[a]),
                (x[b], y[b], limb.end_mm * near / z[b], z[b]),
                2.0 * focal_px / (z[a] + z[b]),
                shades[limb.coat] * lighting.level,
                flat=limb.coat == "eye",
                motion=(0.5 * (u[a] + u[b]), 0.5 * (v[a] + v[b])),
            )
        )
    strokes.sort(key=lambda stroke: -(stroke.start[3] + stroke.end[3]))
    return strokes


def paint_of(
    px: NDArray[np.float64],
    moved_px: NDArray[np.float64],
    depth_mm: NDArray[np.float64],
    focal_px: float,
    *,
    right_side: float,
    level: float,
) -> list[Stroke]:
    """Return the spots on top of all fur: painted joints, the glint in the eye.

    Parameters
    ----------
    px, moved_px, depth_mm, focal_px
        As for `strokes_of`.
    right_side
        How much the mouse's right side faces the camera, -1 to 1.
    level
        Brightness.
    """
    painted = painted_parts(right_side)
    size = focal_px * min(1.0, 2.0 * right_side)
    spots = []
    for name, mm, shade, aside in _SPOTS:
        if name not in painted:
            continue
        k = _INDEX[name]
        (x, y), (u, v) = px[k].tolist(), moved_px[k].tolist()
        far = float(depth_mm[k])
        px_mm = size / far
        dot = (x + aside[0] * px_mm, y + aside[1] * px_mm, mm * px_mm, far - MARGIN_MM)
        spots.append(Stroke(dot, dot, px_mm, shade * level, flat=True, motion=(u, v)))
    return spots


def painted_parts(right_side: float) -> frozenset[str]:
    """Return the parts whose spots are seen, by how the right side faces the camera."""
    if right_side < _PAINT_SEEN:
        return frozenset()
    return frozenset(name for name, *_ in _SPOTS)


def flesh_mm(part: str) -> float:
    """Return how deep a part lies in its own limbs, of a mouse of scale 1."""
    ends = [limb.start_mm for limb in _LIMBS if limb.start == part]
    ends += [limb.end_mm for limb in _LIMBS if limb.end == part]
    return max(ends, default=0.0)
