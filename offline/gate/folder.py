"""The folder of a rig's models: files that stay.

It lies beside the rig file: ``models/<rig>/``. A model's file is named after its digest
and never changes, so that an old session's model can always be found again.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rig.errors import BusyError, ConfigError
from rig.recording.disk import lock_folder, replace_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["alone", "models_folder", "placed", "writing"]

_DIGITS = 8


def models_folder(rig_file: Path, rig: str) -> Path:
    """Return where a rig's models lie."""
    return rig_file.resolve().parent / "models" / rig


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Make the folder; say in a word of ours what goes wrong with files in it.

    Raises
    ------
    ConfigError
        If it cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        msg = f"Expected a place for models at {folder}, got {error.strerror}"
        raise ConfigError(msg) from error


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Change a rig's model, and nobody else does meanwhile.

    Raises
    ------
    ConfigError
        If somebody else does, or the folder cannot be made.
    """
    with writing(folder):
        try:
            lock = lock_folder(folder)
        except BusyError as error:
            msg = (
                f"Expected nobody else to change the model in {folder}, got another "
                "springhare promote: try again when it has ended"
            )
            raise ConfigError(msg) from error
    try:
        yield
    finally:
        os.close(lock)


def placed(folder: Path, content: bytes, name: str, sha256: str) -> Path:
    """Put a model's file in its place; the same one again changes nothing.

    Raises
    ------
    ConfigError
        If it cannot be written.
    """
    path = folder / f"{name}-{sha256[:_DIGITS]}.onnx"
    with writing(folder):
        if not path.exists() or path.read_bytes() != content:
            replace_file(path, content)
    return path
