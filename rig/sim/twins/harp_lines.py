"""What changes on a board's lines: triggers, exposures, imaging clock, start line.

All of it follows the world's time, whose metronome is the host's clock: trigger n
is at world time n / rate, but for its dither, and each board stamps it with a clock of
its own.
An input is known by its name, as in the example rigs: ``exposure_<camera>`` is high
while that camera exposes, a line with a rate ticks with it, any other line goes high
when the world begins. A wired sync line follows the board that makes it, not this.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Protocol

from rig.config.rig import BaslerConfig, FreeRunning
from rig.devices.harp_registers import CAMERA_TRIGGER_LINE, input_line
from rig.sim.world import IMAGING_RATE_HZ
from sync.pulses import trigger_displacements_ns

if TYPE_CHECKING:
    from rig.config.rig import InputLine, RigConfig

__all__ = ["Change", "Exposures", "LineModel", "Metronome", "Ticks", "line_models"]

_EXPOSURE_DELAY_NS = 30_000
_DEFAULT_EXPOSURE_US = 2000.0
_EXPOSURE_PREFIX = "exposure_"
_FRAME_CLOCK = "frame_clock"
_NS_PER_S = 1e9


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """A line changes."""

    host_ns: int
    line: int
    level: bool
    cause_ns: int = field(compare=False)
    """Host time of what caused it: an exposure's end goes on when triggers stop."""


class LineModel(Protocol):
    """Something that makes lines change."""

    def changes(self, begin_ns: int, end_ns: int) -> list[Change]:
        """Return what has its cause in [begin, end) of host time.

        The world has begun by then.
        """
        ...


def _grid(epoch_ns: int, period_ns: float, begin_ns: int, end_ns: int) -> range:
    first = max(0, ceil((begin_ns - epoch_ns) / period_ns - 1e-9))
    last = ceil((end_ns - epoch_ns) / period_ns - 1e-9)
    return range(first, last)


@dataclass(slots=True)
class Metronome:
    """The camera trigger: n-th beat at the n-th period of the world, or near it."""

    epoch_ns: int
    period_ns: float
    width_ns: int
    missed: set[int] = field(default_factory=set)
    """Beats that fail."""
    extra: set[int] = field(default_factory=set)
    """Beats that are followed by one too many, half a period later."""
    dither_ns: int = 0
    """By how much a beat is moved at most, to and fro."""
    seed: int = 0
    """Decides by how much each beat is moved."""
    stop_ns: int = 1 << 62
    """Host time from which on there are no more."""

    def beats(self, begin_ns: int, end_ns: int) -> list[int]:
        """Return the host times of the triggers in [begin, end)."""
        times: list[int] = []
        # one earlier: its extra beat may lie here
        earlier = begin_ns - round(self.period_ns) - self.dither_ns
        later = end_ns + self.dither_ns
        places = _grid(self.epoch_ns, self.period_ns, earlier, later)
        moved_ns = trigger_displacements_ns(self.seed, places, self.dither_ns)
        for n, off_ns in zip(places, moved_ns.tolist(), strict=True):
            at_ns = self.epoch_ns + round(n * self.period_ns)
            if n not in self.missed:
                times.append(at_ns + off_ns)
            if n in self.extra:
                times.append(at_ns + round(self.period_ns / 2))
        last_ns = min(end_ns, self.stop_ns)
        return [at_ns for at_ns in times if begin_ns <= at_ns < last_ns]

    def number_at(self, host_ns: int) -> int:
        """Return the number of the next beat at or after a host time."""
        return max(0, ceil((host_ns - self.epoch_ns) / self.period_ns))

    def changes(self, begin_ns: int, end_ns: int) -> list[Change]:
        """Return the trigger's edges."""
        return [
            Change(at_ns + after_ns, CAMERA_TRIGGER_LINE, level, at_ns)
            for at_ns in self.beats(begin_ns, end_ns)
            for after_ns, level in ((0, True), (self.width_ns, False))
        ]


@dataclass(frozen=True, slots=True)
class Exposures:
    """A camera's exposure-active line: high from each trigger for the exposure."""

    line: int
    metronome: Metronome
    exposure_ns: int

    def changes(self, begin_ns: int, end_ns: int) -> list[Change]:
        """Return the line's edges."""
        rise_ns = _EXPOSURE_DELAY_NS
        return [
            Change(at_ns + after_ns, self.line, level, at_ns)
            for at_ns in self.metronome.beats(begin_ns, end_ns)
            for after_ns, level in (
                (rise_ns, True),
                (rise_ns + self.exposure_ns, False),
            )
        ]


@dataclass(frozen=True, slots=True)
class Ticks:
    """A line with a rate; without one it goes high once, when the world begins."""

    line: int
    epoch_ns: int
    slow: float
    rate_hz: float | None
    toggles: bool
    """Whether each tick is one edge, up and down in turn, rather than a pulse."""

    def changes(self, begin_ns: int, end_ns: int) -> list[Change]:
        """Return the line's edges."""
        if self.rate_hz is None:
            at_ns = self.epoch_ns
            begins = begin_ns <= at_ns < end_ns
            return [Change(at_ns, self.line, level=True, cause_ns=at_ns)] * begins
        period_ns = _NS_PER_S * self.slow / self.rate_hz
        out: list[Change] = []
        for n in _grid(self.epoch_ns, period_ns, begin_ns, end_ns):
            at_ns = self.epoch_ns + round(n * period_ns)
            if self.toggles:
                out.append(Change(at_ns, self.line, n % 2 == 0, at_ns))
                continue
            fall_ns = at_ns + round(period_ns / 2)
            out.append(Change(at_ns, self.line, level=True, cause_ns=at_ns))
            out.append(Change(fall_ns, self.line, level=False, cause_ns=at_ns))
        return out


def line_models(
    rig: RigConfig, device: str, epoch_ns: int, slow: float, own: Metronome
) -> list[Exposures | Ticks]:
    """Return what happens on a board's inputs, from their names in the rig file.

    Parameters
    ----------
    device
        Name of the board in the rig file.
    epoch_ns
        Host time at which the world began.
    slow
        World time runs so many times slower than host time.
    own
        This board's camera trigger.
    """
    config = rig.harp_devices[device]
    models: list[Exposures | Ticks] = []
    for name, line in (config.inputs.lines if config.inputs else {}).items():
        if line.sync_source is not None:
            continue
        camera = name.removeprefix(_EXPOSURE_PREFIX)
        if name.startswith(_EXPOSURE_PREFIX) and camera in rig.cameras:
            models.append(_exposures(rig, device, camera, line, own))
            continue
        rate_hz = line.rate_hz or (IMAGING_RATE_HZ if name == _FRAME_CLOCK else None)
        toggles = line.edges == "both"
        models.append(Ticks(input_line(line.pin), epoch_ns, slow, rate_hz, toggles))
    return models


def _exposures(
    rig: RigConfig, device: str, camera: str, line: InputLine, own: Metronome
) -> Exposures:
    basler = rig.cameras[camera]
    metronome = Metronome(own.epoch_ns, _NS_PER_S / rig.camera_rate_hz(camera), 0)
    exposure_us = _DEFAULT_EXPOSURE_US
    if isinstance(basler, BaslerConfig):
        exposure_us = basler.exposure_us
        trigger = basler.trigger
        if not isinstance(trigger, FreeRunning) and trigger.source == device:
            metronome = own
    return Exposures(input_line(line.pin), metronome, round(exposure_us * 1000))
