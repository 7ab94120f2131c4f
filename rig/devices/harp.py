"""A Harp board as a node: signals, edges, triggers, actuator, sync line on one clock.

::

    board ──bytes──▶ reading thread ──▶ rings of signals and events
                          │ queues
                          ▼
    decisions ──▶ node's loop ──▶ rings of acknowledgements, losses, clock models
                          │ commands
                          ▼
                        board

A board that is unplugged is waited for; what was missed meanwhile is recorded as
lost. When this process or the one that decides dies or hangs, the board brings its
outputs low by itself (`rig.devices.dead_man`).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from rig.config.rig import HarpConfig
from rig.devices.actuator import Actuator
from rig.devices.clock_rows import PATIENCE_NS, clock_row
from rig.devices.harp_board import Board
from rig.devices.harp_commands import Commands
from rig.devices.harp_intake import Intake
from rig.devices.harp_plan import plan_board
from rig.devices.harp_port import BytePort, SerialPort
from rig.devices.harp_presence import Presence
from rig.devices.harp_registers import registers
from rig.devices.sync_line import session_seed
from rig.errors import DeviceError, StreamError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rig.bus.directory import StreamDirectory, StreamWriter
    from rig.devices.clock_rows import Exchange
    from rig.messages import StreamSpec, StreamStatus
    from rig.node import NodeContext
    from sync.online import ClockState

__all__ = ["HarpDevice"]

_TURN_MS = 20
_COUNT_NS = 500_000_000
_FIRST_TIME_NS = 500_000_000

logger = logging.getLogger(__name__)


class HarpDevice:
    """The node of one Harp board.

    Parameters
    ----------
    context
        What the node is given; `config` is the device's section of the rig file.
    open_port
        Makes the way to the board from the rig file's port.
    """

    def __init__(
        self,
        context: NodeContext,
        open_port: Callable[[str], BytePort] = SerialPort,
    ) -> None:
        self._config = HarpConfig.model_validate(dict(context.config))
        self._clock = context.clock
        self._open_port = open_port
        seed = session_seed(context.session)
        self._plan = plan_board(context.name, self._config, seed)
        self._intake = Intake(self._plan)
        self._presence = Presence(
            self._plan,
            self._intake,
            self._connect,
            self._clock,
            self._config.reconnect_s,
        )
        self._armed = bool(context.task.get("armed", True))
        self._commands: Commands | None = None
        self._writers: dict[str, StreamWriter] = {}
        self._running = False
        self._clock_row_ns = self._count_ns = 0

    def open(self) -> Sequence[StreamSpec]:
        """Connect to the board, check and set it up; declare the streams.

        Raises
        ------
        DeviceError
            If the board is not there, is another one or refuses a setting.
        VersionError
            If its firmware or register map is not ours.
        """
        self._presence.open()
        return self._plan.specs(self._config.ring_seconds)

    def attach(self, streams: StreamDirectory) -> None:
        """Take the writers, and the decisions where this board has the actuator."""
        specs = self._plan.specs(self._config.ring_seconds)
        self._writers = {spec.name: streams.writer(spec.name) for spec in specs}
        self._intake.attach(self._writers)
        if self._config.actuator is not None:
            timeout_ns = round(self._config.acknowledge_timeout_ms * 1e6)
            self._commands = Commands(
                Actuator(self._config.actuator, timeout_ns),
                self._presence,
                self._intake,
                self._clock,
                streams,
                self._writers["acknowledgements"].append,
                dead_man_ns=round(self._config.actuator.dead_man_ms * 1e6),
                armed=self._armed,
            )

    def start(self) -> None:
        """Start all streams of the board at one instant, numbered from 0."""
        self._presence.start()
        self._running = True
        if self._commands is not None:
            self._learn_time()

    def step(self) -> None:
        """Carry out decisions, record answers and losses, look after board and clock.

        Raises
        ------
        DeviceError
            If the board was unplugged and did not come back in time.
        """
        self._wait()
        self._presence.look()
        self._serve()
        now_ns = self._clock.now()
        self._ask_time(now_ns)
        if now_ns >= self._clock_row_ns:
            self._write_clock()
        if now_ns >= self._count_ns:
            self._count_ns = now_ns + _COUNT_NS
            self._count(self._troubles())

    def stop(self) -> None:
        """Stop acquiring, answer every decision, bring outputs low, close streams."""
        if self._running:
            self._running = False
            self._presence.stop_samples()
            self._serve()
            while self._commands is not None and self._commands.waiting:
                self._wait()
                self._serve()
            self._presence.rest()
            self._serve()
            self._write_clock()
        self._serve()
        self._count({**self._troubles(), **self._presence.counters()})
        for writer in self._writers.values():
            writer.close()

    def close(self) -> None:
        """Let go of board, streams and sockets; may be called twice."""
        self._presence.close()
        if self._commands is not None:
            self._commands.close()
        self._intake.attach({})
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def reads(self) -> Mapping[str, StreamStatus]:
        """Return how the node stands with the decisions."""
        return {"decisions": self._commands.status} if self._commands else {}

    def metrics(self) -> Mapping[str, float]:
        """Return the clock, the link's quality and the commands that wait."""
        model = self._intake.clock.state
        return {
            "plugged_in": float(self._presence.board is not None),
            **{name: float(count) for name, count in self._troubles().items()},
            "round_trip_us": self._intake.round_trip_ns / 1e3,
            "clock_sd_us": model.sd_ns / 1e3 if model else 0.0,
            "clock_skew_ppm": model.skew_ppb / 1e3 if model else 0.0,
            "commands_waiting": float(self._commands.waiting if self._commands else 0),
            **self._permission(),
        }

    def handle(self, name: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Carry out ``stop_triggers``, or ``arm`` and ``disarm`` the outputs.

        Without triggers the cameras get no more, and all else goes on; disarmed, the
        outputs are low at once and nothing is fired.

        Raises
        ------
        StreamError
            If something else is asked.
        """
        del arguments
        if name == "stop_triggers":
            if self._running:
                self._presence.stop_triggers()
        elif name in {"arm", "disarm"} and self._commands is not None:
            self._commands.arm(armed=name == "arm")
            return {"armed": name == "arm"}
        else:
            known = "stop_triggers" + (", arm, disarm" if self._commands else "")
            msg = f"Expected a request among {known}, got {name!r}"
            raise StreamError(msg)
        return {}

    def _connect(self) -> Board:
        board = Board(
            self._plan,
            self._open_port(self._config.port),
            self._config.port,
            self._clock,
            self._intake.on_message,
        )
        board.connect()
        return board

    def _wait(self) -> None:
        if self._commands is not None:
            self._commands.wait(_TURN_MS)
        else:
            self._intake.news.wait(_TURN_MS / 1e3)
        self._intake.news.clear()

    def _serve(self) -> None:
        if self._commands is not None:
            self._commands.serve()
        losses = self._intake.losses
        while losses and self._writers:
            self._writers[self._plan.losses].append(losses.popleft())
        exchanges = self._intake.exchanges
        while exchanges and self._writers:
            exchange, state = exchanges.popleft()
            self._write_clock(state, exchange)

    def _learn_time(self) -> None:
        """Wait for the board's first word about its time: a command needs it."""
        until_ns = self._clock.now() + _FIRST_TIME_NS
        while self._intake.clock.state is None and self._clock.now() < until_ns:
            self._ask_time(self._clock.now())
            self._intake.news.wait(0.001)

    def _permission(self) -> dict[str, float]:
        """Return what lets the outputs be driven, as the board said last."""
        flags, actuator = self._intake.output_flags, self._config.actuator
        if flags is None or actuator is None:
            return {}
        known = registers.OutputFlags
        found = {"permitted": float(bool(flags & known.PERMITTED))}
        if actuator.arm_line is not None:
            found["key_on"] = float(bool(flags & known.KEY_ON))
        return found

    def _ask_time(self, now_ns: int) -> None:
        questions, board = self._intake.questions, self._presence.board
        if board is None or not questions.due(now_ns):
            return
        questions.ask(self._clock.now())
        try:
            board.ask_time()
        except DeviceError as error:
            logger.warning("%s: %s", self._plan.device, error)
            self._presence.lose()

    def _write_clock(
        self, state: ClockState | None = None, exchange: Exchange | None = None
    ) -> None:
        """Write how the clock stands; by default without an exchange, as of now."""
        state, now_ns = state or self._intake.clock.state, self._clock.now()
        if state is None or not self._writers:
            return
        self._clock_row_ns = now_ns + PATIENCE_NS
        self._writers[self._plan.clocks].append(clock_row(state, now_ns, exchange))

    def _troubles(self) -> dict[str, int]:
        model, unplugged = self._intake.clock.state, self._presence.unplugged
        segments = model.segment if model else unplugged
        return {
            "bad_messages": self._presence.bad,
            "unplugged": unplugged,
            "clock_jumps": max(segments - unplugged, 0),
            "late_answers": self._commands.late if self._commands else 0,
        }

    def _count(self, totals: Mapping[str, int]) -> None:
        """Bring the counters in the ring's header up to these totals."""
        writer = self._writers.get(self._plan.losses)
        if writer is None:
            return
        held = writer.counters
        for name, total in totals.items():
            writer.count(name, total - held[name])
