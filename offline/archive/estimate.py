"""An estimate: how small a session becomes and how long it takes, from samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from offline.archive.raw import read_raw
from offline.archive.trial import try_packing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from offline.archive.chunks import Packing
    from offline.archive.plan import Plan
    from offline.archive.raw import RawDataset

__all__ = ["Estimate", "estimate"]

_SAMPLES = 8
"""Chunks that are tried of each dataset, spread over it."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a plan would give."""

    stored: tuple[int, ...]
    """Bytes of each dataset, packed."""
    cpu_s: float
    """Time of one core to pack and to unpack everything."""

    @property
    def nbytes(self) -> int:
        """Size of everything, packed."""
        return sum(self.stored)


def estimate(plan: Plan) -> Estimate:
    """Try a plan on some chunks of each dataset.

    Raises
    ------
    OSError
        If a segment cannot be read.
    """
    stored: list[int] = []
    cpu_s = 0.0
    for dataset in plan.datasets:
        if dataset.packing is None:
            stored.append(0)
            continue
        block = _sample(dataset.raw, dataset.packing)
        trial = try_packing(block, dataset.packing)
        stored.append(int(dataset.raw.nbytes / trial.ratio))
        share = dataset.raw.nbytes / trial.nbytes
        cpu_s += share * (trial.encode_s + trial.decode_s)
    return Estimate(tuple(stored), cpu_s)


def _sample(raw: RawDataset, packing: Packing) -> NDArray[Any]:
    together = packing.chunk[0]
    # whole chunks only, but for a dataset that has no more than one
    last = max(0, raw.entries // together - 1)
    places = np.unique(np.linspace(0, last, _SAMPLES).astype(np.int64)) * together
    blocks = [
        read_raw(raw, at, min(at + together, raw.entries)) for at in places.tolist()
    ]
    return np.concatenate(blocks)
