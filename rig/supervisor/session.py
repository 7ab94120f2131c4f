"""A session from pre-flight to verdict.

::

    pre-flight → processes → open → rings → attach → start ─▶ watch
                                                               │ stop, time, death, disk
    verdict ◀── ledger ◀── recorder ◀── sources ◀── triggers ◀─┘

Whatever happens, the processes are ended, what was not yet recorded is salvaged
and the shared memory is given back.
"""

from __future__ import annotations

import logging
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from rig.bus.control import ControlServer
from rig.bus.directory import StreamDirectory
from rig.log import log_to_file
from rig.messages import StreamSpec
from rig.recording.ledger import RECORDER
from rig.supervisor.blinding import blind_of
from rig.supervisor.children import StandIn, end_all
from rig.supervisor.crew import Crew
from rig.supervisor.disturb import Disturber
from rig.supervisor.ending import (
    StopRequest,
    close_session,
    salvage_abandoned,
    salvage_unfinished,
    stop_nodes,
)
from rig.supervisor.lock import rig_lock
from rig.supervisor.plan import Options, plan_nodes, slowed
from rig.supervisor.preflight import Check, preflight, require
from rig.supervisor.requests import (
    DECIDER,
    serve_meanwhile,
    serve_strangers,
    tell_actuator,
)
from rig.supervisor.restart import Restarter
from rig.supervisor.rings import SessionRings
from rig.supervisor.status import Status
from rig.supervisor.watch import Watch
from sync.clock import Clock, MonotonicClock, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from rig.config.rig import RigConfig
    from rig.config.session import SessionConfig
    from rig.config.task import TaskConfig
    from rig.recording.ledger import Ledger
    from rig.recording.sidecar import Verdict
    from rig.supervisor.plan import SessionPlan

__all__ = ["Result", "Session"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a session."""

    folder: Path
    session_id: str
    reason: str
    """Why the session ended, in words."""
    ledger: Ledger
    checks: Sequence[Check]

    @property
    def verdict(self) -> Verdict:
        """What the session is worth."""
        return self.ledger.verdict


class Session:
    """One run of a rig.

    Parameters
    ----------
    rig, task, session
        The three configs.
    options
        How it is run.
    observe
        Called a few times a second with the session at a glance.
    clock
        Host clock.
    plan
        Other processes than the configs ask for.
    """

    def __init__(
        self,
        rig: RigConfig,
        task: TaskConfig | None,
        session: SessionConfig,
        options: Options,
        observe: Callable[[Status], None] = lambda _: None,
        clock: Clock | None = None,
        plan: SessionPlan | None = None,
    ) -> None:
        self._rig = slowed(rig, options.slow)
        self._task = task
        self._session = session
        self._options = options
        self._observe = observe
        self._clock = clock or MonotonicClock()
        self._plan = plan or plan_nodes(self._rig, task, simulate=options.simulate)
        self._actuator = None if rig.actuator is None else rig.actuator[0]
        self._blind = blind_of(rig, task, unblind=options.unblind)
        self._key = ""
        self._stop_reason = ""
        self._phase = "pre-flight"
        self._started_utc = utc_now()
        self._started_ns = self._recording_ns = self._clock.now()
        stamp = self._started_utc.astimezone().strftime("%Y-%m-%d_%H-%M-%S")
        name = f"{stamp}_{task.name if task else 'no_task'}"
        self._data_root = rig.data_root.expanduser().resolve()
        self.folder = self._data_root / session.subject / name
        self.session_id = f"{session.subject}_{name}"
        self._ports: Mapping[str, str] = {}
        """Of the boards' stand-ins, by device."""
        self._crew: Crew | None = None
        self._rings: SessionRings | None = None
        self.checks: list[Check] = []
        """What pre-flight and then the nodes have found so far."""

    def stop(self, reason: str = "asked to stop") -> None:
        """Ask the session to end in order; safe from a signal handler."""
        self._stop_reason = self._stop_reason or reason

    def arm(self, *, armed: bool) -> None:
        """Carry fires out from now on, or no more; done at the session's next turn."""
        self._key = "arm" if armed else "disarm"

    def run(self) -> Result:
        """Run the session to its end.

        Raises
        ------
        PreflightError
            If the rig is not ready; every reason is named.
        SpringhareError
            If a node cannot be made ready. Nothing is left running.
        """
        with rig_lock(self._rig.name):
            salvage_abandoned()
            self._check()
            with ExitStack() as stack:
                streams = self._directory(stack)
                crew, specs = self._open(stack, streams)
                rings = self._attach(crew, streams, specs)
                self._start(crew, rings)
                watch = self._watch(crew, rings, streams)
                ledger = self._end(crew, rings, watch)
        return Result(
            self.folder, self.session_id, self._stop_reason, ledger, tuple(self.checks)
        )

    def rehearse(self) -> tuple[list[Check], dict[str, list[StreamSpec]]]:
        """Open every device, say what it would publish, record nothing.

        Returns
        -------
        tuple
            The checks, and the streams by node.

        Raises
        ------
        SpringhareError
            What is not ready.
        """
        with rig_lock(self._rig.name):
            self._check()
            with ExitStack() as stack:
                stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
                _, specs = self._open(stack, self._directory(stack))
        return self.checks, specs

    # -- making ready

    def _check(self) -> None:
        self._report("pre-flight")
        self.checks += preflight(self._rig, self._session, self._data_root, self.folder)
        require(self.checks)

    def _directory(self, stack: ExitStack) -> StreamDirectory:
        self.folder.mkdir(parents=True)
        handler = log_to_file(self.folder / "log" / "supervisor.jsonl", self._clock)
        stack.callback(handler.close)
        stack.callback(logging.getLogger().removeHandler, handler)
        token = f"{self._started_utc:%H%M%S}-{self._rig.name}"
        streams = StreamDirectory.create(token, self.folder)
        stack.callback(streams.remove)
        # runs after the processes have ended, whatever ended them
        stack.callback(salvage_unfinished, streams)
        return streams

    def _open(
        self, stack: ExitStack, streams: StreamDirectory
    ) -> tuple[Crew, dict[str, list[StreamSpec]]]:
        self._report("starting processes")
        server = ControlServer(streams.path / "control")
        stack.callback(server.close)
        if self._plan.stand_in:
            stand_in = self._stand_in(streams)
            stack.callback(end_all, [stand_in.process])
            self._ports = stand_in.ports
        crew = self._crew = Crew(server, self._clock, lambda: bool(self._stop_reason))
        stack.callback(crew.dismiss)  # before the boards go: none is missed
        crew.meanwhile = lambda: serve_meanwhile(crew, self._status, self.stop)
        crew.start_processes(self._plan.nodes, self.folder / "log")
        self._report("opening devices")
        results = crew.ask(
            [node.name for node in self._plan.nodes],
            "open",
            lambda name: self._open_arguments(name, streams),
        )
        self._note_findings(results)
        return crew, {
            name: [msgspec.convert(spec, StreamSpec) for spec in result["streams"]]
            for name, result in results.items()
        }

    def _note_findings(self, results: Mapping[str, Mapping[str, Any]]) -> None:
        """Take up what the nodes found when they opened; none keeps from starting."""
        for result in results.values():
            for found in result.get("findings", ()):
                self.checks.append(check := msgspec.convert(found, Check))
                if not check.ok:
                    logger.warning("%s: %s: %s", check.name, check.detail, check.remedy)

    def _stand_in(self, streams: StreamDirectory) -> StandIn:
        faults_file = streams.path / "faults.json"
        faults_file.write_bytes(msgspec.json.encode(self._faults()))
        rig_file = streams.path / "rig.json"
        rig_file.write_text(self._rig.model_dump_json(), encoding="utf-8")
        arguments = {
            "rig": rig_file,
            "epoch": streams.path / "epoch",
            "seed": self._session.seed,
            "slow": self._options.slow,
            "faults": faults_file,
        }
        if self._options.keep_truth:
            arguments["truth"] = self.folder / "truth.json"
        return StandIn.start(
            [f"--{name}={value}" for name, value in arguments.items()],
            self.folder / "log",
        )

    def _open_arguments(self, name: str, streams: StreamDirectory) -> dict[str, Any]:
        config = dict(self._plan.named(name).config)
        if name in self._ports:
            config["port"] = self._ports[name]
        return {
            "config": config,
            "rig": self._rig.model_dump(mode="json"),
            "task": self._task.model_dump(mode="json") if self._task else {},
            "session": {
                **self._session.model_dump(mode="json"),
                "session_id": self.session_id,
                "simulate": self._options.simulate,
                "slow": self._options.slow,
                "epoch_path": str(streams.path / "epoch"),
                "faults": self._faults(),
                "started_host_ns": self._started_ns,
                "started_utc": self._started_utc.isoformat(),
            },
            "session_folder": str(self.folder),
        }

    def _attach(
        self,
        crew: Crew,
        streams: StreamDirectory,
        specs: Mapping[str, Sequence[StreamSpec]],
    ) -> SessionRings:
        self._report("attaching")
        rings = self._rings = SessionRings(streams, self._clock)
        rings.make(spec for node in specs.values() for spec in node)
        crew.ask(
            [node.name for node in self._plan.nodes],
            "attach",
            lambda _: {"directory": str(streams.path)},
        )
        return rings

    def _faults(self) -> list[dict[str, Any]]:
        return [fault.model_dump(mode="json") for fault in self._options.faults]

    # -- running

    def _start(self, crew: Crew, rings: SessionRings) -> None:
        self._report("starting")
        for node in self._plan.nodes:
            if self._stop_reason:
                return
            crew.ask([node.name], "start")
            rings.note(node.name, "running")

    def _watch(
        self, crew: Crew, rings: SessionRings, streams: StreamDirectory
    ) -> Watch:
        self._recording_ns = self._clock.now()
        seconds = self._options.seconds
        watch = Watch(
            crew,
            rings,
            self._restarter(crew, streams),
            Disturber(self._options.faults),
            self.stop,
            self._clock,
            self._actuator,
            self._blind,
        )
        if self._task is not None and self._task.rules:
            word = "arm" if self._task.armed else "disarm"
            rings.note(DECIDER, word, "by the task file")
        while not self._stop_reason:
            crew.listen(100)
            serve_strangers(
                crew, rings, self._status, self.stop, self._actuator, self._started_ns
            )
            self._turn_key(crew, rings)
            elapsed_s = (self._clock.now() - self._recording_ns) / 1e9
            watch.turn(elapsed_s)
            if seconds is not None and elapsed_s > seconds:
                self.stop(f"{seconds:g} s are over")
            self._report("recording")
        watch.finish()
        return watch

    def _turn_key(self, crew: Crew, rings: SessionRings) -> None:
        word, self._key = self._key, ""
        if word:
            tell_actuator(word, "by a key of the terminal", crew, rings, self._actuator)
        if word and DECIDER in crew.children:
            crew.tell(DECIDER, word)

    def _restarter(self, crew: Crew, streams: StreamDirectory) -> Restarter:
        return Restarter(
            crew,
            self._clock,
            self.folder / "log",
            {
                "open": lambda name: self._open_arguments(name, streams),
                "attach": lambda _: {"directory": str(streams.path)},
                "start": lambda _: {},
            },
        )

    # -- ending

    def _end(self, crew: Crew, rings: SessionRings, watch: Watch) -> Ledger:
        self._report("stopping")

        def ask(names: Iterable[str], request: StopRequest = "stop") -> None:
            stop_nodes(crew, rings, watch, names, request)

        # The actuator's board goes on until the last decision is carried out.
        ask(self._rig.trigger_sources, "stop_triggers")
        ask(self._rig.cameras)
        if "inference" in crew.children:
            ask(["inference"])
        ask(self._rig.harp_devices)
        rings.note("supervisor", "stopped", self._stop_reason)
        rings.close_notes()
        ask([RECORDER])
        self._report("closing the ledger")
        ledger = close_session(
            self.folder, rings.streams, crew.children.values(), self._rig.ledger
        )
        rings.streams.remove()
        return ledger

    # -- at a glance

    def _report(self, phase: str) -> None:
        self._phase = phase
        self._observe(self._status())

    def _status(self) -> Status:
        crew = self._crew
        elapsed_s = (self._clock.now() - self._recording_ns) / 1e9
        planned_s = self._options.seconds if self._phase == "recording" else None
        status = Status(
            phase=self._phase,
            session_id=self.session_id,
            elapsed_s=elapsed_s,
            nodes=crew.figures() if crew else (),
            streams=self._rings.figures(crew.reads(RECORDER))
            if crew and self._rings
            else (),
            reason=self._stop_reason,
            looked=crew.reads(DECIDER) if crew else {},
            session_s=(self._clock.now() - self._started_ns) / 1e9,
            remaining_s=None if planned_s is None else max(0.0, planned_s - elapsed_s),
            checks=tuple(self.checks),
        )
        return self._blind.status(status) if self._blind else status
