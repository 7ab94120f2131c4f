"""What is to be done for each source, and what is done already. Nothing is written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec
import xxhash

from offline.reanalysis.poses_file import poses_folder, read_info, sidecar_path
from rig.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from offline.reanalysis.poses_file import PosesInfo
    from offline.reanalysis.sources import Source

__all__ = [
    "BLOCK_FRAMES",
    "Job",
    "blocks_of",
    "file_name",
    "fingerprint_of",
    "place_of",
    "plan",
    "scorer_of",
]

BLOCK_FRAMES = 32
"""At least; what a kill costs, and a turn of a worker."""
_UNFIT = re.compile(r"[^\w.+-]+")
_ASKED = ("model_sha256", "engine", "resize", "source_xxh3")
"""What makes two analyses the same one."""
_WORK = ("provider", "batch", "springhare", "versions", "frames", "colour")
"""What finished blocks must have in common besides."""


@dataclass(frozen=True, slots=True)
class Job:
    """One source, and the file that its poses go into."""

    source: Source
    path: Path
    """The ``.h5`` file."""
    info: PosesInfo
    """What its sidecar is to say."""
    state: Literal["to do", "up to date"]

    @property
    def work(self) -> Path:
        """The folder of finished blocks."""
        return self.path.with_name(f".work-{self.path.stem}")

    @property
    def video(self) -> Path:
        """The film with keypoints in it."""
        return self.path.with_name(f"{self.path.stem}_labeled.mp4")


def file_name(name: str) -> str:
    """Return a name as a file may have it.

    Examples
    --------
    >>> file_name("mouse/side view")
    'mouse_side_view'
    """
    return _UNFIT.sub("_", name).lstrip(".") or "_"


def scorer_of(model: str) -> str:
    """Return as whom DeepLabCut knows a model: ends the names of its files."""
    return f"DLC_{file_name(model)}"


def place_of(source: Source, model: str, out: Path | None) -> Path:
    """Return the file for a source's poses.

    A session's are in its ``derived/poses/<camera>``, a video's beside it; with `out`
    all are there.

    Parameters
    ----------
    model
        The model's name.
    """
    if source.camera is None:
        folder, stem = out or source.path.parent, source.path.stem
    else:
        if out is None:
            folder = poses_folder(source.path, source.camera)
            return folder / f"{file_name(model)}.h5"
        folder, stem = out, f"{source.session_id}_{source.camera.replace('/', '+')}"
    return folder / f"{stem}{scorer_of(model)}.h5"


def fingerprint_of(info: PosesInfo) -> bytes:
    """Return what tells blocks that can be put together from all others."""
    said = {name: getattr(info, name) for name in (*_ASKED, *_WORK)}
    return xxhash.xxh3_128(msgspec.json.encode(said, order="sorted")).digest()


def blocks_of(frames: int, batch: int) -> Iterator[tuple[int, int]]:
    """Yield first and end of each block of frames; batches are never cut by them.

    So the same frames always go through the network together, however often the work
    is cut off.

    Examples
    --------
    >>> list(blocks_of(70, 1))
    [(0, 32), (32, 64), (64, 70)]
    >>> list(blocks_of(70, 20))
    [(0, 40), (40, 70)]
    """
    step = -(-BLOCK_FRAMES // batch) * batch
    for start in range(0, frames, step):
        yield start, min(start + step, frames)


def plan(
    wanted: Sequence[tuple[Source, PosesInfo]], out: Path | None, *, force: bool
) -> list[Job]:
    """Return what is to be done for each source.

    Parameters
    ----------
    wanted
        Sources, and what the sidecars of their poses are to say.
    force
        Whether poses that are there are made anew.

    Raises
    ------
    SessionError
        If two sources would go into one file, or other poses lie where these would;
        all faults together.
    """
    jobs: list[Job] = []
    faults: list[str] = []
    taken: dict[Path, Source] = {}
    for source, info in wanted:
        path = place_of(source, info.model, out)
        twin = taken.setdefault(path.resolve(), source)
        if twin is not source:
            faults.append(
                f"Expected a file of its own for each source, got {path} for both "
                f"{twin.path} and {source.path}: analyse them one after the other, "
                "with another --out"
            )
            continue
        try:
            done = not force and _is_done(path, info)
        except SessionError as error:
            faults.append(str(error))
            continue
        jobs.append(Job(source, path, info, "up to date" if done else "to do"))
    if faults:
        raise SessionError("\n".join(faults))
    return jobs


def _is_done(path: Path, wanted: PosesInfo) -> bool:
    """Tell whether these poses are there; refuse others in their place."""
    if not path.exists():
        return False
    there = read_info(path)
    if there is None:
        msg = (
            f"Expected no poses of unknown origin, got {path} without "
            f"{sidecar_path(path).name}: move it away, or replace it with --force"
        )
        raise SessionError(msg)
    other = [
        f"{name} {getattr(there, name)} (now {getattr(wanted, name)})"
        for name in _ASKED
        if getattr(there, name) != getattr(wanted, name)
    ]
    if other:
        msg = (
            f"Expected the same analysis in {path}, got one with {', '.join(other)}: "
            "move it away, or replace it with --force"
        )
        raise SessionError(msg)
    return True
