"""What really happened on the simulated boards, so that a recording can be judged.

For a signal it is enough to know when each run began, how the board's clock went and
how late the signal is: the time that every sample shows follows. Edges are listed one
by one, and so are the exposures of simulated cameras (`camera_truth`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from rig.sim.twins.harp_signals import SampleRun, sample_counts

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from rig.devices.harp_samples import SampleSource
    from rig.sim.twins.device_clock import DeviceClock
    from rig.sim.world import World

__all__ = ["BoardTruth", "HarpTruth", "board_truth"]

_FORMAT = "springhare-harp-truth/1"


@dataclass(slots=True)
class BoardTruth:
    """One board's truth while it is being made."""

    runs: list[SampleRun] = field(default_factory=list)
    edges: list[tuple[int, int, bool, int, int]] = field(default_factory=list)
    """(number, line, level, device time in us, host time in ns) of reported edges."""
    offsets: list[tuple[int, int]] = field(default_factory=list)
    """(host time in ns, device time minus board time in us) since then."""
    faults: list[tuple[int, str]] = field(default_factory=list)
    """(host time in ns, what was done)."""


def board_truth(truth: BoardTruth, clock: DeviceClock) -> dict[str, Any]:
    """Return a board's truth as plain data."""
    host_ns, board_us = clock.knots
    numbers, lines, levels, device_us, edge_ns = (
        (list(column) for column in zip(*truth.edges, strict=True))
        if truth.edges
        else ([], [], [], [], [])
    )
    return {
        "clock": {"host_ns": host_ns.tolist(), "board_us": board_us.tolist()},
        "errors": asdict(clock.errors),
        "offsets": [{"host_ns": at, "offset_us": us} for at, us in truth.offsets],
        "runs": [asdict(run) for run in truth.runs],
        "edges": {
            "number": numbers,
            "line": lines,
            "level": levels,
            "device_us": device_us,
            "host_ns": edge_ns,
        },
        "faults": [{"host_ns": at, "fault": what} for at, what in truth.faults],
    }


class HarpTruth:
    """The truth of a simulated session's boards.

    Parameters
    ----------
    epoch_ns
        Host time at which the world began; None if it did not.
    slow
        World time runs so many times slower than host time.
    boards
        By device, as of `board_truth`.
    cameras
        By name, as of `rig.sim.twins.camera_truth.gather_frames`.
    """

    def __init__(
        self,
        epoch_ns: int | None,
        slow: float,
        boards: dict[str, dict[str, Any]],
        cameras: dict[str, dict[str, Any]] | None = None,
    ) -> None:
        self.epoch_ns = epoch_ns
        self.slow = slow
        self.boards = boards
        self.cameras = cameras or {}

    @staticmethod
    def read(path: Path) -> HarpTruth:
        """Read a truth file."""
        data = msgspec.json.decode(path.read_bytes())
        cameras = data.get("cameras")
        return HarpTruth(data["epoch_ns"], data["slow"], data["boards"], cameras)

    def write(self, path: Path) -> None:
        """Write a truth file."""
        data = {
            "format": _FORMAT,
            "epoch_ns": self.epoch_ns,
            "slow": self.slow,
            "boards": self.boards,
            "cameras": self.cameras,
        }
        path.write_bytes(msgspec.json.encode(data))

    def world_s(self, host_ns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the world's time; 0 before it began."""
        if self.epoch_ns is None:
            return np.zeros_like(host_ns)
        return np.maximum(host_ns - self.epoch_ns, 0.0) / (self.slow * 1e9)

    def device_us(
        self, device: str, host_ns: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return what a board's clock showed at host times (n,), resets included."""
        board = self.boards[device]
        clock_us, clock_ns = board["clock"]["board_us"], board["clock"]["host_ns"]
        shown = np.interp(host_ns, clock_ns, clock_us)
        changed = np.array([one["host_ns"] for one in board["offsets"]])
        offsets = np.array([0, *(one["offset_us"] for one in board["offsets"])])
        return shown + offsets[np.searchsorted(changed, host_ns, side="right")]

    def sample_host_ns(
        self, device: str, stream: str, numbers: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return the host times that samples show, by the device's own numbers (n,).

        That is when they were taken, less the signal's constant delay.
        """
        board = self.boards[device]
        runs = [SampleRun(**run) for run in board["runs"] if run["stream"] == stream]
        clock_us, clock_ns = board["clock"]["board_us"], board["clock"]["host_ns"]
        firsts = np.array([run.first_number for run in runs])
        which = np.searchsorted(firsts, numbers, side="right") - 1
        host_ns = np.empty(len(numbers))
        for k, run in enumerate(runs):
            board_us = run.board_us(numbers[which == k])
            host_ns[which == k] = np.interp(board_us, clock_us, clock_ns)
            host_ns[which == k] -= 1e3 * run.delay_us
        return host_ns

    def sample_world_s(
        self, device: str, stream: str, numbers: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return the world's times that samples show, by the device's own numbers."""
        return self.world_s(self.sample_host_ns(device, stream, numbers))

    def frames(self, camera: str) -> dict[str, NDArray[np.int64]]:
        """Return a camera's exposures (n,), as of `gather_frames`, by column."""
        columns = self.cameras[camera]["frames"]
        return {name: np.array(column, np.int64) for name, column in columns.items()}

    def frame_middle_ns(
        self, camera: str, arrival_ns: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return the true host time of the middle of recorded frames' exposures (n,).

        Parameters
        ----------
        arrival_ns
            Their recorded `host_ns`, by which frames are told apart.

        Raises
        ------
        KeyError
            If the camera delivered no such frame.
        """
        frames = self.frames(camera)
        middles = dict(
            zip(
                frames["arrival_ns"].tolist(), frames["middle_ns"].tolist(), strict=True
            )
        )
        return np.array([middles[at_ns] for at_ns in arrival_ns.tolist()], np.int64)

    def samples(
        self,
        world: World,
        device: str,
        source: SampleSource,
        numbers: NDArray[np.int64],
    ) -> NDArray[np.int16]:
        """Return what the board sampled, (n, channels of the source)."""
        world_s = self.sample_world_s(device, source.stream, numbers)
        counts = sample_counts(world, source, world_s, numbers)
        return counts[:, : len(source.channels)]
