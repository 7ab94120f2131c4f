"""What a recording that was cut off leaves beside its rows, and what is kept of it."""

from __future__ import annotations

import os
import shutil
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
    from collections.abc import Iterator
    from pathlib import Path

    from rig.recording.recovery.wreck import StreamWreck

__all__ = ["adopt_hidden", "keep_old", "leftovers", "set_aside"]

_SET_ASIDE = "set-aside"
_h5: Any = h5py


def leftovers(folder: Path) -> list[Path]:
    """Return files that only a running recording needs, the reserve first."""
    place = segments_folder(folder)
    hidden = [folder / f".{name}" for name in (SESSION_FILE, SIDECAR_FILE)]
    found = [place / RESERVE_FILE, *hidden, *sorted(place.glob(".*.h5"))]
    return [path for path in found if path.exists()]


def keep_old(path: Path) -> str:
    """Let a file that is about to be replaced have a second name; return that.

    A recovery that was cut off has given it one already.
    """
    stem, suffix = f"{path.stem}.before-recovery", path.suffix
    number = 1
    while (
        kept := path.with_name(f"{stem}{f'-{number}' if number > 1 else ''}{suffix}")
    ).exists():
        if kept.samefile(path):
            return kept.name
        number += 1
    try:
        os.link(path, kept)
    except OSError:  # a file system without second names
        shutil.copy2(path, kept)
        disk.sync_file(kept)
    return kept.name


def adopt_hidden(folder: Path) -> Iterator[str]:
    """Name segments that hold rows and lost their name in a power cut.

    Yields
    ------
    str
        The name that one has now.
    """
    place = segments_folder(folder)
    for hidden in sorted(place.glob(".*-*.h5")):
        path = hidden.with_name(hidden.name[1:])
        if not path.exists() and _holds_rows(hidden):
            hidden.rename(path)
            disk.sync_folder(place)
            yield path.name


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
