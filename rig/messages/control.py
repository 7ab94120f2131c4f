"""Messages: what travels between the supervisor, its nodes and clients.

They are not recorded. Closed and versioned: another version is refused.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from rig.messages.version import CONTRACT_VERSION, require_version

__all__ = [
    "NODE_STATES",
    "Heartbeat",
    "Hello",
    "Message",
    "NodeState",
    "Reply",
    "Request",
    "StreamStatus",
]

NodeState = Literal[
    "starting", "open", "ready", "running", "stopping", "stopped", "failed"
]
NODE_STATES: tuple[NodeState, ...] = (
    "starting",
    "open",
    "ready",
    "running",
    "stopping",
    "stopped",
    "failed",
)


class _Message(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag=True
):
    version: int = CONTRACT_VERSION

    def __post_init__(self) -> None:
        """Refuse another version of the contract."""
        require_version(f"a {type(self).__name__.lower()}", self.version)


class Hello(_Message, frozen=True, kw_only=True):
    """A node's first word to the supervisor."""

    node: str
    pid: int


class StreamStatus(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """How a node stands with one stream that it reads."""

    taken: int = 0
    """Elements that were read."""
    skipped: int = 0
    """Elements passed over by policy (newest wins)."""
    lost: int = 0
    """Elements overwritten before they could be read."""


class Heartbeat(_Message, frozen=True, kw_only=True):
    """A node says that it lives, twice a second."""

    node: str
    state: NodeState
    host_ns: int
    reads: dict[str, StreamStatus] = {}
    """By name of the stream."""
    metrics: dict[str, float] = {}
    """Free figures with units in their names, e.g. ``pose_p50_ms``."""
    detail: str = ""
    """Why the node failed; empty while it has not."""


class Request(_Message, frozen=True, kw_only=True):
    """Something that a node (or the supervisor) is asked to do; always answered."""

    request_id: int
    name: str
    arguments: dict[str, Any] = {}


class Reply(_Message, frozen=True, kw_only=True):
    """The answer to a request."""

    request_id: int
    node: str
    ok: bool
    result: dict[str, Any] = {}
    error: str = ""


Message = Hello | Heartbeat | Request | Reply
"""All that travels on a control socket."""
