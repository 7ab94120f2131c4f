"""Trials: how small and how fast a packing is, on entries of a session's own."""

from __future__ import annotations

import resource
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from offline.archive.chunks import chunk_places
from offline.archive.encoders import in_memory_file, packed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from offline.archive.chunks import Packing
    from offline.archive.encoders import Packed

__all__ = ["Trial", "try_packing"]


@dataclass(frozen=True, slots=True)
class Trial:
    """What a packing did with some entries, on one core."""

    nbytes: int
    stored: int
    encode_s: float
    """Time on the processor, not by the clock."""
    decode_s: float
    exact: bool
    """Whether it gave back what it was given."""

    @property
    def ratio(self) -> float:
        """How many times smaller it became."""
        return self.nbytes / max(self.stored, 1)

    @property
    def encode_mb_per_s(self) -> float:
        """Raw megabytes a second of one core."""
        return self.nbytes / max(self.encode_s, 1e-6) / 1e6

    @property
    def decode_mb_per_s(self) -> float:
        """Raw megabytes a second of one core, read entry after entry."""
        return self.nbytes / max(self.decode_s, 1e-6) / 1e6


def try_packing(block: NDArray[Any], packing: Packing) -> Trial:
    """Pack entries and unpack them again.

    Parameters
    ----------
    block
        (n, *entry shape); n at least 1, best a multiple of the chunk's length.
    """
    places = list(chunk_places(block.shape, packing.chunk, 0, len(block)))
    began_s = _cpu_s()
    chunks = [packed(block, at, packing) for at in places]
    encode_s = _cpu_s() - began_s
    found, decode_s = _decode(block, packing, dict(zip(places, chunks, strict=True)))
    return Trial(
        block.nbytes,
        sum(len(data) for _, data in chunks),
        encode_s,
        decode_s,
        found.tobytes() == block.tobytes(),
    )


def _decode(
    block: NDArray[Any], packing: Packing, chunks: dict[tuple[int, ...], Packed]
) -> tuple[NDArray[Any], float]:
    found = np.zeros_like(block)
    with in_memory_file() as file:
        dataset = file.create_dataset(
            "trial",
            block.shape,
            block.dtype,
            chunks=packing.chunk,
            **packing.filter.properties(block.dtype),
        )
        for place, (mask, data) in chunks.items():
            dataset.id.write_direct_chunk(place, data, mask)
        # HDF5 looks at the masks only when it opens a dataset
        del dataset
        dataset = file["trial"]
        began_s = _cpu_s()
        step = packing.chunk[0]
        for at in range(0, len(block), step):
            found[at : at + step] = dataset[at : at + step]
        return found, _cpu_s() - began_s


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
