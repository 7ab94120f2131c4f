"""A session on another machine: looked at, never touched.

`link` is what a monitor holds; a thread (`courier`) fetches what it wants, so that
nothing waits. `clock` puts the other machine's time beside ours. On the rig `springhare
serve` tells how the session stands (`keeper`, `standing`), and keeps back what tells
shams from fires (`veil`).
"""

from __future__ import annotations

from rig.monitor.remote.link import RemoteLink

__all__ = ["RemoteLink"]
