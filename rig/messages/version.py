"""The version of the contract, and its refusal."""

from __future__ import annotations

from rig.errors import VersionError

__all__ = ["CONTRACT_VERSION", "require_readable", "require_version"]

CONTRACT_VERSION = 3
"""Version of every record and message; a node of another version is refused.

2: a clock's rows have its segment, the skew's error, and the last exchange as it was.
3: a pose's rows have the part of the picture that was looked at; text is UTF-8.
"""
_OLDEST = 1
"""Rows of streams that were recorded since then can be read."""


def require_version(what: str, version: int) -> None:
    """Refuse what follows another version of the contract.

    Raises
    ------
    VersionError
        Naming both versions.
    """
    if version != CONTRACT_VERSION:
        raise VersionError(_other(what, version))


def require_readable(what: str, version: int) -> None:
    """Refuse a stream whose rows this version cannot read.

    Raises
    ------
    VersionError
        Naming both versions.
    """
    if not _OLDEST <= version <= CONTRACT_VERSION:
        raise VersionError(_other(what, version))


def _other(what: str, version: int) -> str:
    return (
        f"Expected {what} to follow contract version {CONTRACT_VERSION}, got "
        f"{version}: install the same version of springhare in every interpreter "
        "of the rig"
    )
