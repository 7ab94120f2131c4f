"""Blocks of samples from a board: messages in, rows and payloads out. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from rig.devices.harp_numbering import Numbering
from rig.devices.harp_registers import BLOCK_SAMPLES
from rig.messages import Block, PayloadSpec, StreamSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rig.devices.harp_frames import Stamped

__all__ = ["SampleBlock", "SampleSource", "SampleStream"]

_LEAST_SLOTS = 4096
"""Blocks are small: half a minute of them costs less memory than three pictures."""


@dataclass(frozen=True, slots=True)
class SampleSource:
    """What a board samples, and how the rig wants it."""

    stream: str
    """Name of the stream, e.g. ``signals/daq/emg``."""
    node: str
    register: Any
    """Event register of the blocks."""
    number_register: Any
    """Register with the number of the next sample."""
    period_register: Any
    flag: int
    """Bit in StreamControl."""
    board_channels: int
    """Channels in a message; the first ones are taken."""
    channels: tuple[str, ...]
    rate_hz: float
    units: tuple[str, ...]
    """Of each channel."""
    scale: tuple[float, ...]
    """Units per count, of each channel."""

    @property
    def period_ns(self) -> int:
        """Nanoseconds from sample to sample, as the board counts them."""
        return round(1e9 / self.rate_hz)

    def spec(self, ring_seconds: float) -> StreamSpec:
        """Return the stream's declaration."""
        blocks_hz = self.rate_hz / BLOCK_SAMPLES
        return StreamSpec(
            name=self.stream,
            kind="samples",
            node=self.node,
            payload=PayloadSpec("<i2", (BLOCK_SAMPLES, len(self.channels))),
            rate_hz=blocks_hz,
            slots=max(_LEAST_SLOTS, ceil(ring_seconds * blocks_hz)),
            counters=("missing_samples",),
            attributes={
                "rate_hz": float(self.rate_hz),
                "units": list(self.units),
                "channels": list(self.channels),
                "scale": list(self.scale),
            },
        )


@dataclass(frozen=True, slots=True)
class SampleBlock:
    """One block, decoded."""

    missing: int
    """Samples that are missing before it."""
    device_ns: int
    """Device time of its first sample."""
    end_ns: int
    """Device time of its last sample: the earliest it can have been sent."""
    record: Block
    samples: NDArray[np.int16]
    """(samples, channels); a view of the message."""


class SampleStream:
    """Turns a source's messages into blocks and keeps account of the numbers."""

    def __init__(self, source: SampleSource) -> None:
        self.source = source
        self.numbering = Numbering()
        self._dtype = source.register.payload_class.payload_dtype
        self._shape = (BLOCK_SAMPLES, source.board_channels)
        self._taken = 0

    def take(self, message: Stamped, arrival_ns: int) -> SampleBlock | None:
        """Decode a message.

        Returns
        -------
        SampleBlock or None
            None if its number ran backwards: it is damaged, or the board began anew.
        """
        fields = np.frombuffer(message.payload, self._dtype, count=1)[0]
        missing = self.numbering.take(int(fields["sample_number"]), BLOCK_SAMPLES)
        if missing is None:
            return None
        device_ns = (message.stamp_us + int(fields["remainder"])) * 1000
        record = Block(
            host_ns=arrival_ns,
            first_sample=self._taken,
            count=BLOCK_SAMPLES,
            device_ns=device_ns,
            device_sample=self.numbering.next - BLOCK_SAMPLES,
        )
        self._taken += BLOCK_SAMPLES
        samples = fields["samples"].reshape(self._shape)
        return SampleBlock(
            missing=missing,
            device_ns=device_ns,
            end_ns=device_ns + (BLOCK_SAMPLES - 1) * self.source.period_ns,
            record=record,
            samples=samples[:, : len(self.source.channels)],
        )
