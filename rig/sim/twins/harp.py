"""The simulated Harp boards of a rig, served over TCP on this machine.

``python -m rig.sim.twins.harp --rig RIG.json --epoch PATH …`` prints one line of
JSON with a port for each Harp device and serves until SIGTERM, or until the process
that started it is gone. One thread serves all boards: nothing here ever waits but
for the next thing that is due.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from rig.config.fault_script import ScriptedFault
from rig.config.rig import RigConfig
from rig.sim.epoch import Epoch
from rig.sim.twins.camera_truth import gather_frames, invite_frames
from rig.sim.twins.device_clock import DeviceClock, seeded_errors
from rig.sim.twins.harp_board import Simulation, TwinBoard
from rig.sim.twins.harp_truth import HarpTruth, board_truth
from rig.sim.world import World
from rig.system import end_with_parent
from sync.clock import Clock, MonotonicClock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["BoardServer", "main", "make_boards"]

_LONGEST_WAIT_NS = 20_000_000
_READ_BYTES = 4096
_MOST_UNSENT = 262_144


class _Plug:
    """Where one board can be reached."""

    def __init__(self, board: TwinBoard) -> None:
        self.board = board
        self.listener: socket.socket | None = _listen(0)
        self.port = self.listener.getsockname()[1]
        self.client: socket.socket | None = None
        self.unsent = bytearray()
        self.due_ns = 0

    @property
    def readable(self) -> list[socket.socket]:
        return [one for one in (self.listener, self.client) if one is not None]

    def turn(self, now_ns: int, ready: Sequence[socket.socket]) -> None:
        """Do what has come or is due."""
        if self.listener in ready:
            self.accept()
        if self.client in ready:
            self.receive(now_ns)
        self.send(self.board.turn(now_ns), now_ns)
        self.settle(now_ns)
        self.due_ns = min(self.board.due_ns(), now_ns + _LONGEST_WAIT_NS)

    def settle(self, now_ns: int) -> None:
        """Follow the board: unplugged it can neither be reached nor talk."""
        if not self.board.plugged:
            self.drop(now_ns)
            if self.listener is not None:
                self.listener.close()
                self.listener = None
        elif self.listener is None:
            self.listener = _listen(self.port)

    def accept(self) -> None:
        if self.listener is None:
            return
        client, _ = self.listener.accept()
        if self.client is not None:
            client.close()  # a serial port has one user
            return
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.client = client

    def receive(self, now_ns: int) -> None:
        if self.client is None:
            return
        try:
            data = self.client.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self.board.feed(data, now_ns)
        else:
            self.drop(now_ns)

    def send(self, data: bytes, now_ns: int) -> None:
        if self.client is None:
            return
        if data and len(self.unsent) > _MOST_UNSENT:
            self.board.core.dropped += 1  # the host does not read: a board drops, too
        else:
            self.unsent += data
        if not self.unsent:
            return
        try:
            sent = self.client.send(self.unsent)
        except BlockingIOError:
            return
        except OSError:
            self.drop(now_ns)
            return
        del self.unsent[:sent]

    def drop(self, now_ns: int) -> None:
        if self.client is not None:
            self.client.close()
            self.client = None
            self.unsent.clear()
            self.board.hang_up(now_ns)

    def close(self) -> None:
        for one in self.readable:
            one.close()
        self.listener = self.client = None


def _listen(port: int) -> socket.socket:
    return socket.create_server(("127.0.0.1", port), backlog=1)


class BoardServer:
    """Serves boards, each on a port of its own.

    Parameters
    ----------
    boards
        The boards.
    clock
        Host clock.
    """

    def __init__(self, boards: Sequence[TwinBoard], clock: Clock) -> None:
        self._plugs = [_Plug(board) for board in boards]
        self._clock = clock

    @property
    def urls(self) -> dict[str, str]:
        """Where each board is, by its name in the rig file."""
        return {
            plug.board.name: f"socket://127.0.0.1:{plug.port}" for plug in self._plugs
        }

    def serve(self, ending: Callable[[], bool]) -> None:
        """Serve until `ending` says so, asked at least every 20 ms."""
        while not ending():
            self.turn()

    def turn(self) -> None:
        """Wait for what comes or is due next, and do it."""
        plugs = self._plugs
        due_ns = min(plug.due_ns for plug in plugs) - self._clock.now()
        wait_s = max(0, min(due_ns, _LONGEST_WAIT_NS)) / 1e9
        reading = [one for plug in plugs for one in plug.readable]
        writing = [plug.client for plug in plugs if plug.client and plug.unsent]
        ready, _, _ = select.select(reading, writing, [], wait_s)
        now_ns = self._clock.now()
        for plug in plugs:
            spoken = plug.listener in ready or plug.client in ready
            if spoken or plug.unsent or now_ns >= plug.due_ns:
                plug.turn(now_ns, ready)

    def close(self) -> None:
        """Close all ports; may be called twice."""
        for plug in self._plugs:
            plug.close()


def make_boards(
    rig: RigConfig,
    epoch: Epoch,
    seed: int,
    now_ns: int,
    faults: Sequence[ScriptedFault] = (),
    *,
    keep_edges: bool = False,
) -> tuple[Simulation, list[TwinBoard]]:
    """Return a rig's simulated boards, each on a clock of its own.

    Parameters
    ----------
    rig
        The rig, its rates already divided by the epoch's slowness.
    epoch
        When the world begins.
    seed
        Of world, clocks and delays.
    now_ns
        Host time at which the boards are switched on.
    faults
        What goes wrong; the script's time begins with a board's first start.
    keep_edges
        Whether the truth lists every edge.
    """
    world = World(seed, rig.simulation.story, rig.simulation.period_s)
    simulation = Simulation(rig, world, epoch, seed)
    boards = [
        TwinBoard(
            name,
            simulation,
            DeviceClock(now_ns, seeded_errors(seed, k), seed * 64 + k),
            faults,
            keep_edges=keep_edges,
        )
        for k, name in enumerate(rig.harp_devices)
    ]
    return simulation, boards


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the boards of a rig; see the module's text."""
    parser = argparse.ArgumentParser(prog="python -m rig.sim.twins.harp")
    parser.add_argument("--rig", required=True, type=Path)
    parser.add_argument("--epoch", required=True, type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--slow", type=float, default=1.0)
    parser.add_argument("--faults", type=Path)
    parser.add_argument("--truth", type=Path)
    options = parser.parse_args(arguments)

    end_with_parent(os.getppid())
    ended: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: ended.append(number))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the supervisor's
    clock = MonotonicClock()
    rig = RigConfig.model_validate_json(options.rig.read_bytes())
    script = msgspec.json.decode(options.faults.read_bytes()) if options.faults else []
    epoch = Epoch(options.epoch, options.slow)
    if options.truth is not None:
        invite_frames(epoch.path, options.truth)
    _, boards = make_boards(
        rig,
        epoch,
        options.seed,
        clock.now(),
        [ScriptedFault.model_validate(fault) for fault in script],
        keep_edges=options.truth is not None,
    )
    server = BoardServer(boards, clock)
    try:
        if not _told(server.urls):
            return 0
        server.serve(lambda: bool(ended))
    finally:
        server.close()
    if options.truth is not None:
        found = {board.name: board_truth(board.truth, board.clock) for board in boards}
        frames = gather_frames(rig, options.truth)
        HarpTruth(epoch.began_ns(), epoch.slow, found, frames).write(options.truth)
    return 0


def _told(urls: Mapping[str, str]) -> bool:
    """Say where the boards are; False if nobody is there any more to hear it."""
    try:
        os.write(sys.stdout.fileno(), json.dumps(urls).encode() + b"\n")
    except BrokenPipeError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
