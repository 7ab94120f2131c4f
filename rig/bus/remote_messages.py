"""What a reader on another machine and the server say to each other.

A request carries the reader's cursor, so the server remembers nothing of its
readers: one that is slow, dies or starts again harms nobody, and a request that
was lost is simply made again.
"""

from __future__ import annotations

from typing import Literal, TypeVar

import msgspec

from rig.errors import StreamError
from rig.messages import CONTRACT_VERSION, StreamSpec, require_version

__all__ = ["About", "Policy", "StreamReply", "StreamRequest", "decode", "encode"]

Policy = Literal["every", "newest"]
About = Literal["", "streams", "session", "status"]


class StreamRequest(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """A reader asks for what comes after its cursor."""

    version: int = CONTRACT_VERSION
    request_id: int
    """Given back in the answer; a newer request takes the place of an older one."""
    stream: str
    """Name of the stream; empty to ask for the names of all, or `about` something."""
    about: About = ""
    """With no stream: all streams as they describe themselves, what the session is,
    or how it stands."""
    session: str = ""
    """The session that the cursor belongs to; empty before it is known."""
    cursor: int | None = None
    """`seq` of the element that comes next; None to be told what the stream is."""
    policy: Policy = "every"
    max_rows: int = 1024
    max_bytes: int = 4_000_000
    """One element is sent even if it is bigger."""
    wait_ms: int = 0
    """How long the server holds the request while there is nothing new."""
    step: int = 1
    """Of frames, each `step`-th row and column is sent."""


class StreamReply(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """The answer's head; the rows and then the payloads follow it as raw bytes."""

    version: int = CONTRACT_VERSION
    request_id: int
    error: str = ""
    """Why there is no answer; empty when there is one."""
    session: str = ""
    names: list[str] = []
    """All streams, where they were asked for."""
    specs: list[StreamSpec] = []
    """What they are, where that was asked about."""
    refused: dict[str, str] = {}
    """Why some of them are not served, by name."""
    about: bytes = b""
    """What the session is or how it stands, as whoever serves it says; may be empty."""
    host_ns: int = 0
    """The server's host clock when it answered."""
    spec: StreamSpec | None = None
    """What the stream is, where that was asked for."""
    generation: int = 0
    head: int = 0
    closed: bool = False
    """Whether nothing comes after `head`."""
    first_seq: int = 0
    count: int = 0
    skipped: int = 0
    """Elements passed over because newer ones were wanted."""
    losses: list[tuple[int, int]] = []
    """(first seq, count) of elements overwritten before they could be sent."""
    step: int = 1
    """Each `step`-th row and column of the frames was sent."""


class _Versioned(msgspec.Struct, frozen=True):
    version: int


_T = TypeVar("_T", StreamRequest, StreamReply)
_encode = msgspec.msgpack.Encoder().encode


def encode(message: StreamRequest | StreamReply) -> bytes:
    """Return a message as bytes."""
    return _encode(message)


def decode(data: bytes, kind: type[_T]) -> _T:
    """Return the message that some bytes hold.

    Raises
    ------
    StreamError
        If they hold none.
    VersionError
        If it is one of another version.
    """
    try:
        versioned = msgspec.msgpack.decode(data, type=_Versioned)
        require_version("the other machine", versioned.version)
        return msgspec.msgpack.decode(data, type=kind)
    except msgspec.MsgspecError as error:
        msg = f"Expected a {kind.__name__}, got something else: {error}"
        raise StreamError(msg) from error
