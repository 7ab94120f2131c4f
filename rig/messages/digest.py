"""A payload's digest: made by the node that has it in its cache, kept beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import xxhash

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["payload_digest"]


def payload_digest(payload: NDArray[Any]) -> int:
    """Return the XXH3 (64 bits) of a payload's bytes; it must be contiguous."""
    return xxhash.xxh3_64_intdigest(payload.data)
