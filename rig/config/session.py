"""The session file: which animal, today, and for how long."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from rig.config.base import Closed, Positive

__all__ = ["SessionConfig"]


class SessionConfig(Closed):
    """A planned session."""

    format: Literal["springhare-session-plan/1"]
    subject: Annotated[
        str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=40)
    ]
    """The animal; part of the recording's path."""
    experimenter: str = ""
    notes: str = ""
    planned_minutes: Positive = 30
    """Disk space is checked for this long."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Of the simulated world; the task has its own."""
