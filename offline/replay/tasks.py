"""Which task: a task file, or the one that a session was recorded with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from rig.config.faults import faults_of
from rig.config.loading import load_task
from rig.config.task import TaskConfig
from rig.errors import SessionError
from rig.recording.layout import SESSION_FILE
from rig.recording.reader import Recording

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["is_session", "task_of"]


def is_session(path: Path) -> bool:
    """Tell whether a path is meant as a session: its folder, or its session file."""
    return path.is_dir() or path.name == SESSION_FILE


def task_of(path: Path) -> TaskConfig:
    """Return the task of a task file, or of a session.

    Raises
    ------
    ConfigError
        If the file is no task.
    SessionError
        If there is no session, or this version does not understand its task.
    """
    if not is_session(path):
        return load_task(path)
    with Recording.open(path) as recording:
        plain = recording.info.configs.task
    try:
        return TaskConfig.model_validate(plain)
    except ValidationError as error:
        told = "\n".join(map(str, faults_of(error, TaskConfig, plain)))
        msg = f"Expected a task in {path} that this version understands:\n{told}"
        raise SessionError(msg) from error
