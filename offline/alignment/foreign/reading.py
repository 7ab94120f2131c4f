"""Files of other people's, by their kind: each becomes trains."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from hashlib import file_digest
from typing import TYPE_CHECKING

from offline.alignment.foreign.arrays import read_arrays
from offline.alignment.foreign.harp_log import read_harp
from offline.alignment.foreign.tables import read_table
from offline.alignment.foreign.xdf import read_xdf
from rig.errors import SessionError
from rig.recording.layout import SESSION_FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from offline.alignment.foreign.train import Options, Train

    _Reader = Callable[[Path, str, str, Options], list[Train]]

__all__ = ["is_foreign", "read_files"]

_READERS: dict[str, _Reader] = {
    ".csv": read_table,
    ".tsv": read_table,
    ".txt": read_table,
    ".npy": read_arrays,
    ".npz": read_arrays,
    ".xdf": read_xdf,
    ".xdfz": read_xdf,
    ".xdf.gz": read_xdf,
    ".bin": read_harp,
}


def is_foreign(paths: Sequence[Path]) -> bool:
    """Tell whether these are files of other people's, and not Springhare's sessions.

    Any file that is no session counts: `align_files` says what it can read.
    """
    return bool(paths) and not any(
        path.is_dir() or path.name == SESSION_FILE for path in paths
    )


def read_files(paths: Sequence[Path], options: Options) -> tuple[Train, ...]:
    """Read the trains of files, in their order.

    Raises
    ------
    SessionError
        If a file cannot be read, is given twice, or holds no times; if a column that
        was asked for is in none of them.
    """
    labels = _labels(paths)
    trains: list[Train] = []
    origins: list[str] = []
    for path, label in zip(paths, labels, strict=True):
        read = _READERS[_suffix(path)]
        with path.open("rb") as file:
            sha256 = file_digest(file, "sha256").hexdigest()
        same = [other for other in paths if other.name == path.name]
        shown = path.name if len(same) == 1 else str(path)
        found = [replace(t, file=shown) for t in read(path, label, sha256, options)]
        # the registers of a device stand in one folder
        origin = str(path.resolve().parent) if read is read_harp else shown
        trains += found
        origins += [origin] * len(found)
    _require_found(trains, options)
    names = Counter(train.name for train in trains)
    if any(count > 1 for count in names.values()):
        trains = _told_apart(trains, names)
    return tuple(_of_own_clocks(trains, origins))


def _of_own_clocks(trains: list[Train], origins: list[str]) -> list[Train]:
    """Give each clock a name of its own: what is only called alike is not one."""
    taken: dict[str, str] = {}
    found: list[Train] = []
    for train, origin in zip(trains, origins, strict=True):
        number, clock = 2, train.clock
        while taken.setdefault(clock, origin) != origin:
            number, clock = number + 1, f"{train.clock} {number}"
        found.append(replace(train, clock=clock))
    return found


def _require_found(trains: Sequence[Train], options: Options) -> None:
    """Raise if a column that was asked for by its name is in none of the files."""
    there = {train.column.strip().casefold() for train in trains}
    for column in options.columns:
        asked = column.strip().casefold()
        if asked.isdecimal() or asked in there or asked.rpartition(".")[2] in there:
            continue
        named = ", ".join(dict.fromkeys(train.column for train in trains)) or "none"
        msg = (
            f"Expected a column {column!r} in what was read, got none that is called "
            f"so: choose among {named}"
        )
        raise SessionError(msg)


def _told_apart(trains: list[Train], names: Counter[str]) -> list[Train]:
    """Give trains of one name that of their file besides, and a number if need be."""
    found: list[Train] = []
    taken: set[str] = set()
    for train in trains:
        name = train.name
        if names[name] > 1:
            name = f"{train.file.rsplit('.', 1)[0]}.{name}"
        number = 2
        while name in taken:
            name, number = f"{name} {number}", number + 1
        taken.add(name)
        clock = name if train.clock == train.name else train.clock
        found.append(replace(train, name=name, clock=clock))
    return found


def _suffix(path: Path) -> str:
    two = "".join(path.suffixes[-2:]).lower()
    return two if two in _READERS else path.suffix.lower()


def _labels(paths: Sequence[Path]) -> list[str]:
    """Return what to call each file: its stem, or more where that is another's too.

    Raises
    ------
    SessionError
        If one is missing, of a kind that cannot be read, or given twice.
    """
    for path in paths:
        _require_readable(path)
    real = [path.resolve() for path in paths]
    for path in paths:
        if real.count(path.resolve()) > 1:
            msg = f"Expected each file once, got {path} twice: name each file once"
            raise SessionError(msg)
    for how in (_stem, _name, _name_and_folder):
        labels = [how(path) for path in paths]
        if len(set(labels)) == len(labels):
            return labels
    return [f"{number} {_name(path)}" for number, path in enumerate(paths, 1)]


def _stem(path: Path) -> str:
    return path.name[: -len(_suffix(path))] or path.name


def _name(path: Path) -> str:
    return path.name


def _name_and_folder(path: Path) -> str:
    return f"{path.resolve().parent.name}.{path.name}"


def _require_readable(path: Path) -> None:
    if not path.is_file():
        what = "a folder" if path.is_dir() else "nothing"
        msg = f"Expected a file with times, got {what} at {path}: name the file itself"
        raise SessionError(msg)
    if _suffix(path) not in _READERS:
        msg = (
            f"Expected a file of {', '.join(_READERS)}, got {path.name}: write its "
            "times into a CSV file with the unit in the head, such as time_s"
        )
        raise SessionError(msg)
    if not path.stat().st_size:
        msg = f"Expected times in {path.name}, got an empty file: choose another one"
        raise SessionError(msg)
