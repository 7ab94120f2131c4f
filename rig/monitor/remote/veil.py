"""What another machine may see of a session whose shams are blind.

Whoever sits at the rig can map the rings; who looks from elsewhere sees only what is
sent. So the server itself sends nothing that tells a sham from a fire.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.messages import BY_HAND

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rig.supervisor.blinding import Blind

__all__ = ["HIDDEN", "veiled"]

HIDDEN = "hidden"
"""State of an event of which nothing more is told than that it is about fires."""
_ABOUT = "fired"
"""Its detail: `Blind.hides` knows it, so a monitor leaves the event out."""


def veiled(stream: str, rows: NDArray[np.void], blind: Blind) -> NDArray[np.void]:
    """Return rows of a stream without what tells shams from fires.

    Their number stays, and so do their own numbers: a hole would look like a loss.

    Parameters
    ----------
    stream
        Its name.
    rows
        Of that stream; they are left as they are.
    blind
        Knows which figures move with fires only.
    """
    if stream == "decisions":
        return _decisions(rows)
    if stream == "node_events":
        return _events(rows, blind)
    return rows


def _decisions(rows: NDArray[np.void]) -> NDArray[np.void]:
    """Return decisions of which no sham can be told from a fire.

    A pulse by hand is never a sham: who asked for it may be known.
    """
    rows = rows.copy()
    outcome = rows["outcome"]
    either = (outcome == b"fired") | (outcome == b"sham")
    either &= rows["rule"] != BY_HAND.encode()
    outcome[either] = b"fired"
    rows["cause"][either] = b""  # it names the draw
    rows["sham_draw"] = -1
    return rows


def _events(rows: NDArray[np.void], blind: Blind) -> NDArray[np.void]:
    """Return events without the words of those about what moves with fires only."""
    rows = rows.copy()
    for k, detail in enumerate(rows["detail"].tolist()):
        about = detail.decode(errors="replace").replace(" ", "_")
        if blind.hides(about):
            rows["state"][k] = HIDDEN.encode()
            rows["detail"][k] = _ABOUT.encode()
    return rows
