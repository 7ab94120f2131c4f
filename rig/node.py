"""A node: one process that does one thing, and is told when.

::

    starting ──open──▶ open ──attach──▶ ready ──start──▶ running
                                                           │ stop
        failed ◀── an error, from any state                ▼
                                        stopped ◀──── stopping

The supervisor asks for each step and waits for the answer, so that nobody
acquires before everybody is ready. A node declares its streams when it has
opened its device and knows what it will really deliver; the supervisor then
makes the rings. A node ends when the supervisor is gone.

What a node does is a `Node`; this module gives it a process, a loop, heartbeats
and an end.
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import msgspec

from rig import registry
from rig.bus.control import ControlClient
from rig.bus.directory import StreamDirectory
from rig.errors import SpringhareError, StreamError
from rig.log import log_to_file
from rig.messages import (
    Heartbeat,
    Hello,
    NodeState,
    Reply,
    Request,
    StreamSpec,
    StreamStatus,
)
from rig.system import (
    ALLOW_PRIORITY,
    end_with_parent,
    hold_one_core_per_library,
    realtime_priority,
    take_priority,
)
from sync.clock import Clock, MonotonicClock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = [
    "Finding",
    "HasFindings",
    "Node",
    "NodeContext",
    "NodeProcess",
    "TakesRequests",
    "main",
]

_HEARTBEAT_NS = 500_000_000

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NodeContext:
    """All that a node is given."""

    name: str
    """The node's name, unique in the rig; for a device its name in the rig file."""
    config: Mapping[str, Any]
    """The node's own section of the rig or task file."""
    rig: Mapping[str, Any]
    """The whole rig file."""
    task: Mapping[str, Any]
    """The whole task file."""
    session: Mapping[str, Any]
    """Identity of the session: id, subject, seed, slow, …"""
    session_folder: Path
    """The recording's folder."""
    clock: Clock = field(default_factory=MonotonicClock)


class Node(Protocol):
    """What runs in a node's process. Methods are called in the order given here."""

    def open(self) -> Sequence[StreamSpec]:
        """Open the device or model, and declare the streams that will be written.

        Raises
        ------
        SpringhareError
            If it is not there or not as configured.
        """
        ...

    def attach(self, streams: StreamDirectory) -> None:
        """Take writers and readers: all rings of the session are there. Warm up."""
        ...

    def start(self) -> None:
        """Begin to acquire or to work."""
        ...

    def step(self) -> None:
        """Do one turn; called again and again, must return within about 50 ms."""
        ...

    def stop(self) -> None:
        """Stop acquiring, publish what is left, close the streams."""
        ...

    def close(self) -> None:
        """Let go of everything; called from any state, maybe twice."""
        ...

    def reads(self) -> Mapping[str, StreamStatus]:
        """Return how the node stands with each stream that it reads."""
        ...

    def metrics(self) -> Mapping[str, float]:
        """Return figures for the live table, with units in their names."""
        ...


@dataclass(frozen=True, slots=True)
class Finding:
    """What a person should know before the session starts."""

    name: str
    ok: bool
    """A finding that is not ok does not keep the session from starting."""
    detail: str
    remedy: str = ""


@runtime_checkable
class HasFindings(Protocol):
    """A node that knows, once it is open, what may go wrong."""

    def findings(self) -> Sequence[Finding]:
        """Return what was found; asked once, after `Node.open`."""
        ...


@runtime_checkable
class TakesRequests(Protocol):
    """A node that can be asked for more than its life's steps."""

    def handle(self, name: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Carry out a request.

        Raises
        ------
        SpringhareError
            If it is unknown or cannot be done.
        """
        ...


class NodeProcess:
    """Runs a node: answers the supervisor, turns the loop, beats the heart.

    Parameters
    ----------
    name
        The node's name.
    make
        Makes the node from its context.
    link
        Connection to the supervisor.
    clock
        Host clock.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[NodeContext], Node],
        link: ControlClient,
        clock: Clock,
    ) -> None:
        self.name = name
        self.state: NodeState = "starting"
        self._make = make
        self._link = link
        self._clock = clock
        self._node: Node | None = None
        self._priority = 0
        self._ending = False
        self._beat_due_ns = 0
        self._beat_ns = clock.now()
        self._cpu_s = time.process_time()

    def end(self) -> None:
        """Ask the loop to stop the node in order and return."""
        self._ending = True

    def run(self) -> None:
        """Serve until the supervisor says ``end`` or `end` is called.

        Raises
        ------
        SpringhareError
            What made the node fail; the supervisor has been told.
        """
        try:
            while not self._ending:
                self._turn()
            if self.state == "running":
                self._stop()
        except SpringhareError as error:
            self.state = "failed"
            self._beat(str(error))
            raise
        finally:
            if self._node is not None:
                self._node.close()

    def _turn(self) -> None:
        running = self.state == "running" and self._node is not None
        message = self._link.receive(0 if running else 50)
        if isinstance(message, Request):
            self._answer(message)
        elif running and self._node is not None:
            self._node.step()
        if self._clock.now() >= self._beat_due_ns:
            self._beat()

    def _answer(self, request: Request) -> None:
        answer = partial(Reply, request_id=request.request_id, node=self.name)
        try:
            result = self._carry_out(request.name, request.arguments)
        except SpringhareError as error:
            self._link.send(answer(ok=False, error=str(error)))
            if request.name in {"open", "attach", "start", "stop"}:
                raise
        else:
            self._link.send(answer(ok=True, result=dict(result)))

    def _carry_out(self, name: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        match name:
            case "open":
                return self._open(arguments)
            case "end":
                self._ending = True
                return {}
            case "attach":
                self._require("open").attach(
                    StreamDirectory(Path(arguments["directory"]))
                )
                self.state = "ready"
                gc.freeze()  # what is there now stays: fewer and shorter collections
                return {}
            case "start":
                node = self._require("ready")
                if 0 < self._priority <= realtime_priority():
                    take_priority(self._priority)
                node.start()
                self.state = "running"
                return {"host_ns": self._clock.now()}
            case "stop":
                return self._stop()
            case _:
                return self._special(name, arguments)

    def _open(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        context = NodeContext(
            name=self.name,
            config=arguments["config"],
            rig=arguments["rig"],
            task=arguments["task"],
            session=arguments["session"],
            session_folder=Path(arguments["session_folder"]),
            clock=self._clock,
        )
        log_to_file(context.session_folder / "log" / f"{self.name}.jsonl", self._clock)
        self._node = self._make(context)
        specs = self._node.open()
        self.state = "open"
        node = self._node
        findings = node.findings() if isinstance(node, HasFindings) else ()
        self._priority = context.rig.get("realtime", {}).get(self.name, 0)
        if self._priority > realtime_priority():
            findings = (*findings, self._cannot_hurry())
        return {
            "streams": [msgspec.to_builtins(spec) for spec in specs],
            "findings": [msgspec.to_builtins(finding) for finding in findings],
        }

    def _cannot_hurry(self) -> Finding:
        most = realtime_priority()
        return Finding(
            name=f"priority of {self.name}",
            ok=False,
            detail=f"realtime asks for {self._priority}, {most or 'none'} is allowed",
            remedy=ALLOW_PRIORITY,
        )

    def _stop(self) -> Mapping[str, Any]:
        node = self._require("ready", "running")
        self.state = "stopping"
        node.stop()
        self.state = "stopped"
        return {
            "reads": msgspec.to_builtins(dict(node.reads())),
            "metrics": dict(node.metrics()),
        }

    def _special(self, name: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        if isinstance(self._node, TakesRequests):
            return self._node.handle(name, arguments)
        msg = f"Expected a request that {self.name} knows, got {name!r}"
        raise StreamError(msg)

    def _require(self, *states: NodeState) -> Node:
        if self._node is None or self.state not in states:
            wanted = " or ".join(states)
            msg = f"Expected {self.name} to be {wanted}, it is {self.state}"
            raise StreamError(msg)
        return self._node

    def _beat(self, detail: str = "") -> None:
        now, cpu_s = self._clock.now(), time.process_time()
        elapsed_s = max(now - self._beat_ns, 1) / 1e9
        cpu_percent = 100 * (cpu_s - self._cpu_s) / elapsed_s
        attached = self.state in {"ready", "running", "stopping", "stopped"}
        node = self._node if attached else None
        self._link.send(
            Heartbeat(
                node=self.name,
                state=self.state,
                host_ns=now,
                reads=dict(node.reads()) if node else {},
                metrics={
                    "cpu_percent": cpu_percent,
                    **(node.metrics() if node else {}),
                },
                detail=detail,
            )
        )
        self._beat_ns, self._cpu_s = now, cpu_s
        self._beat_due_ns = now + _HEARTBEAT_NS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one node; the supervisor starts this as a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m rig.node")
    parser.add_argument("--name", required=True)
    parser.add_argument("--kind", required=True)
    parser.add_argument("--control", required=True, type=Path)
    parser.add_argument("--parent", required=True, type=int)
    parser.add_argument("--twin", action="store_true")
    options = parser.parse_args(arguments)

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the supervisor's
    hold_one_core_per_library()
    link = ControlClient(options.control, options.name)

    def make(context: NodeContext) -> Node:
        group = "springhare.twins" if options.twin else "springhare.nodes"
        return registry.load(group, options.kind)(context)

    process = NodeProcess(options.name, make, link, MonotonicClock())

    def end(_signal: int, _frame: object) -> None:
        process.end()

    signal.signal(signal.SIGTERM, end)
    end_with_parent(options.parent)
    link.send(Hello(node=options.name, pid=os.getpid()))
    try:
        process.run()
    except SpringhareError as error:
        logger.error("%s", error)  # noqa: TRY400 - a user's fault has no traceback
        sys.stderr.write(f"{error}\n")
        return 2
    finally:
        link.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
