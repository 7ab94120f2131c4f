"""How a stream describes itself to its readers."""

from __future__ import annotations

import msgspec
import numpy as np

from rig.messages.records import RECORDS, StreamKind, row_dtype
from rig.messages.version import CONTRACT_VERSION, require_readable

_LEAST_SEALED_BYTES = 64 * 1024
"""Smaller payloads are digested in no time by whoever needs it."""

__all__ = ["PayloadSpec", "StreamSpec"]


class PayloadSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What follows a row: an array of one type and shape."""

    dtype: str
    """NumPy type string with byte order, e.g. ``|u1`` or ``<i2``."""
    shape: tuple[int, ...]
    """(height, width[, 3]) for frames, (count, channels) for samples, (bodyparts, 3)
    for poses."""

    @property
    def nbytes(self) -> int:
        """Size of one payload in bytes."""
        return int(np.dtype(self.dtype).itemsize * np.prod(self.shape, dtype=np.int64))


class StreamSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that a reader must know of a stream; it stands in the ring's header."""

    name: str
    """Path-like and unique in the session: ``cameras/left``, ``signals/daq/emg``,
    ``events/daq``, ``poses/left``, ``decisions``, ``acknowledgements``,
    ``clocks/daq``, ``losses/left``, ``node_events``."""
    kind: StreamKind
    node: str
    """The node that writes it."""
    payload: PayloadSpec | None = None
    rate_hz: float | None = None
    """Nominal rows per second; None for a stream that has no rate of its own."""
    slots: int = 1024
    """Depth of the ring; at least 4 s of the nominal rate."""
    counters: tuple[str, ...] = ()
    """Names of the writer's counters in the ring's header (at most 32), e.g.
    ``failed_grabs``: they live in shared memory, so that they outlive the node."""
    attributes: dict[str, str | float | int | list[str | float | int]] = {}
    """Written as HDF5 attributes: units, channels, bodyparts, model, …"""
    version: int = CONTRACT_VERSION
    """Of the contract that its rows follow; an older one in what was recorded then."""

    def __post_init__(self) -> None:
        """Refuse a version of the contract whose rows cannot be read."""
        require_readable(f"stream {self.name!r}", self.version)

    @property
    def sealed(self) -> bool:
        """Whether the writer puts a digest beside each payload in the ring."""
        payload = self.payload
        whole = self.kind != "samples"  # a block of samples may be part filled
        return payload is not None and whole and payload.nbytes >= _LEAST_SEALED_BYTES

    @property
    def row(self) -> np.dtype[np.void]:
        """Layout of the stream's rows."""
        return row_dtype(RECORDS[self.kind], self.version)
