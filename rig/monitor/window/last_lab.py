"""The lab that was used last, kept for the next time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSettings

from rig.errors import ConfigError
from rig.monitor.control.lab import find_lab

if TYPE_CHECKING:
    from rig.monitor.control.lab import Lab

__all__ = ["last_lab", "remember_lab"]

_SETTING = "start/lab"


def last_lab(named: Path | None = None) -> Lab:
    """Return the lab that was named, the working folder's, or the last one.

    Where there is none of them, it is the packaged examples.

    Raises
    ------
    ConfigError
        If there is none in the folder that was named.
    """
    found = find_lab(named)
    last = QSettings("springhare", "monitor").value(_SETTING)
    if named is not None or not found.read_only or not last:
        return found
    try:
        return find_lab(Path(str(last)))
    except ConfigError:  # it was moved away
        return found


def remember_lab(lab: Lab) -> None:
    """Keep a lab for the next time; the examples are found anyway."""
    if not lab.read_only:
        QSettings("springhare", "monitor").setValue(_SETTING, str(lab.folder))
