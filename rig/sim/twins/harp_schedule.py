"""What is going to change on a board's lines, a little ahead of time."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rig.devices.harp_registers import CAMERA_TRIGGER_LINE
from rig.sim.twins.harp_lines import Change, Exposures, Metronome, line_models

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from rig.config.rig import RigConfig
    from rig.sim.epoch import Epoch
    from rig.sim.twins.harp_lines import LineModel

__all__ = ["LineSchedule"]

_AHEAD_NS = 250_000_000
_TOP_UP_NS = 50_000_000
_NEVER_NS = 1 << 62


@dataclass(slots=True)
class _Due:
    host_ns: int
    due_ns: int
    change: Change


class LineSchedule:
    """Hands out the changes of a board's lines when their messages are due.

    Parameters
    ----------
    rig
        The rig.
    device
        Name of the board in it.
    epoch
        When the world begins.
    delay_us
        Gives each message's delay on its way (n,), by its running number.
    """

    def __init__(
        self,
        rig: RigConfig,
        device: str,
        epoch: Epoch,
        delay_us: Callable[[NDArray[np.int64]], NDArray[np.float64]],
    ) -> None:
        self._rig = rig
        self._device = device
        self._epoch = epoch
        self._delay_us = delay_us
        self._running = False
        self._made = 0
        self._horizon_ns = 0
        self._pending: list[_Due] = []
        self._models: list[LineModel] = []
        self._metronome: Metronome | None = None
        self._triggered: set[int] = set()

    def start(self, now_ns: int) -> None:
        """Hand out what changes from now on."""
        self._running = True
        self._horizon_ns = now_ns

    def stop(self) -> None:
        """Hand out nothing any more."""
        self._running = False
        self._pending.clear()

    def start_triggers(self, metronome: Metronome) -> None:
        """Let the camera trigger beat."""
        self._metronome = metronome
        self._models = []

    def stop_triggers(self, now_ns: int) -> None:
        """Give no more triggers; an exposure that has begun still ends."""
        if self._metronome is not None:
            self._metronome.stop_ns = now_ns
        self._pending = [
            due
            for due in self._pending
            if due.change.line not in self._triggered or due.change.cause_ns <= now_ns
        ]

    def reset(self) -> None:
        """Forget all: the board was switched off."""
        self.stop()
        self._metronome = None
        self._models = []

    def due_ns(self) -> int:
        """Return the host time of the next message."""
        return self._pending[0].due_ns if self._pending else _NEVER_NS

    def hear(self, change: Change) -> None:
        """Take note of a change that is not of the world's making."""
        delay_us = float(self._delay_us(np.array([self._made]))[0])
        self._made += 1
        due = _Due(change.host_ns, change.host_ns + int(1000 * delay_us), change)
        insort(self._pending, due, key=lambda one: one.host_ns)

    def take_line(self, line: int) -> list[Change]:
        """Return the changes of one line that wait, at once."""
        taken = [due.change for due in self._pending if due.change.line == line]
        self._pending = [due for due in self._pending if due.change.line != line]
        return taken

    def take(self, now_ns: int, rising: int, falling: int) -> list[Change]:
        """Return the changes whose messages are due, in order.

        Parameters
        ----------
        rising, falling
            Bits of the lines whose edges are wanted.
        """
        if self._running and now_ns > self._horizon_ns - _TOP_UP_NS:
            self._look_ahead(now_ns, rising, falling)
        n = 0
        while n < len(self._pending) and self._pending[n].due_ns <= now_ns:
            n += 1
        taken = [due.change for due in self._pending[:n]]
        del self._pending[:n]
        return taken

    def _look_ahead(self, now_ns: int, rising: int, falling: int) -> None:
        epoch_ns = self._epoch.began_ns()
        if epoch_ns is None:
            return
        if not self._models:
            self._make_models(epoch_ns)
        until_ns = now_ns + _AHEAD_NS
        fresh = [
            _Due(change.host_ns, 0, change)
            for model in self._models
            for change in model.changes(self._horizon_ns, until_ns)
            if (rising if change.level else falling) >> change.line & 1
        ]
        delays_us = self._delay_us(self._made + np.arange(len(fresh)))
        self._made += len(fresh)
        for due, delay_us in zip(fresh, delays_us.tolist(), strict=True):
            due.due_ns = due.host_ns + int(1000 * delay_us)
        # sent in the order in which they happened: one that waits holds up the next
        self._pending = sorted([*self._pending, *fresh], key=lambda due: due.host_ns)
        self._horizon_ns = until_ns

    def _make_models(self, epoch_ns: int) -> None:
        own = self._metronome or Metronome(epoch_ns, 1e9, 0)
        inputs = line_models(self._rig, self._device, epoch_ns, self._epoch.slow, own)
        self._triggered = {CAMERA_TRIGGER_LINE} | {
            model.line
            for model in inputs
            if isinstance(model, Exposures) and model.metronome is own
        }
        self._models = [*inputs, *([self._metronome] if self._metronome else [])]
