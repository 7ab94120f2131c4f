"""napari with its plugin napari-deeplabcut: a program of its own, found and started.

It may be installed in another environment than springhare: it is started, never
imported.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from offline.dataset.project import CONFIG_FILE, LABELED_DATA
from offline.dataset.tables import read_table, table_path
from rig.commands.window import has_display
from rig.errors import LabelError

if TYPE_CHECKING:
    from offline.dataset.project import Project

__all__ = ["NAPARI", "find_napari", "require_plugin", "start", "words_for"]

NAPARI = "napari"
_PLUGIN = "napari-deeplabcut"
_INSTALL = (
    f"pip install {_PLUGIN}, here or in an environment of its own whose napari is on "
    "PATH"
)
_ANSWER_S = 120
_KILLED = 128
"""A shell adds it to the number of the signal that ended a program."""


def find_napari() -> str:
    """Return the program: the one on PATH, or the one beside this Python.

    Raises
    ------
    LabelError
        If there is none.
    """
    beside = str(Path(sys.executable).parent)
    found = shutil.which(NAPARI) or shutil.which(NAPARI, path=beside)
    if found is None:
        msg = f"Expected napari with {_PLUGIN}, got no program napari: {_INSTALL}"
        raise LabelError(msg)
    return found


def require_plugin(napari: str) -> None:
    """Make sure that napari can open a project here.

    Raises
    ------
    LabelError
        If it lacks the plugin, cannot be started, or has no display.
    """
    if not (has_display() or os.environ.get("QT_QPA_PLATFORM")):
        msg = (
            "Expected a display for napari, got none (DISPLAY and WAYLAND_DISPLAY are "
            "not set): sit at the machine, or use ssh -X"
        )
        raise LabelError(msg)
    try:
        asked = subprocess.run(
            [napari, "--plugin-info"],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_ANSWER_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        msg = f"Expected {napari} to tell its plugins, got {error}: {_INSTALL}"
        raise LabelError(msg) from error
    if asked.returncode:
        last = (asked.stderr.strip() or asked.stdout.strip()).splitlines()[-1:]
        msg = (
            f"Expected {napari} to tell its plugins, got exit status "
            f"{asked.returncode} ({''.join(last)}): mend napari, or {_INSTALL}"
        )
        raise LabelError(msg)
    if _PLUGIN not in asked.stdout:
        msg = f"Expected {_PLUGIN} in {napari}, got a napari without it: {_INSTALL}"
        raise LabelError(msg)


def words_for(project: Project, name: str) -> list[str]:
    """Return what napari is told, to open a folder of pictures.

    Body parts come from the folder's own table; those that it lacks from the
    project's settings, as napari-deeplabcut wants it.

    Raises
    ------
    LabelError
        If its labels are only in a CSV file, which napari-deeplabcut does not read and
        would write over.
    """
    root = project.folder.resolve()
    place = root / LABELED_DATA / name
    table = table_path(place, project.scorer)
    if table is not None and table.suffix != ".h5":
        msg = (
            f"Expected labels of {name} as {table.with_suffix('.h5').name}, got only "
            f"{table.name}, which {_PLUGIN} does not read: "
            f"deeplabcut.convertcsv2h5({str(root / CONFIG_FILE)!r}) makes it"
        )
        raise LabelError(msg)
    words = ["--plugin", _PLUGIN, str(place)]
    known = () if table is None else read_table(table).bodyparts
    if set(project.bodyparts) - set(known):
        words.append(str(root / CONFIG_FILE))
    return words


def start(command: list[str], folder: Path) -> int:
    """Run napari until it is closed; return its exit status.

    Raises
    ------
    LabelError
        If it cannot be started.
    """
    try:
        status = subprocess.run(command, cwd=folder, check=False).returncode
    except OSError as error:
        msg = f"Expected to start {command[0]}, got {error.strerror}: {_INSTALL}"
        raise LabelError(msg) from error
    return _KILLED - status if status < 0 else status
