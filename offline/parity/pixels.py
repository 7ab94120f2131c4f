"""How far live poses are from those made afterwards; which frames had none. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from offline.dataset.scores import apart_px
from offline.parity.result import Coverage, Gap, PixelError, TooOld

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from offline.parity.sides import Sides

__all__ = ["ALL_PARTS", "apart", "coverage", "gaps", "pixel_errors"]

ALL_PARTS = "all"


def apart(sides: Sides) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the frames that both have seen, and (frames, bodyparts) px between them.

    NaN where one of them finds the part less likely than it must be.
    """
    frames, live, offline, _ = sides.both
    return frames, apart_px(live, offline, sides.least)


def pixel_errors(sides: Sides) -> tuple[PixelError, ...]:
    """Return the errors of all parts together, and of each."""
    _, live, offline, bodyparts = sides.both
    px = apart_px(live, offline, sides.least)
    sure = live[:, :, 2] >= sides.least, offline[:, :, 2] >= sides.least
    alone = [(one & ~other) for one, other in (sure, sure[::-1])]
    columns = [(ALL_PARTS, slice(None))]
    columns += [(part, slice(k, k + 1)) for k, part in enumerate(bodyparts)]
    return tuple(
        _figures(name, px[:, k], *(int(each[:, k].sum()) for each in alone))
        for name, k in columns
    )


def _figures(
    name: str, px: NDArray[np.float64], live_only: int, offline_only: int
) -> PixelError:
    known = px[np.isfinite(px)]
    figures = np.percentile(known, (50, 90, 99, 100)) if len(known) else [None] * 4
    median, p90, p99, most = (None if f is None else float(f) for f in figures)
    return PixelError(
        bodypart=name,
        count=len(known),
        live_only=live_only,
        offline_only=offline_only,
        median_px=median,
        p90_px=p90,
        p99_px=p99,
        max_px=most,
    )


def gaps(seen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return runs of frames that were not seen.

    Parameters
    ----------
    seen
        (frames,).

    Returns
    -------
    ndarray of int64
        (runs, 2): first, and the one after the last.

    Examples
    --------
    >>> gaps(np.array([False, True, False, False])).tolist()
    [[0, 1], [2, 4]]
    """
    edges = np.diff(np.concatenate(([0], ~seen, [0])).astype(np.int8))
    return np.stack([np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)], axis=1)


def coverage(sides: Sides, limits_ns: Mapping[str, int], started_ns: int) -> Coverage:
    """Return which frames had a pose in time.

    Parameters
    ----------
    sides
        Of a camera.
    limits_ns
        By rule of this camera, the age above which it fires on no pose.
    started_ns
        Host time of the session's start.
    """
    seen, exposure_ns = sides.seen, sides.exposure_ns
    runs, rows = gaps(seen), sides.live.rows
    age_ns = rows["host_ns"] - rows["exposure_ns"]
    longest = None
    if len(runs):
        first, stop = runs[int(np.argmax(runs[:, 1] - runs[:, 0]))].tolist()
        # from the pose before to the pose after, as far as there are any
        around = exposure_ns[max(first - 1, 0)], exposure_ns[min(stop, len(seen) - 1)]
        longest = Gap(
            first_frame=first,
            frames=stop - first,
            blind_ms=float(around[1] - around[0]) / 1e6,
            at_s=float(exposure_ns[first] - started_ns) / 1e9,
        )
    return Coverage(
        frames=len(seen),
        seen=int(seen.sum()),
        skipped=int((~seen).sum()),
        runs=len(runs),
        longest=longest,
        not_recorded=int((sides.live_frame < 0).sum()),
        offline=int((sides.offline_place >= 0).sum()),
        age_median_ms=float(np.median(age_ns)) / 1e6 if len(age_ns) else None,
        age_max_ms=float(age_ns.max()) / 1e6 if len(age_ns) else None,
        too_old=tuple(
            TooOld(rule=rule, limit_ms=ns / 1e6, poses=int((age_ns > ns).sum()))
            for rule, ns in limits_ns.items()
        ),
    )
