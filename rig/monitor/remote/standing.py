"""How a session stands, as one who is near tells one who is far."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from rig.errors import StreamError
from rig.recording.sidecar import SessionInfo, Verdict
from rig.supervisor.status import Status

if TYPE_CHECKING:
    from rig.monitor.live.link import Link

__all__ = [
    "Standing",
    "decode_info",
    "decode_standing",
    "encode_info",
    "encode_standing",
    "standing_of",
]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """All that a link says of a session but its streams."""

    status: Status | None = None
    """The session at a glance; None before the supervisor has answered."""
    silent_s: float = 0.0
    """Seconds since it was last heard, there."""
    gone: bool = False
    """Whether it has ended."""
    verdict: Verdict | None = None


_T = TypeVar("_T", Standing, SessionInfo)
_encode = msgspec.msgpack.Encoder().encode


def standing_of(link: Link) -> Standing:
    """Return how a session stands."""
    return Standing(
        status=link.status,
        silent_s=link.silent_s,
        gone=link.gone,
        verdict=link.verdict,
    )


def encode_standing(standing: Standing) -> bytes:
    """Return it as bytes; in MessagePack, whose numbers may be NaN."""
    return _encode(standing)


def decode_standing(data: bytes) -> Standing | None:
    """Return what some bytes say; None for no bytes.

    Raises
    ------
    StreamError
        If they say something else.
    """
    return _decode(data, Standing)


def encode_info(info: SessionInfo | None) -> bytes:
    """Return what a session is as bytes; none of them while nobody knows."""
    return b"" if info is None else _encode(info)


def decode_info(data: bytes) -> SessionInfo | None:
    """Return what some bytes say; None for no bytes.

    Raises
    ------
    StreamError
        If they say something else.
    """
    return _decode(data, SessionInfo)


def _decode(data: bytes, kind: type[_T]) -> _T | None:
    try:
        return msgspec.msgpack.decode(data, type=kind) if data else None
    except msgspec.MsgspecError as error:
        msg = (
            f"Expected a {kind.__name__} from the other machine, got something else: "
            f"{error}; install the same version of springhare on both"
        )
        raise StreamError(msg) from error
