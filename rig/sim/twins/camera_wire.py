"""The wire from a trigger to a simulated camera: which moment of the world it means.

Trigger n is at world time n / rate, but for its dither. Triggers may fail or be one
too many, so each is placed by the time that has passed since the one before it, on the
clock of the board that made it, and put onto the grid where it belongs there. The
camera begins to expose when the moved edge comes; its picture is of the place on the
grid, because truth is keyed by the picture's number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sync.pulses import trigger_displacements_ns

if TYPE_CHECKING:
    from rig.devices.triggers import Trigger, TriggerFollower
    from rig.sim.epoch import Epoch

__all__ = ["Dither", "TriggerGrid", "Wire"]

_OFF_GRID = 0.25
"""Of a period: two neighbours are moved by a fifth of it at most."""
_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Dither:
    """How the triggers are moved from their places."""

    seed: int = 0
    most_ns: int = 0

    def displacement_ns(self, place: float) -> int:
        """Return how far a trigger is moved; one between two places is not."""
        if place < 0 or place != int(place):
            return 0
        return int(trigger_displacements_ns(self.seed, int(place), self.most_ns)[0])


class TriggerGrid:
    """Places triggers in units of their period.

    Parameters
    ----------
    rate_hz
        Triggers per second of host time.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._last: tuple[int, float] | None = None

    def place(self, device_ns: int) -> float:
        """Return where a trigger is: 0 the first, 1 a period later, …."""
        place = 0.0
        if self._last is not None:
            before_ns, before = self._last
            place = before + (device_ns - before_ns) * self._rate_hz / 1e9
        if abs(place - round(place)) < _OFF_GRID:
            place = float(round(place))
        self._last = device_ns, place
        return place


class Wire:
    """Carries the triggers of one device to one camera.

    Parameters
    ----------
    follower
        Reads the triggers, from the session's first.
    rate_hz
        Triggers per second of host time.
    epoch
        When the world began.
    dither
        How they are moved.
    """

    def __init__(
        self,
        follower: TriggerFollower,
        rate_hz: float,
        epoch: Epoch,
        dither: Dither | None = None,
    ) -> None:
        self._follower = follower
        self._dither = dither or Dither()
        self._grid = TriggerGrid(rate_hz)
        self._period_s = 1.0 / (rate_hz * epoch.slow)
        self._epoch = epoch
        self._places: dict[int, float] = {}

    def take(self) -> list[tuple[int, float]]:
        """Return the host time and the place of each trigger that came."""
        found: list[tuple[int, float]] = []
        for trigger in self._follower.take():
            place = self._grid.place(trigger.device_ns)
            self._places[trigger.seq] = place
            if len(self._places) > _KEPT:
                del self._places[next(iter(self._places))]
            place_ns = self._epoch.host_ns(self.world_s(place))
            edge_ns = trigger.host_ns
            if place_ns is not None:
                edge_ns = place_ns + self._dither.displacement_ns(place)
            found.append((edge_ns, place))
        return found

    def place_of(self, trigger: Trigger) -> float:
        """Return the place of a trigger that the host carries out."""
        self.take()
        return self._places[trigger.seq]

    def world_s(self, place: float) -> float:
        """Return the world's time at a place of the grid."""
        return place * self._period_s
