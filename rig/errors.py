"""The error tree: what a user can mend, said in words.

A message gives what was expected, what came, and what to do. The command line
prints it without a traceback and ends with a non-zero status; anything that is
not a `SpringhareError` is a bug and keeps its traceback.
"""

from __future__ import annotations

__all__ = [
    "BusyError",
    "ConfigError",
    "DeviceError",
    "LabelError",
    "ModelError",
    "PreflightError",
    "SessionError",
    "SpringhareError",
    "StreamError",
    "VersionError",
]


class SpringhareError(Exception):
    """Something that the user of the rig can understand and mend."""


class ConfigError(SpringhareError):
    """A rig, task or session file is not what it must be; lists every fault."""


class DeviceError(SpringhareError):
    """A device is missing, busy, or answers what it must not."""


class LabelError(SpringhareError):
    """A project of labelled frames is not what it must be."""


class ModelError(SpringhareError):
    """A pose model cannot be loaded or does not fit the rig."""


class StreamError(SpringhareError):
    """A stream is missing, or a message on the bus is not what it must be."""


class SessionError(SpringhareError):
    """A recording cannot be made, opened or closed."""


class VersionError(SpringhareError):
    """Two parts were written for different versions of a format."""


class PreflightError(SpringhareError):
    """The rig is not ready to record; lists every reason."""


class BusyError(SpringhareError):
    """Something that only one session may hold is held by another."""
