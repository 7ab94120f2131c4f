"""The plan of a fold: what is packed how, and in what pieces. Pure.

A piece is what one worker packs at once and what the journal counts in; pieces
end where chunks end, so that they know nothing of each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import xxhash

from offline.archive.chunks import (
    Packing,
    chunk_places,
    pack_pixels,
    pack_stored,
    pack_table,
)
from rig.recording.layout import SEGMENT_CHECKSUM, SEGMENT_PAYLOAD

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from offline.archive.filters import Filter
    from offline.archive.raw import RawDataset

__all__ = ["PIECE_BYTES", "DatasetPlan", "Piece", "Plan", "make_plan"]

PIECE_BYTES = 8 * 1024 * 1024
"""About how many raw bytes are in a piece."""


@dataclass(frozen=True, slots=True)
class DatasetPlan:
    """What becomes of one dataset."""

    raw: RawDataset
    packing: Packing | None
    """None for a dataset without entries, which HDF5 cannot cut."""

    @property
    def filter_name(self) -> str:
        """Name of its filter; empty without entries."""
        return "" if self.packing is None else self.packing.filter.name


@dataclass(frozen=True, slots=True)
class Piece:
    """Some chunks of a dataset, one after the other."""

    number: int
    dataset: int
    first: int
    """First entry."""
    stop: int

    def places(self, plan: DatasetPlan) -> Iterator[tuple[int, ...]]:
        """Yield where each of its chunks begins."""
        chunk = plan.packing.chunk if plan.packing else plan.raw.shape
        return chunk_places(plan.raw.shape, chunk, self.first, self.stop)


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of a session."""

    filter: Filter
    """For pixels."""
    datasets: tuple[DatasetPlan, ...]
    pieces: tuple[Piece, ...]
    origin: bytes
    """What the session file was, that is to be replaced."""

    @property
    def nbytes(self) -> int:
        """Size of everything, raw."""
        return sum(dataset.raw.nbytes for dataset in self.datasets)

    def size_of(self, piece: Piece) -> int:
        """Return how many raw bytes are in a piece."""
        entry_bytes = self.datasets[piece.dataset].raw.entry_bytes
        return (piece.stop - piece.first) * entry_bytes

    @property
    def fingerprint(self) -> bytes:
        """What tells this plan from every other one."""
        words = [
            (plan.raw.path, plan.raw.shape, plan.raw.dtype.descr, plan.filter_name)
            + ((plan.packing.chunk,) if plan.packing else ())
            for plan in self.datasets
        ]
        spans = [(piece.dataset, piece.first, piece.stop) for piece in self.pieces]
        return xxhash.xxh3_128_digest(repr((words, spans, self.origin)).encode())


def make_plan(
    datasets: Sequence[RawDataset],
    pixel_paths: frozenset[str],
    filter_: Filter,
    origin: bytes,
    piece_bytes: int = PIECE_BYTES,
) -> Plan:
    """Return the plan of a session's datasets.

    Parameters
    ----------
    pixel_paths
        Which of them hold pictures.
    filter_
        For these.
    origin
        Any bytes that are others when the session file is another.
    """
    plans = tuple(
        DatasetPlan(raw, _packing(raw, raw.path in pixel_paths, filter_))
        for raw in datasets
    )
    spans = (
        (number, first, stop)
        for number, plan in enumerate(plans)
        for first, stop in _spans(plan, piece_bytes)
    )
    pieces = tuple(Piece(number, *span) for number, span in enumerate(spans))
    return Plan(filter_, plans, pieces, origin)


def _packing(raw: RawDataset, pixels: bool, filter_: Filter) -> Packing | None:
    if not raw.entries:
        return None
    if pixels and raw.role == SEGMENT_PAYLOAD:
        return pack_pixels(filter_, raw.dtype, raw.entries, raw.shape[1:])
    # a checksum looks like noise to every filter
    pack = pack_stored if raw.role == SEGMENT_CHECKSUM else pack_table
    return pack(raw.dtype, raw.entries, raw.shape[1:])


def _spans(plan: DatasetPlan, piece_bytes: int) -> Iterator[tuple[int, int]]:
    """Yield the first and the last entry of each piece, in whole chunks."""
    if plan.packing is None:
        return
    together = plan.packing.chunk[0]
    chunks = max(1, piece_bytes // (together * plan.raw.entry_bytes))
    yield from pairwise(
        [*range(0, plan.raw.entries, chunks * together), plan.raw.entries]
    )
