"""The journal of a fold: which pieces are in the draft, and where in it.

HDF5 cannot open a file again whose writing was cut off; but the packed chunks are
in it, each at its place. The journal notes these places with a digest, so that the
next run takes over what is there, byte for byte, and packs only the rest. Nothing
has to be synced for it: what a power cut took does not match its digest.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xxhash

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from offline.archive.encoders import Packed

__all__ = ["Entry", "Journal", "read_notes"]

_MAGIC = b"springhare fold1"
_PLACE = np.dtype([("offset", "<u8"), ("size", "<u4"), ("mask", "<u4")])
_HEAD = struct.Struct("<qIQ")
"""Number of the piece, of its chunks, digest of their bytes."""
_DIGEST = struct.Struct("<Q")
_WHOLE = -1
"""In place of a piece's number: the draft is whole."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Where one piece lies in the draft."""

    digest: int
    places: NDArray[np.void]
    """(chunks,) offset, size, mask."""

    def read(self, file: Path) -> list[Packed] | None:
        """Return the chunks of the piece; None if they are not what was written."""
        with file.open("rb", buffering=0) as draft:
            chunks: list[Packed] = []
            for offset, size, mask in self.places.tolist():
                draft.seek(offset)
                chunks.append((mask, draft.read(size)))
        return chunks if digest_of(chunks) == self.digest else None


class Journal:
    """Notes what was written; make one for a new draft."""

    def __init__(self, path: Path, fingerprint: bytes) -> None:
        self._file = path.open("wb", buffering=0)
        self._file.write(_MAGIC + fingerprint)

    def note(
        self, piece: int, chunks: Sequence[Packed], offsets: Sequence[int]
    ) -> None:
        """Note a piece that was written.

        Parameters
        ----------
        offsets
            Where each chunk begins in the draft, in bytes.
        """
        places = np.zeros(len(chunks), _PLACE)
        places["offset"] = offsets
        places["size"] = [len(data) for _, data in chunks]
        places["mask"] = [mask for mask, _ in chunks]
        self._write(piece, digest_of(chunks), places)

    def whole(self) -> None:
        """Note that the draft is whole, and on the disk itself."""
        self._write(_WHOLE, 0, np.zeros(0, _PLACE))

    def close(self) -> None:
        """Close the journal; may be called twice."""
        self._file.close()

    def _write(self, piece: int, digest: int, places: NDArray[np.void]) -> None:
        note = _HEAD.pack(piece, len(places), digest) + places.tobytes()
        self._file.write(note + _DIGEST.pack(xxhash.xxh3_64_intdigest(note)))


def read_notes(path: Path, fingerprint: bytes) -> tuple[dict[int, Entry], bool]:
    """Return what a journal says, up to where it was cut off.

    Returns
    -------
    pieces
        By number; none if the journal is of another plan.
    whole
        Whether the draft is whole.
    """
    data = path.read_bytes() if path.exists() else b""
    if not data.startswith(_MAGIC + fingerprint):
        return {}, False
    pieces = dict(_entries(data, len(_MAGIC + fingerprint)))
    return pieces, pieces.pop(_WHOLE, None) is not None


def digest_of(chunks: Sequence[Packed]) -> int:
    """Return the digest of a piece's chunks."""
    digest = xxhash.xxh3_64()
    for mask, data in chunks:
        digest.update(_DIGEST.pack(mask))
        digest.update(data)
    return digest.intdigest()


def _entries(data: bytes, at: int) -> Iterator[tuple[int, Entry]]:
    while at + _HEAD.size <= len(data):
        number, count, digest = _HEAD.unpack_from(data, at)
        end = at + _HEAD.size + count * _PLACE.itemsize
        if end + _DIGEST.size > len(data):
            return
        (told,) = _DIGEST.unpack_from(data, end)
        if told != xxhash.xxh3_64_intdigest(data[at:end]):
            return
        places = np.frombuffer(data, _PLACE, count, at + _HEAD.size)
        yield number, Entry(digest, places)
        at = end + _DIGEST.size
