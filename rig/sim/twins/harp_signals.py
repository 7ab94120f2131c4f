"""A board's signals out of the world: many blocks of samples at once, ready to send."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rig.devices.harp_frames import payload_layouts
from rig.devices.harp_registers import BLOCK_SAMPLES
from rig.sim.world import EMG_CHANNELS, FORCE_CHANNELS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from rig.devices.harp_samples import SampleSource
    from rig.sim.twins.device_clock import DeviceClock
    from rig.sim.twins.harp_driven import WiredPulse
    from rig.sim.world import World

__all__ = ["SampleRun", "SampleTrain", "block_messages", "sample_counts"]

_EVENT = 3
_STAMP_FLAG = 0x10
_HEADER = 11
_TICK_US = 32
_FRAME_US = 1000
_CODES = payload_layouts()
_LIMITS = np.iinfo(np.int16)


def sample_counts(
    world: World,
    source: SampleSource,
    world_s: NDArray[np.float64],
    numbers: NDArray[np.int64],
) -> NDArray[np.int16]:
    """Return what a converter makes of the world.

    Parameters
    ----------
    world_s
        World time of each sample (n,).
    numbers
        Number of each sample (n,): decides its noise.

    Returns
    -------
    (n, board channels) int16; a channel whose name the world does not know is 0.
    """
    counts = np.zeros((len(numbers), source.board_channels), np.int16)
    if source.stream.endswith("/emg"):
        names, values = EMG_CHANNELS, world.emg_uv(world_s, numbers)
    else:
        names, values = FORCE_CHANNELS, world.forces(world_s)
    for column, channel in enumerate(source.channels):
        if channel in names:
            exact = values[:, names.index(channel)] / source.scale[column]
            counts[:, column] = np.clip(np.rint(exact), _LIMITS.min, _LIMITS.max)
    return counts


def block_messages(
    register: Any,
    numbers: NDArray[np.int64],
    stamps_us: NDArray[np.int64],
    samples: NDArray[np.int16],
) -> NDArray[np.uint8]:
    """Return one message per block.

    Parameters
    ----------
    register
        Event register of the blocks.
    numbers, stamps_us
        Number and device time of each block's first sample (n,).
    samples
        (n, values in a block).

    Returns
    -------
    (n, size of a message) bytes.
    """
    dtype = register.payload_class.payload_dtype
    payload = np.zeros(len(numbers), dtype)
    payload["sample_number"] = numbers & 0xFFFFFFFF
    payload["remainder"] = stamps_us % _TICK_US
    payload["samples"] = samples
    size = _HEADER + dtype.itemsize + 1
    out = np.empty((len(numbers), size), np.uint8)
    code = _CODES[register.address][0] | _STAMP_FLAG
    out[:, :5] = (_EVENT, size - 2, register.address, 255, code)
    seconds, rest = np.divmod(stamps_us, 1_000_000)
    out[:, 5:9] = seconds.astype("<u4").view(np.uint8).reshape(-1, 4)
    out[:, 9:11] = (rest // _TICK_US).astype("<u2").view(np.uint8).reshape(-1, 2)
    out[:, _HEADER:-1] = payload.view(np.uint8).reshape(len(numbers), -1)
    out[:, -1] = out[:, :-1].sum(axis=1, dtype=np.uint64).astype(np.uint8)
    return out


@dataclass(frozen=True, slots=True)
class SampleRun:
    """One uninterrupted run of a signal: from it, every sample's time follows."""

    stream: str
    started_us: int
    """Board time of the first sample."""
    first_number: int
    period_ns: int
    delay_us: float = 0.0
    """A sample shows what was so long before it was taken."""

    def board_us(self, numbers: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the board time of samples (n,)."""
        return self.started_us + (numbers - self.first_number) * (self.period_ns / 1e3)


class SampleTrain:
    """A signal that runs: makes its messages some blocks ahead.

    Parameters
    ----------
    run
        When it began and how fast it is.
    source
        What it is a signal of.
    world
        Where it is taken from.
    clock
        The board's clock.
    world_s
        Maps host times to world times.
    delay_us
        Gives each block's delay on its way (n,), by the number of the block.
    wire
        From an output line to one of the channels.
    """

    def __init__(
        self,
        run: SampleRun,
        source: SampleSource,
        world: World,
        clock: DeviceClock,
        world_s: Callable[[NDArray[np.float64]], NDArray[np.float64]],
        delay_us: Callable[[NDArray[np.int64]], NDArray[np.float64]],
        wire: WiredPulse | None = None,
    ) -> None:
        self.run = run
        self.source = source
        self.wire = wire
        self._world = world
        self._clock = clock
        self._world_s = world_s
        self._delay_us = delay_us
        self._made = self._sent = 0
        self._due_us: list[int] = []
        self._messages = np.empty((0, 0), np.uint8)

    @property
    def next_number(self) -> int:
        """Number of the first sample that was not sent."""
        return self.run.first_number + self._sent * BLOCK_SAMPLES

    @property
    def next_due_us(self) -> int:
        """Board time at which the next message goes, or can be made."""
        if self._due_us:
            return self._due_us[0]
        return int(self.run.started_us + (self._made + 1) * self._block_us) + 1

    @property
    def _block_us(self) -> float:
        return BLOCK_SAMPLES * self.run.period_ns / 1e3

    def forget(self) -> None:
        """Drop what was made ahead: the device's clock has changed."""
        self._made = self._sent
        self._due_us = []

    def take(
        self, now_us: int, ahead_us: int, offset_us: int
    ) -> NDArray[np.uint8] | None:
        """Return the messages that are due, (n, size); None if there are none.

        Parameters
        ----------
        now_us
            Board time.
        ahead_us
            How far ahead messages may be made when there are none left: 0 while the
            world has not begun, because nobody knows yet when it will, nor what a
            line will do that a channel is wired to.
        offset_us
            Device time minus board time.
        """
        if not self._due_us:
            self._make(now_us, ahead_us, offset_us)
        due = self._due_us
        n = 0
        while n < len(due) and due[n] <= now_us:
            n += 1
        if not n:
            return None
        messages, self._messages = self._messages[:n], self._messages[n:]
        del due[:n]
        self._sent += n
        return messages

    def _make(self, now_us: int, ahead_us: int, offset_us: int) -> None:
        until = int((now_us + ahead_us - self.run.started_us) / self._block_us)
        blocks = np.arange(self._made, until, dtype=np.int64)
        if not len(blocks):
            return
        first = self.run.first_number + blocks * BLOCK_SAMPLES
        numbers = (first[:, None] + np.arange(BLOCK_SAMPLES)).ravel()
        shown_ns = self._clock.host_ns(self.run.board_us(numbers))
        shown_ns -= 1e3 * self.run.delay_us
        samples = sample_counts(
            self._world, self.source, self._world_s(shown_ns), numbers
        )
        if self.wire is not None:
            self.wire.add(samples, shown_ns, self.run.period_ns)
        stamps_us = self.run.board_us(first).astype(np.int64) + offset_us
        stamps_us = np.maximum(stamps_us, 0)  # as a board whose clock was set back
        self._messages = block_messages(
            self.source.register, first, stamps_us, samples.reshape(len(blocks), -1)
        )
        end_us = self.run.board_us(first + BLOCK_SAMPLES - 1)
        due_us = np.maximum.accumulate(end_us + self._delay_us(blocks))
        # as over USB, which asks once a millisecond; it saves us many turns
        due_us = np.ceil(due_us / _FRAME_US) * _FRAME_US
        self._due_us = due_us.astype(np.int64).tolist()
        self._made += len(blocks)
