"""One simulated board: registers and outputs, signals and lines, and its faults.

Times: host time in ns rules; the board's own time in us follows from its clock; the
device time that messages carry is board time plus an offset that a reset changes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from rig.devices.harp_plan import plan_board
from rig.devices.harp_registers import SYNC_LINE, input_line, registers
from rig.sim.twins.harp_core import BoardCore
from rig.sim.twins.harp_driven import DrivenLines, pulse_wire
from rig.sim.twins.harp_faults import FaultPlayer
from rig.sim.twins.harp_key import KeySwitch
from rig.sim.twins.harp_lines import Change, Metronome
from rig.sim.twins.harp_outputs import NO_EDGE_US
from rig.sim.twins.harp_schedule import LineSchedule
from rig.sim.twins.harp_signals import SampleRun, SampleTrain
from rig.sim.twins.harp_truth import BoardTruth
from rig.sim.world.noise import uniform

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rig.config.fault_script import ScriptedFault
    from rig.config.rig import RigConfig
    from rig.devices.harp_samples import SampleSource
    from rig.sim.epoch import Epoch
    from rig.sim.twins.device_clock import DeviceClock
    from rig.sim.twins.line_track import LineTrack
    from rig.sim.world import World

__all__ = ["Simulation", "TwinBoard"]

_AHEAD_US = 250_000
_EDGES = int(registers.StreamFlags.EDGES)
_TRIGGER = int(registers.StreamFlags.CAMERA_TRIGGER)
_SYNC = int(registers.StreamFlags.SYNC)
_DELAY_LANE = 500
_NEVER_NS = 1 << 62


@dataclass(frozen=True, slots=True)
class Simulation:
    """What all boards of a simulated rig share."""

    rig: RigConfig
    world: World
    epoch: Epoch
    seed: int
    delay_us: float = 150.0
    """Mean of the random delay of each message on its way."""
    boards: dict[str, TwinBoard] = field(default_factory=dict[str, "TwinBoard"])
    """All of them, by device: lines lead from one to another."""


@dataclass(slots=True)
class _SyncWire:
    """A wire from a sync line to an input."""

    line: int
    source: str
    heard: int = 0
    """How many edges have gone through it."""


class TwinBoard:
    """A board that looks into the world.

    Parameters
    ----------
    name
        The device in the rig file.
    simulation
        What it shares with the others.
    clock
        Its own clock.
    faults
        The script; what is not this board's is left out.
    keep_edges
        Whether the truth lists every edge.
    """

    def __init__(
        self,
        name: str,
        simulation: Simulation,
        clock: DeviceClock,
        faults: Sequence[ScriptedFault] = (),
        *,
        keep_edges: bool = False,
    ) -> None:
        self.name = name
        self.clock = clock
        self.truth = BoardTruth()
        self.plugged = True
        """Whether a host could reach it now."""
        self._simulation = simulation
        self._keep_edges = keep_edges
        config = simulation.rig.harp_devices[name]
        plan = plan_board(name, config)
        self._sources = {int(source.flag): source for source in plan.sources}
        self._lane = _DELAY_LANE + list(simulation.rig.devices).index(name)
        self._faults = FaultPlayer(
            [fault for fault in faults if fault.device == name], simulation.seed
        )
        self._out: list[bytes] = []
        self._trains: dict[int, SampleTrain] = {}
        self._schedule = LineSchedule(
            simulation.rig,
            name,
            simulation.epoch,
            lambda numbers: self._delay_us(0, numbers),
        )
        inputs = config.inputs.lines if config.inputs else {}
        self._wires = [
            _SyncWire(input_line(line.pin), line.sync_source)
            for line in inputs.values()
            if line.sync_source is not None
        ]
        self._sync_edges: list[tuple[int, bool]] = []
        self._key = KeySwitch(config)
        self._driven = DrivenLines(
            simulation.rig, name, plan.lines, simulation.epoch.path
        )
        self._change_ns = 0
        self._back_ns = _NEVER_NS
        self._now_ns = clock.started_ns
        self.core = self._boot(self._now_us)
        simulation.boards[name] = self

    def _boot(self, now_us: int) -> BoardCore:
        return BoardCore(
            self._transmit,
            self._streams_changed,
            self._note,
            now_us,
            self._synced,
            self._foresee,
            self._drive,
            self._key.sense,
        )

    @property
    def _now_us(self) -> int:
        return self.clock.now_us(self._now_ns)

    # -- what the host's side does

    def feed(self, data: bytes, now_ns: int) -> None:
        """Take bytes from the host."""
        self._now_ns = now_ns
        self.core.feed(data, self._now_us)

    def hang_up(self, now_ns: int) -> None:
        """Notice that the host is gone: it cannot be sent anything."""
        self._now_ns = now_ns
        self.core.rest(self._now_us)
        self._out.clear()

    def turn(self, now_ns: int) -> bytes:
        """Do what is due and return what is to be sent."""
        self._now_ns = now_ns
        now_us = self._now_us
        self._play_faults(now_ns, now_us)
        if not self.plugged:
            self._out.clear()
            return b""
        self.core.poll(now_us)
        if self.core.streams & _EDGES:
            self._change_lines(now_ns)
        self._send_blocks(now_us)
        data = b"".join(self._out)
        self._out.clear()
        return data

    def due_ns(self) -> int:
        """Return the host time at which `turn` has something to do next."""
        due_ns = min(self._faults.due_ns, self._back_ns, self._key.due_ns)
        if not self.plugged:
            return due_ns
        due_us = self.core.due_us()
        for train in self._trains.values():
            due_us = min(due_us, train.next_due_us)
        if due_us < NO_EDGE_US:
            due_ns = min(due_ns, self.clock.due_ns(due_us, self._now_ns))
        return min(due_ns, self._schedule.due_ns())

    # -- what is sent

    def _transmit(self, message: bytes) -> None:
        kept = self._faults.spoil(message)
        if kept is not None:
            self._out.append(kept)

    def _send_blocks(self, now_us: int) -> None:
        begun = self._simulation.epoch.began_ns() is not None
        for train in self._trains.values():
            block_us = 20 * train.run.period_ns // 1000
            known = begun and train.wire is None
            ahead_us = max(_AHEAD_US, block_us) if known else 0
            messages = train.take(now_us, ahead_us, self.core.offset_us)
            if messages is None:
                continue
            if self._faults.spoiling:
                for message in messages:
                    self._transmit(message.tobytes())
            else:
                self._out.append(messages.tobytes())
            self._count(train)

    def _count(self, train: SampleTrain) -> None:
        register = train.source.number_register.address
        self.core.values[register] = train.next_number & 0xFFFFFFFF

    # -- lines

    def _change_lines(self, now_ns: int) -> None:
        self._hear_sync_lines(now_ns)
        masks = self.core.values
        rising = masks[registers.RisingMask.address]
        falling = masks[registers.FallingMask.address]
        self._tell(self._schedule.take(now_ns, rising, falling))

    def _tell(self, changes: Sequence[Change]) -> None:
        for change in changes:
            self._change_ns = change.host_ns
            at_us = self.clock.now_us(change.host_ns)
            self.core.edge(change.line, change.level, at_us)
        self._change_ns = 0

    def sync_edges(self, now_ns: int) -> list[tuple[int, bool]]:
        """Return (host time, level) of all edges of its sync line so far."""
        if self.plugged:
            self.core.poll_sync(self.clock.now_us(now_ns))
        return self._sync_edges

    def output(self, name: str, now_ns: int) -> LineTrack:
        """Return when one of its wired outputs was high so far."""
        if self.plugged:
            self.core.outputs.poll(self.clock.now_us(now_ns))
        return self._driven.track(name)

    def _drive(self, line: int, level: bool, at_us: int) -> None:
        self._driven.drive(line, level, self._to_host(at_us))

    def _foresee(self, at_us: NDArray[np.int64], levels: NDArray[np.bool_]) -> None:
        host_ns = self.clock.host_ns(at_us).astype(np.int64) + 1  # as of one edge
        self._driven.foresee_sync(host_ns, levels)

    def _synced(self, level: bool, at_us: int) -> None:
        host_ns = self._to_host(at_us)
        self._sync_edges.append((host_ns, level))
        self._hear(SYNC_LINE, level, host_ns)

    def _hear(self, line: int, level: bool, host_ns: int) -> None:
        """Let a change wait among the others: a board tells them in order."""
        register = registers.RisingMask if level else registers.FallingMask
        if self.core.values[register.address] >> line & 1:
            self._schedule.hear(Change(host_ns, line, level, host_ns))

    def _hear_sync_lines(self, now_ns: int) -> None:
        for wire in self._wires:
            edges = self._simulation.boards[wire.source].sync_edges(now_ns)
            for host_ns, level in edges[wire.heard :]:
                self._hear(wire.line, level, host_ns)
            wire.heard = len(edges)

    def _note(self, number: int, line: int, level: bool, at_us: int) -> None:
        if self._keep_edges:
            host_ns = self._change_ns or self._to_host(at_us)
            device_us = self.core.device_us(at_us)
            self.truth.edges.append((number, line, level, device_us, host_ns))

    # -- streams

    def _streams_changed(self, old: int, new: int, now_us: int) -> None:
        begun, ended = new & ~old, old & ~new
        if begun:
            self._begin(begun)
        if ended & _TRIGGER:
            self._schedule.stop_triggers(self._now_ns)
        if ended & _SYNC:
            self._driven.stop_sync(self._to_host(now_us))
            self._tell(self._schedule.take_line(SYNC_LINE))
        if ended & _EDGES:
            self._schedule.stop()
        for flag, source in self._sources.items():
            if begun & flag:
                self._start_signal(flag, source, now_us)
            elif ended & flag and flag in self._trains:
                self._send_blocks(now_us)
                self._count(self._trains.pop(flag))

    def _begin(self, begun: int) -> None:
        """Begin the world where that is this board's part, and the lines."""
        self._faults.begin(self._now_ns)
        epoch = self._simulation.epoch
        if begun & _TRIGGER:
            values = self.core.values
            metronome = Metronome(
                epoch.begin(self._now_ns),
                values[registers.CameraTriggerPeriod.address],
                values[registers.CameraTriggerWidth.address] * 1000,
                dither_ns=values[registers.CameraTriggerDither.address],
                seed=values[registers.SyncSeed.address],
            )
            self._faults.disturb(metronome)
            self._schedule.start_triggers(metronome)
        elif not self._simulation.rig.trigger_sources:
            epoch.begin(self._now_ns)
        if begun & _EDGES:
            self._schedule.start(self._now_ns)
            for wire in self._wires:
                source = self._simulation.boards[wire.source]
                wire.heard = len(source.sync_edges(self._now_ns))

    def _start_signal(self, flag: int, source: SampleSource, now_us: int) -> None:
        values = self.core.values
        rig, boards = self._simulation.rig, self._simulation.boards
        signal = source.stream.removeprefix("signals/")
        run = SampleRun(
            stream=source.stream,
            started_us=now_us,
            first_number=values[source.number_register.address],
            period_ns=values[source.period_register.address],
            delay_us=rig.simulation.delays_us.get(signal, 0.0),
        )
        self.truth.runs.append(run)
        self._trains[flag] = SampleTrain(
            run,
            source,
            self._simulation.world,
            self.clock,
            self._world_s,
            lambda blocks: self._delay_us(flag, blocks),
            pulse_wire(
                rig,
                self.name,
                source,
                lambda board, line: boards[board].output(line, self._now_ns),
            ),
        )

    def _delay_us(self, flag: int, blocks: NDArray[np.int64]) -> NDArray[np.float64]:
        draw = uniform(self._simulation.seed, self._lane * 8 + flag, blocks)
        return -self._simulation.delay_us * np.log(draw)

    def _world_s(self, host_ns: NDArray[np.float64]) -> NDArray[np.float64]:
        epoch_ns = self._simulation.epoch.began_ns()
        if epoch_ns is None:
            return np.zeros_like(host_ns)
        slow = self._simulation.epoch.slow
        return np.maximum(host_ns - epoch_ns, 0.0) / (slow * 1e9)

    def _to_host(self, board_us: int) -> int:
        return int(self.clock.host_ns(board_us)) + 1

    # -- faults

    def _play_faults(self, now_ns: int, now_us: int) -> None:
        self._turn_key(self._key.turn(now_ns))
        if now_ns >= self._back_ns:
            self._back_ns = _NEVER_NS
            self.plugged = True
            self.truth.faults.append((now_ns, "plugged in"))
        for fault in self._faults.due(now_ns):
            self.truth.faults.append((now_ns, fault.fault))
            if fault.fault == "key_off":
                self._turn_key(self._key.turn_off(now_ns, fault.seconds))
            elif fault.fault == "unplug":
                self._unplug(now_ns, now_us, fault.seconds)
            elif fault.fault == "clock_reset":
                self._reset_clock(now_ns, now_us)
                for train in self._trains.values():
                    train.forget()

    def _turn_key(self, changes: Sequence[Change]) -> None:
        for change in changes:
            self._hear(change.line, change.level, change.host_ns)

    def _unplug(self, now_ns: int, now_us: int, seconds: float) -> None:
        """Cut the power: what comes back is a board that has just started."""
        self.core.rest(now_us)
        self.core = self._boot(now_us)
        self._reset_clock(now_ns, now_us)
        self._schedule.reset()
        self.plugged = False
        self._back_ns = now_ns + round(seconds * 1e9)

    def _reset_clock(self, now_ns: int, now_us: int) -> None:
        self.core.set_time(0, now_us)
        self.truth.offsets.append((now_ns, self.core.offset_us))
