"""Where a command may write: asked before its work, so that nothing is lost by it.

As a type of an option: `OutFile` or `OutFolder`; `may_replace` gives the command the
option ``--force`` beside it. A recording is never written to, with or without it: what
is made of a session goes into its ``derived`` folder, or elsewhere.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rig.errors import SpringhareError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["OutFile", "OutFolder", "may_replace", "require_file", "require_folder"]

_DERIVED = "derived"
_FORCE = "rig.commands.outputs.force"
_F = TypeVar("_F", bound="Callable[..., Any]")


def require_file(path: Path, option: str, *, force: bool = False) -> None:
    """Refuse a place for a file before any work is done for it.

    Parameters
    ----------
    path
        The file that is to be written.
    option
        What the user named it with.
    force
        Whether a file that is there may be replaced.

    Raises
    ------
    SpringhareError
        If the file is a part of a recording, is there already, has no folder or
        cannot be written.
    """
    try:
        _require_no_recording(path, option)
        if path.exists() and not path.is_file():
            return  # /dev/stdout
        if path.exists() and not force:
            msg = (
                f"Expected no file at {path}, got one: name another with {option}, or "
                "replace it with --force"
            )
            raise SpringhareError(msg)
        folder = path.parent
        if not folder.is_dir() and not _is_derived(folder):
            msg = (
                f"Expected a folder at {folder}, got none: make it first, or correct "
                f"{option}"
            )
            raise SpringhareError(msg)
        _require_writable(folder if folder.is_dir() else folder.parent)
        if path.exists() and not os.access(path, os.W_OK):
            raise PermissionError(None, "it is read-only")
    except OSError as error:
        raise _unwritable(path, option, error) from error


def require_folder(path: Path, option: str) -> None:
    """Refuse a folder to write into; one that is not there yet is left to be made.

    A new one may be made within a folder that is there, but for the root: a path that
    was mistyped makes nothing.

    Raises
    ------
    SpringhareError
        If the folder is a part of a recording, or cannot be made or written to.
    """
    try:
        _require_no_recording(path, option)
        parent = path.resolve().parent
        if not path.exists() and (not parent.is_dir() or parent == parent.parent):
            msg = (
                f"Expected a folder at {path}, got none: make it first, or correct "
                f"{option}"
            )
            raise SpringhareError(msg)
        _require_writable(path if path.exists() else parent)
    except OSError as error:
        raise _unwritable(path, option, error) from error


class OutFile(click.Path):
    """An option's type: a file to write."""

    def __init__(self) -> None:
        super().__init__(dir_okay=False, path_type=Path)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        """Return the path, if it can be written."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        force = ctx is not None and bool(ctx.meta.get(_FORCE))
        require_file(path, _named(param), force=force)
        return path


class OutFolder(click.Path):
    """An option's type: a folder to write into, which may have to be made."""

    def __init__(self) -> None:
        super().__init__(file_okay=False, path_type=Path)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        """Return the path, if it can be written to."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        require_folder(path, _named(param))
        return path


def may_replace(command: _F) -> _F:
    """Give a command ``--force``, which its options of type `OutFile` go by."""

    def keep(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
        ctx.meta[_FORCE] = value

    return click.option(
        "--force",
        is_flag=True,
        is_eager=True,  # known before the options that go by it
        expose_value=False,
        callback=keep,
        help="Replace a file that is there.",
    )(command)


def _named(param: click.Parameter | None) -> str:
    """Return an option as the user writes it; an argument as it is told in help."""
    name = "--out" if param is None else param.opts[0]
    return name if name.startswith("-") else name.upper()


def _require_no_recording(path: Path, option: str) -> None:
    """Refuse what lies in a session's folder, but for its ``derived``."""
    place = path.resolve()
    for folder in (place, *place.parents):
        if not _is_session(folder):
            continue
        if place.relative_to(folder).parts[:1] != (_DERIVED,):
            msg = (
                f"Expected a place outside the recording {folder}, got {path}: name "
                f"one in {folder / _DERIVED} or elsewhere with {option}"
            )
            raise SpringhareError(msg)


def _is_session(folder: Path) -> bool:
    from rig.recording.layout import SESSION_FILE, SIDECAR_FILE, segments_folder

    if (folder / SESSION_FILE).is_file():
        return True
    return (folder / SIDECAR_FILE).is_file() and segments_folder(folder).is_dir()


def _is_derived(folder: Path) -> bool:
    """Return whether it is a session's folder that may have to be made first."""
    return folder.name == _DERIVED and _is_session(folder.parent)


def _require_writable(folder: Path) -> None:
    with tempfile.TemporaryFile(dir=folder):
        pass


def _unwritable(path: Path, option: str, error: OSError) -> SpringhareError:
    return SpringhareError(
        f"Expected a place that can be written to, got {path} "
        f"({error.strerror}): name another with {option}"
    )
