"""Events of one line, or one edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rig.errors import SessionError
from rig.messages.records import EDGE_FALLING, EDGE_RISING

if TYPE_CHECKING:
    from offline.session.data import StreamData

__all__ = ["EDGES", "only"]

EDGES = {"rising": EDGE_RISING, "falling": EDGE_FALLING}


def only(data: StreamData, line: str | None, edge: str | None) -> StreamData:
    """Return the events of a line and an edge; None for all.

    Raises
    ------
    SessionError
        If the device has no such line, or it is no edge.
    """
    wanted = np.ones(len(data), np.bool_)
    if line is not None:
        lines = data.info.attributes.get("lines")
        if lines is not None:
            _require(f"a line of {data.name}", line, lines)
        wanted &= data.values["line"] == line.encode("ascii", "replace")
    if edge is not None:
        _require("an edge", edge, list(EDGES))
        wanted &= data.values["edge"] == EDGES[edge]
    return data.only(wanted)


def _require(what: str, found: str, known: list[str]) -> None:
    if found not in known:
        msg = f"Expected {what}, got {found!r}; there are: {', '.join(known)}"
        raise SessionError(msg)
