"""Names to code, by entry point: nodes, their twins and commands.

An entry point is found without importing what it names; only what is asked for
is loaded. A laboratory's own device is one more entry point in its own package.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from rig.errors import StreamError

__all__ = ["load", "module_of"]


def load(group: str, name: str) -> Any:
    """Return what an entry point names.

    Raises
    ------
    StreamError
        If there is none of that name; the message has those there are.
    """
    return _find(group, name).load()


def module_of(group: str, name: str) -> str:
    """Return the module that an entry point names, without importing it.

    Raises
    ------
    StreamError
        If there is none of that name; the message has those there are.
    """
    return _find(group, name).module


def _find(group: str, name: str) -> EntryPoint:
    found = entry_points(group=group)
    if name not in found.names:
        known = ", ".join(sorted(found.names)) or "nothing installed"
        msg = f"Expected one of {known} in {group}, got {name!r}"
        raise StreamError(msg)
    return found[name]
