"""What somebody has labelled by hand: events in time, or body parts in frames.

Events are a CSV file with a header: ``event`` and one of ``time_s`` (since the
session's start), ``frame`` (number of the recorded frame, from 0; ``camera`` beside it
where there are several) and ``host_ns``. Body parts are a table as DeepLabCut keeps
it (``CollectedData_*.csv``): the numbers in the names of its pictures are the frames'.
"""

from __future__ import annotations

import csv
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from rig.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from offline.replay import RecordedSession
    from rig.recording.reader import Recording

__all__ = ["Labels", "read_labels"]

_TIMES = ("time_s", "frame", "host_ns")
_HEADER = 3
"""Rows of DeepLabCut's header: scorer, bodyparts, coords."""


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """What a file says of a session."""

    events: Mapping[str, NDArray[np.int64]]
    """Host times by name of the event, in order."""
    bodyparts: tuple[str, ...] = ()
    frames_ns: NDArray[np.int64] | None = None
    """(n,) exposures of the labelled frames; None of a file with events."""
    keypoints: NDArray[np.float64] | None = None
    """(n, bodyparts, 2) px; NaN where one was not labelled."""
    camera: str = ""
    """Of the labelled frames."""
    remark: str = ""
    """What to say of events that are not judged."""


def read_labels(
    path: Path, recording: Recording, session: RecordedSession, cameras: Sequence[str]
) -> Labels:
    """Read a file of labels.

    Parameters
    ----------
    path
        The file.
    recording, session
        What it is about.
    cameras
        Of the task: the first one's frames are meant where the file does not say.

    Raises
    ------
    SessionError
        If it is not such a file, or speaks of frames that there are not; each with
        its line. If nothing in it lies within the recording.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"Expected labels in {path}, got a file that cannot be read: {error}"
        raise SessionError(msg) from error
    rows = list(csv.reader(text.splitlines()))
    frames = _Frames(path, recording, session, cameras)
    if rows and rows[0] and rows[0][0] == "scorer":
        return _body_parts(rows, frames)
    events = _events(rows, frames)
    return Labels(events, remark=_outside(events, frames))


@dataclass(slots=True)
class _Frames:
    """When the frames of a session were exposed."""

    path: Path
    recording: Recording
    session: RecordedSession
    cameras: Sequence[str]

    _known: dict[str, NDArray[np.int64]] = field(default_factory=dict)

    def exposure_ns(self, text: str, camera: str, line: int) -> int:
        """Return the exposure of a frame; raise where there is none."""
        stream = f"cameras/{camera}"
        if stream not in self.recording.streams:
            known = ", ".join(
                name.removeprefix("cameras/")
                for name, spec in self.recording.streams.items()
                if spec.kind == "frames"
            )
            raise self.wrong(line, f"a camera ({known})", camera)
        if camera not in self._known:
            rows = self.recording.rows(stream)
            self._known[camera] = rows["exposure_ns"].astype(np.int64)
        times = self._known[camera]
        if not text.isdigit() or int(text) >= len(times):
            raise self.wrong(line, f"a frame from 0 to {len(times) - 1}", text)
        return int(times[int(text)])

    def wrong(self, line: int, wanted: str, got: object) -> SessionError:
        """Return the error of a line."""
        return SessionError(f"{self.path}:{line}: expected {wanted}, got {got!r}")


def _events(
    rows: Sequence[Sequence[str]], frames: _Frames
) -> dict[str, NDArray[np.int64]]:
    header = [name.strip() for name in rows[0]] if rows else []
    given = [name for name in _TIMES if name in header]
    if "event" not in header or len(given) != 1:
        wanted = f"columns event and one of {', '.join(_TIMES)}"
        raise frames.wrong(1, wanted, ",".join(header))
    _require_rows(rows[1:], frames.path, "event")
    found: dict[str, list[int]] = {}
    for line, row in enumerate(rows[1:], 2):
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if len(cells) != len(header):
            raise frames.wrong(line, f"{len(header)} values", ",".join(row))
        values = dict(zip(header, cells, strict=True))
        at_ns = _moment(values, given[0], line, frames)
        found.setdefault(values["event"], []).append(at_ns)
    return {name: np.sort(np.array(at, np.int64)) for name, at in found.items()}


def _require_rows(rows: Sequence[Sequence[str]], path: Path, noun: str) -> None:
    if not any(any(cell.strip() for cell in row) for row in rows):
        msg = f"Expected a line for each {noun} in {path}, got none after the header"
        raise SessionError(msg)


def _outside(events: Mapping[str, NDArray[np.int64]], frames: _Frames) -> str:
    """Return what to say of events outside the recording; refuse where all are."""
    span, start_ns = frames.session.span_ns(), frames.session.started_ns
    if span is None:
        return ""
    times = np.concatenate(list(events.values()))
    count = int(((times < span[0]) | (times > span[1])).sum())
    first_s, last_s = ((at_ns - start_ns) / 1e9 for at_ns in span)
    where = f"{first_s:.3f} to {last_s:.3f} s after the session's start"
    if count == len(times):
        ends = sorted({int(times.min()), int(times.max())})
        got = " to ".join(f"{(at_ns - start_ns) / 1e9:.6g}" for at_ns in ends)
        msg = (
            f"Expected events within the recording ({where}) in {frames.path}, got "
            f"{got} s: time_s is in seconds, host_ns in "
            "nanoseconds of the host's clock"
        )
        raise SessionError(msg)
    if not count:
        return ""
    return (
        f"{count} of {len(times)} labelled events not judged: outside the recording "
        f"({where})"
    )


def _moment(values: Mapping[str, str], by: str, line: int, frames: _Frames) -> int:
    text = values[by]
    if by == "frame":
        camera = values.get("camera") or frames.cameras[0]
        return frames.exposure_ns(text, camera, line)
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise frames.wrong(line, f"a number for {by}", text)
    if by == "host_ns":
        return int(text) if text.isdigit() else round(number)
    return frames.session.started_ns + round(number * 1e9)


def _body_parts(rows: Sequence[Sequence[str]], frames: _Frames) -> Labels:
    """Read a table of DeepLabCut: a row for each picture, two columns a body part."""
    firsts = [row[0] for row in rows[:_HEADER] if row]
    if firsts != ["scorer", "bodyparts", "coords"]:
        raise frames.wrong(1, "DeepLabCut's header of three rows", firsts)
    # the folder and the name of the picture may stand in columns of their own
    before = next((k for k, cell in enumerate(rows[2][1:], 1) if cell), len(rows[2]))
    parts, coords = rows[1][before:], rows[2][before:]
    names = tuple(parts[::2])
    if list(parts[1::2]) != list(names) or coords != ["x", "y"] * len(names):
        raise frames.wrong(3, "columns x and y of each body part", ",".join(coords))
    _require_rows(rows[_HEADER:], frames.path, "picture")
    camera = frames.cameras[0]
    times, points = list[int](), list[list[float]]()
    for line, row in enumerate(rows[_HEADER:], _HEADER + 1):
        if not row:
            continue
        numbers = re.findall(r"\d+", row[before - 1].rpartition("/")[2])
        if not numbers:
            raise frames.wrong(line, "a picture with the frame's number", row[0])
        times.append(frames.exposure_ns(str(int(numbers[-1])), camera, line))
        try:
            points.append([float(cell) if cell else math.nan for cell in row[before:]])
        except ValueError as error:
            raise frames.wrong(line, "numbers", str(error)) from error
    shaped = np.array(points, np.float64).reshape(len(points), len(names), 2)
    return Labels({}, names, np.array(times, np.int64), shaped, camera)
