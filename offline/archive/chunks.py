"""Chunks: into what pieces a dataset is cut, so that it packs well and reads well.

A chunk is what HDF5 packs and unpacks at once. One picture is never more than its
own chunks, so that any frame costs one frame, whatever the reader's cache.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from offline.archive.filters import FILTERS, STORED, TABLE, Filter

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

__all__ = ["Packing", "chunk_places", "pack_pixels", "pack_stored", "pack_table"]

_SMALL_BYTES = 32 * 1024
"""Pictures are put together in one chunk up to this size."""
_TABLE_BYTES = 128 * 1024


@dataclass(frozen=True, slots=True)
class Packing:
    """How a dataset is cut and packed."""

    filter: Filter
    chunk: tuple[int, ...]
    """Shape of a chunk; its first axis counts entries."""


def pack_pixels(
    filter_: Filter, dtype: np.dtype[Any], entries: int, entry_shape: tuple[int, ...]
) -> Packing:
    """Return how pictures are packed; by gzip where the filter does not take them.

    Parameters
    ----------
    entries
        How many there are; at least 1.
    entry_shape
        (height, width) or (height, width, colours).
    """
    if not filter_.takes(dtype, entry_shape):
        filter_ = FILTERS["gzip"]
    height, width, *colours = entry_shape
    if filter_.tile_px is not None:
        width = math.ceil(width / math.ceil(width / filter_.tile_px))
    if filter_.planes:
        colours = [1] * len(colours)
    picture_bytes = math.prod(entry_shape) * dtype.itemsize
    together = 1 if filter_.one_picture else max(1, _SMALL_BYTES // picture_bytes)
    return Packing(filter_, (min(together, entries), height, width, *colours))


def pack_table(
    dtype: np.dtype[Any], entries: int, entry_shape: tuple[int, ...]
) -> Packing:
    """Return how samples, poses or rows are packed; there is at least one entry."""
    return Packing(TABLE, _rows(dtype, entries, entry_shape))


def pack_stored(
    dtype: np.dtype[Any], entries: int, entry_shape: tuple[int, ...]
) -> Packing:
    """Return how entries are kept as they are; for what cannot be packed."""
    return Packing(STORED, _rows(dtype, entries, entry_shape))


def chunk_places(
    shape: tuple[int, ...], chunk: tuple[int, ...], first: int, stop: int
) -> Iterator[tuple[int, ...]]:
    """Yield where each chunk begins that holds entries from `first` to `stop`.

    Examples
    --------
    >>> list(chunk_places((4, 2, 5), (2, 2, 3), 2, 4))
    [(2, 0, 0), (2, 0, 3)]
    """
    along = (
        range(begin, end, step)
        for begin, end, step in zip(
            (first, *(0 for _ in shape[1:])), (stop, *shape[1:]), chunk, strict=True
        )
    )
    yield from product(*along)


def _rows(
    dtype: np.dtype[Any], entries: int, entry_shape: tuple[int, ...]
) -> tuple[int, ...]:
    entry_bytes = math.prod(entry_shape) * dtype.itemsize
    return (min(max(1, _TABLE_BYTES // entry_bytes), entries), *entry_shape)
