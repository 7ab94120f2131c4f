"""Encoders: a chunk in, the bytes that HDF5 keeps of it out.

HDF5 packs a chunk in memory, with its real filters, and hands the bytes over; so
several processes pack for one file. Only gzip is called directly, because its
library can be told how to pack noise, which HDF5 does not pass on.
"""

from __future__ import annotations

import itertools
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import h5py  # pyright: ignore[reportMissingTypeStubs]
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from offline.archive.chunks import Packing
    from offline.archive.filters import DeflateSettings, Properties

__all__ = ["Encoder", "Packed", "encoder", "in_memory_file", "packed"]

_h5: Any = h5py

Packed = tuple[int, bytes]
"""HDF5's mask of filters that were left out, and a chunk's bytes."""

_numbers = itertools.count()


class Encoder(Protocol):
    """Packs chunks of one shape and type."""

    def __call__(self, chunk: NDArray[Any]) -> Packed:
        """Return a chunk's bytes; it is whole and contiguous."""
        ...


@lru_cache(maxsize=32)
def encoder(packing: Packing, dtype: np.dtype[Any]) -> Encoder:
    """Return the encoder of a packing; the same one for the same packing."""
    if packing.filter.deflate is not None:
        return _Deflate(packing.filter.deflate, dtype.itemsize)
    properties = packing.filter.properties(dtype)
    return _Pipeline(packing.chunk, dtype, properties) if properties else _stored


def packed(block: NDArray[Any], begin: tuple[int, ...], packing: Packing) -> Packed:
    """Return the bytes of the chunk that begins at a place of a block.

    What of it lies beyond the block's end is filled with zeros.
    """
    where = zip(begin, packing.chunk, strict=True)
    chunk = block[tuple(slice(first, first + n) for first, n in where)]
    if chunk.shape != packing.chunk:
        whole = np.zeros(packing.chunk, chunk.dtype)
        _opaque(whole)[tuple(slice(n) for n in chunk.shape)] = _opaque(chunk)
        chunk = whole
    return encoder(packing, chunk.dtype)(np.ascontiguousarray(chunk))


def in_memory_file() -> Any:
    """Return a new HDF5 file that lives in memory and keeps no chunk back."""
    name = f"springhare-archive-{next(_numbers)}"
    return _h5.File(name, "w", driver="core", backing_store=False, rdcc_nbytes=0)


def _opaque(entries: NDArray[Any]) -> NDArray[Any]:
    """Return rows as plain bytes: NumPy copies fields, and not what is between them."""
    if entries.dtype.names is None:
        return entries
    return entries.view(np.dtype((np.void, entries.dtype.itemsize)))


def _stored(chunk: NDArray[Any]) -> Packed:
    return 0, chunk.tobytes()


class _Deflate:
    """What HDF5's shuffle and gzip filters would give, packed otherwise."""

    def __init__(self, settings: DeflateSettings, itemsize: int) -> None:
        strategy = zlib.Z_RLE if settings.runs_only else zlib.Z_DEFAULT_STRATEGY
        self._how = (settings.level, zlib.DEFLATED, 15, settings.memory_level, strategy)
        self._itemsize = itemsize

    def __call__(self, chunk: NDArray[Any]) -> Packed:
        data = chunk.reshape(-1).view(np.uint8)
        if self._itemsize > 1:
            data = np.ascontiguousarray(data.reshape(-1, self._itemsize).T)
        packer = zlib.compressobj(*self._how)
        return 0, packer.compress(data.data) + packer.flush()


class _Pipeline:
    """HDF5's own filters, at work on a file in memory."""

    def __init__(
        self, chunk: tuple[int, ...], dtype: np.dtype[Any], properties: Properties
    ) -> None:
        self._file = in_memory_file()
        self._dataset = self._file.create_dataset(
            "chunk", chunk, dtype, chunks=chunk, **properties
        )
        self._origin = (0,) * len(chunk)

    def __call__(self, chunk: NDArray[Any]) -> Packed:
        self._dataset[...] = chunk
        return self._dataset.id.read_direct_chunk(self._origin)
