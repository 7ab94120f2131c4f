"""The version of the contract, and its refusal."""

from __future__ import annotations

from rig.errors import VersionError

__all__ = ["CONTRACT_VERSION", "require_version"]

CONTRACT_VERSION = 1
"""Version of every record and message; a node of another version is refused."""


def require_version(what: str, version: int) -> None:
    """Refuse what follows another version of the contract.

    Raises
    ------
    VersionError
        Naming both versions.
    """
    if version != CONTRACT_VERSION:
        msg = (
            f"Expected {what} to follow contract version {CONTRACT_VERSION}, got "
            f"{version}: install the same version of springhare in every interpreter "
            "of the rig"
        )
        raise VersionError(msg)
