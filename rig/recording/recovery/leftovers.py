"""What a recording that was cut off leaves beside its rows, and what is kept of it."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import h5py  # pyright: ignore[reportMissingTypeStubs]

from rig.recording import disk
from rig.recording.extents import segment_fault
from rig.recording.hdf5 import read_segment_layout
from rig.recording.layout import (
    RESERVE_FILE,
    SEGMENT_INDEX,
    SESSION_FILE,
    SIDECAR_FILE,
    segments_folder,
)

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from rig.recording.recovery.wreck import StreamWreck

__all__ = [
    "keep_old",
    "keeping_old",
    "kept_name",
    "leftovers",
    "replaced",
    "set_aside",
    "unnamed",
]

_SET_ASIDE = "set-aside"
_h5: Any = h5py


def leftovers(folder: Path) -> list[Path]:
    """Return files that only a running recording needs, the reserve first."""
    place = segments_folder(folder)
    hidden = [folder / f".{name}" for name in (SESSION_FILE, SIDECAR_FILE)]
    found = [place / RESERVE_FILE, *hidden, *sorted(place.glob(".*.h5"))]
    return [path for path in found if path.exists()]


def kept_name(path: Path) -> Path:
    """Return under what name a file is kept that is about to be replaced.

    It is there already if a recovery was cut off.
    """
    kept, number = path.with_stem(f"{path.stem}.before-recovery"), 2
    while kept.exists() and not kept.samefile(path):
        kept = path.with_stem(f"{path.stem}.before-recovery-{number}")
        number += 1
    return kept


def keep_old(path: Path) -> None:
    """Let a file that is about to be replaced, if there is one, have a second name."""
    if not path.exists() or (kept := kept_name(path)).exists():
        return
    try:
        os.link(path, kept)
    except OSError:  # a file system without second names
        shutil.copy2(path, kept)
        disk.sync_file(kept)


@contextmanager
def keeping_old(path: Path) -> Generator[list[str]]:
    """Keep what a file is, should it be replaced meanwhile; that is told afterwards."""
    told: list[str] = []
    if not path.exists():
        yield told
        return
    kept = kept_name(path)
    there, step = kept.exists(), replaced(path)
    keep_old(path)
    try:
        yield told
    finally:
        if not path.exists() or not path.samefile(kept):
            told.append(step)
        elif not there:
            kept.unlink()


def replaced(path: Path) -> str:
    """Say that a file is replaced, and what becomes of the old one if there is one."""
    beside = f"; the old one is kept as {kept_name(path).name}" if path.exists() else ""
    return f"{path.name} written anew{beside}"


def unnamed(folder: Path) -> dict[Path, Path]:
    """Return segments that hold rows and lost their name in a power cut, with it."""
    found = {
        hidden: hidden.with_name(hidden.name[1:])
        for hidden in sorted(segments_folder(folder).glob(".*-*.h5"))
    }
    return {
        hidden: path
        for hidden, path in found.items()
        if not path.exists() and _holds_rows(hidden)
    }


def set_aside(folder: Path, stream: StreamWreck) -> list[str]:
    """Move segments away, from the first damaged one on, and return their names.

    Only for a recorder that is to go on with the stream: it would write into them.
    """
    place = segments_folder(folder)
    names = [name for name in stream.later if (place / name).exists()]
    if names:
        (place / _SET_ASIDE).mkdir(exist_ok=True)
        for name in names:
            (place / name).rename(_free_name(place / _SET_ASIDE / name))
        disk.sync_folder(place / _SET_ASIDE)
        disk.sync_folder(place)
    return names


def _free_name(path: Path) -> Path:
    number = 2
    free = path
    while free.exists():
        free = path.with_name(f"{path.stem}-again-{number}{path.suffix}")
        number += 1
    return free


def _holds_rows(path: Path) -> bool:
    try:
        layout = read_segment_layout(path)
        number = path.stem.rpartition("-")[2]
        if path.name != f".{layout.segment_file(number)}":
            return False
        if segment_fault(path, layout):
            return False
        with _h5.File(path, "r") as file:
            return bool((file[SEGMENT_INDEX]["host_ns"] != 0).any())
    except (OSError, KeyError, ValueError):
        return False
