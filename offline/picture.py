"""A session as one picture: muscles, force, pose, stimuli and frames over time.

What people look at first, drawn from the file alone: every track is placed by the
host times that were recorded with it. (Alignment to better than that is the work
of `sync`; a picture of some seconds does not show the difference.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from offline.picture_file import needs_matplotlib
from rig.errors import SpringhareError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from rig.recording.reader import Recording

__all__ = ["Track", "draw", "tracks_of"]

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe and Ito's palette, which the colour-blind can tell apart."""
_OUTCOME_COLOUR = {"fired": "#d55e00", "sham": "#56b4e9"}
_NS_PER_S = 1e9


@dataclass(frozen=True, slots=True)
class Track:
    """One row of the picture."""

    title: str
    unit: str
    time_s: NDArray[np.float64]
    """(n,) seconds since the session began."""
    values: NDArray[np.float64]
    """(n, lines), or (n, 0) where only the moments matter."""
    labels: Sequence[str]
    """Name of each line; of each moment where there are no lines."""


def tracks_of(recording: Recording, first_s: float, last_s: float) -> list[Track]:
    """Return what a session recorded between two times, ready to be drawn.

    Parameters
    ----------
    recording
        An opened session.
    first_s, last_s
        Seconds since the session began.
    """
    zero_ns = _beginning_ns(recording)
    tracks: list[Track] = []
    for name, spec in recording.streams.items():
        rows = recording.rows(name)
        time_s = (rows["host_ns"] - zero_ns) / _NS_PER_S
        inside = np.flatnonzero((time_s >= first_s) & (time_s <= last_s))
        if not len(inside):
            continue
        part = slice(int(inside[0]), int(inside[-1]) + 1)
        track = _track(recording, name, spec.kind, rows[part], time_s[part], part)
        if track is not None:
            tracks.append(track)
    order = {"samples": 0, "poses": 1, "decisions": 2, "events": 3}
    kinds = {name: spec.kind for name, spec in recording.streams.items()}
    return sorted(tracks, key=lambda track: order.get(kinds[track.title], 4))


def draw(recording: Recording, path: Path, first_s: float, last_s: float) -> int:
    """Draw a session into an image file; the kind of image follows from its name.

    Returns
    -------
    int
        Number of tracks drawn.

    Raises
    ------
    SpringhareError
        If matplotlib is not installed, or nothing was recorded in that time.
    """
    with needs_matplotlib():
        from matplotlib.figure import Figure
    tracks = tracks_of(recording, first_s, last_s)
    if not tracks:
        msg = f"Expected rows between {first_s:g} s and {last_s:g} s, got none"
        raise SpringhareError(msg)
    heights = [1.0 if track.values.shape[1] else 0.35 for track in tracks]
    figure = Figure(figsize=(11, 0.6 + 1.7 * sum(heights)), layout="constrained")
    axes = figure.subplots(
        len(tracks), 1, sharex=True, squeeze=False, height_ratios=heights
    )[:, 0]
    for axis, track in zip(axes, tracks, strict=True):
        _draw_track(axis, track)
    axes[-1].set_xlabel("time since the session began (s)")
    axes[-1].set_xlim(first_s, last_s)
    figure.suptitle(recording.info.session_id, fontsize=10)
    figure.savefig(path, dpi=130)
    return len(tracks)


def _beginning_ns(recording: Recording) -> int:
    firsts = [
        int(rows["host_ns"][0])
        for name, spec in recording.streams.items()
        if spec.kind in {"frames", "samples"} and len(rows := recording.rows(name))
    ]
    return min(firsts, default=recording.info.started_host_ns)


def _track(
    recording: Recording,
    name: str,
    kind: str,
    rows: NDArray[np.void],
    time_s: NDArray[np.float64],
    part: slice,
) -> Track | None:
    match kind:
        case "samples":
            return _samples(recording, name, rows, time_s)
        case "poses":
            return _poses(recording, name, time_s, part)
        case "decisions":
            return Track(name, "", time_s, _no_lines(time_s), _texts(rows["outcome"]))
        case "events":
            return Track(name, "", time_s, _no_lines(time_s), _texts(rows["line"]))
        case _:
            return None


def _samples(
    recording: Recording, name: str, rows: NDArray[np.void], time_s: NDArray[np.float64]
) -> Track:
    attributes = recording.attributes(name)
    first = int(rows["first_sample"][0])
    last = int(rows["first_sample"][-1] + rows["count"][-1])
    scale = np.asarray(attributes["scale"], dtype=np.float64)
    samples: NDArray[np.float64] = recording.payload(name, first, last) * scale
    rate_hz = float(attributes["rate_hz"])
    # a block arrives when its last sample has been taken
    begins_s = time_s[0] - (int(rows["count"][0]) - 1) / rate_hz
    units = attributes["units"]
    shown = [k for k, unit in enumerate(units) if unit == units[0]][:4]
    return Track(
        name,
        str(units[0]).replace("uV", "µV"),
        begins_s + np.arange(len(samples)) / rate_hz,
        samples[:, shown],
        [str(attributes["channels"][k]) for k in shown],
    )


def _poses(
    recording: Recording, name: str, time_s: NDArray[np.float64], part: slice
) -> Track:
    keypoints = recording.payload(name, part.start, part.stop)
    parts = [str(part) for part in recording.attributes(name)["bodyparts"]]
    shown = [k for k, p in enumerate(parts) if p in {"nose", "hip", "toe"}]
    shown = shown or list(range(min(3, len(parts))))
    heights = np.where(keypoints[:, shown, 2] > 0.3, keypoints[:, shown, 1], np.nan)
    return Track(name, "y (px)", time_s, heights, [parts[k] for k in shown])


def _texts(column: NDArray[Any]) -> list[str]:
    return [value.decode("ascii", "replace") for value in column]


def _no_lines(time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.zeros((len(time_s), 0))


def _draw_track(axis: Any, track: Track) -> None:
    axis.set_title(track.title, fontsize=9, loc="left", pad=2)
    axis.spines[["top", "right"]].set_visible(False)
    if track.values.shape[1]:
        for k, label in enumerate(track.labels):
            colour = _COLOURS[k % len(_COLOURS)]
            axis.plot(track.time_s, track.values[:, k], lw=0.7, c=colour, label=label)
        axis.set_ylabel(track.unit, fontsize=8)
        axis.legend(loc="upper right", fontsize=7, ncols=4, frameon=False)
        if track.unit == "y (px)":
            axis.invert_yaxis()
        return
    axis.set_yticks([])
    kinds = sorted(set(track.labels))
    for k, kind in enumerate(kinds):
        moments = track.time_s[[label == kind for label in track.labels]]
        colour = _OUTCOME_COLOUR.get(kind, _COLOURS[k % len(_COLOURS)])
        axis.vlines(moments, 0, 1, lw=0.9, colors=colour, label=kind)
    axis.legend(loc="upper right", fontsize=7, ncols=4, frameon=True)
