"""What vouches for a row and its payload, years later: one number for both.

XXH3 (64 bits; Collet, https://xxhash.com) of the row's bytes, seeded with the
digest of its payload. It is not cryptographic: it finds what a power cut, a cable
or the years did, not what somebody forged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import xxhash

from rig.messages import payload_digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["payload_digests", "row_checksums"]


def payload_digests(
    payload: NDArray[Any] | Sequence[NDArray[Any]],
    known: Sequence[int | None] | None = None,
    counts: Sequence[int] | None = None,
) -> list[int]:
    """Return the digest of each entry of a block's payload.

    Parameters
    ----------
    payload
        (n, *shape), contiguous, or n of them.
    known
        Digests that whoever made the entries has given already.
    counts
        How much of each entry counts, along its first axis; all of it by default.
    """
    if known is None:
        known = [None] * len(payload)
    if None not in known:
        return list(cast("Sequence[int]", known))
    parts = payload if counts is None else _cut(payload, counts)
    return [
        payload_digest(part) if digest is None else digest
        for part, digest in zip(parts, known, strict=True)
    ]


def row_checksums(
    rows: NDArray[np.void], digests: Sequence[int] | None
) -> NDArray[np.uint64]:
    """Return the checksum of each row.

    Parameters
    ----------
    rows
        (n,) rows as they are committed.
    digests
        Of their payloads; None for a stream without.

    Returns
    -------
    ndarray
        (n,) checksums.
    """
    data, size = rows.tobytes(), rows.dtype.itemsize
    seeds = [0] * len(rows) if digests is None else digests
    sums = [
        xxhash.xxh3_64_intdigest(data[k * size : (k + 1) * size], seed)
        for k, seed in enumerate(seeds)
    ]
    return np.array(sums, np.uint64)


def _cut(
    payload: NDArray[Any] | Sequence[NDArray[Any]], counts: Sequence[int]
) -> list[NDArray[Any]]:
    return [entry[:count] for entry, count in zip(payload, counts, strict=True)]
