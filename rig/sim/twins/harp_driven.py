"""What hangs on a board's output lines: LEDs before cameras, wires to channels.

Only lines that the rig file wires to something are followed. The sync line is told a
segment ahead, so that no picture has to wait for a busy process; an actuator's line
when it changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rig.config.rig import EmgTestPulse
from rig.devices.harp_registers import SYNC_LINE
from rig.sim.twins.line_log import LineLog, line_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from rig.config.rig import ForceTestPulse, RigConfig
    from rig.devices.harp_samples import SampleSource
    from rig.devices.inputs import Line
    from rig.sim.twins.line_track import LineTrack

__all__ = ["DrivenLines", "WiredPulse", "pulse_wire"]

_LIMITS = np.iinfo(np.int16)


class DrivenLines:
    """The outputs of one board that something is wired to.

    Parameters
    ----------
    rig
        The rig.
    device
        Name of the board in it.
    lines
        The board's lines by number, as of its plan.
    epoch_path
        File of the world's beginning: others look for the lines beside it.
    """

    def __init__(
        self,
        rig: RigConfig,
        device: str,
        lines: Mapping[int, Line],
        epoch_path: Path,
    ) -> None:
        wired = set(_wired_lines(rig, device))
        self._logs = {
            number: LineLog(line_path(epoch_path, device, line.name))
            for number, line in lines.items()
            if line.name in wired
        }
        self._numbers = {line.name: number for number, line in lines.items()}

    def drive(self, line: int, level: bool, host_ns: int) -> None:
        """Take note that an output has changed."""
        if line in self._logs:
            self._logs[line].change([(host_ns, level)])

    def foresee_sync(
        self, host_ns: NDArray[np.int64], levels: NDArray[np.bool_]
    ) -> None:
        """Take note of what the sync line will do, unless it is stopped."""
        if SYNC_LINE in self._logs:
            changes = zip(host_ns.tolist(), levels.tolist(), strict=True)
            self._logs[SYNC_LINE].change(changes)

    def stop_sync(self, host_ns: int) -> None:
        """Take note that the sync line is low from now on."""
        if SYNC_LINE in self._logs:
            self._logs[SYNC_LINE].cut(host_ns)

    def track(self, name: str) -> LineTrack:
        """Return when a wired line was high."""
        return self._logs[self._numbers[name]].track


def _wired_lines(rig: RigConfig, device: str) -> Iterator[str]:
    for camera in rig.cameras.values():
        if camera.led is not None and camera.led.source == device:
            yield camera.led.line
    for name, board in rig.harp_devices.items():
        for part in (board.emg, board.force_plate):
            pulse = part.test_pulse if part and rig.simulation.calibrating else None
            if pulse is not None and (pulse.source or name) == device:
                yield pulse.line


@dataclass(frozen=True, slots=True)
class WiredPulse:
    """A wire from a line to a channel; the channel shows the line besides its own."""

    column: int
    """Of the channel."""
    counts: float
    """What a high line adds."""
    line: Callable[[], LineTrack]
    """Gives the line as it was up to now."""

    def add(
        self,
        samples: NDArray[np.int16],
        shown_ns: NDArray[np.float64],
        period_ns: float,
    ) -> None:
        """Add the line to samples.

        Parameters
        ----------
        samples
            (n, channels), changed in place.
        shown_ns
            Host time that each sample shows (n,): the middle of a period over which
            the converter takes the mean.
        """
        half_ns = 0.5 * period_ns
        lit = self.line().high_fractions(shown_ns - half_ns, shown_ns + half_ns)
        exact = samples[:, self.column] + np.rint(self.counts * lit)
        samples[:, self.column] = np.clip(exact, _LIMITS.min, _LIMITS.max)


def pulse_wire(
    rig: RigConfig,
    device: str,
    source: SampleSource,
    line: Callable[[str, str], LineTrack],
) -> WiredPulse | None:
    """Return the wire to one of a signal's channels, if one is plugged in.

    Parameters
    ----------
    device
        Name of the board that samples the signal.
    line
        Gives a (board, line) as it was up to now.
    """
    if not rig.simulation.calibrating:
        return None
    board = rig.harp_devices[device]
    part = board.emg if source.stream.endswith("/emg") else board.force_plate
    pulse = part.test_pulse if part else None
    if pulse is None:
        return None
    column = source.channels.index(pulse.channel)
    return WiredPulse(
        column,
        _amplitude(pulse) / source.scale[column],
        lambda: line(pulse.source or device, pulse.line),
    )


def _amplitude(pulse: EmgTestPulse | ForceTestPulse) -> float:
    """Return how high a pulse is, in the units of its channel."""
    if isinstance(pulse, EmgTestPulse):
        return pulse.amplitude_uv
    return pulse.amplitude_mn
