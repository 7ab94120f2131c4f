"""The crew: the nodes of a session, asked together and heard all the time."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from rig.errors import DeviceError, StreamError
from rig.messages import Heartbeat, Hello, NodeState, Reply, Request
from rig.supervisor.children import Child, end_all
from rig.supervisor.status import NodeFigures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from rig.bus.control import ControlServer
    from rig.messages import StreamStatus
    from rig.supervisor.plan import NodePlan
    from sync.clock import Clock

__all__ = ["STATE_AFTER", "Crew"]

_HUNG_NS = 10_000_000_000
STATE_AFTER: dict[str, NodeState] = {
    "open": "open",
    "attach": "ready",
    "start": "running",
    "stop": "stopped",
}
"""State of a node that has carried out a request."""

logger = logging.getLogger(__name__)


class Crew:
    """The nodes of a session.

    Parameters
    ----------
    server
        The session's control socket.
    clock
        Host clock.
    interrupted
        Tells whether somebody asked to stop while the crew is being made ready.
    """

    def __init__(
        self, server: ControlServer, clock: Clock, interrupted: Callable[[], bool]
    ) -> None:
        self.children: dict[str, Child] = {}
        self.strangers: list[tuple[str, Request]] = []
        """Requests from programs that are not nodes, to be answered."""
        self.meanwhile: Callable[[], None] = lambda: None
        """Called again and again while nodes are waited for."""
        self._server = server
        self._clock = clock
        self._interrupted = interrupted
        self._replies: dict[int, Reply] = {}
        self._forwarded: dict[int, tuple[str, int]] = {}
        self._told: set[int] = set()
        self._next_id = 1

    def start_processes(self, plans: Iterable[NodePlan], log_folder: Path) -> None:
        """Start a process per plan and wait until each has said hello.

        Raises
        ------
        DeviceError
            If one ends instead, with its last words.
        """
        for plan in plans:
            self.children[plan.name] = Child.start(
                plan, self._server.path, log_folder, self._clock.now()
            )
        self._wait(
            lambda: all(child.connected for child in self.children.values()),
            "to start",
            self.children,
            timeout_s=120,
        )

    def replace(self, name: str, log_folder: Path, attempt: int) -> Child:
        """Start a fresh process in the place of a node's dead one; do not wait for it.

        Until it says something of its own, the last figures of the old one stand.
        """
        old = self.children[name]
        now = self._clock.now()
        child = Child.start(old.plan, self._server.path, log_folder, now, attempt)
        child.heartbeat, child.heard_ns = old.heartbeat, now
        self.children[name] = child
        return child

    def ask(
        self,
        names: Iterable[str],
        request: str,
        arguments: Callable[[str], Mapping[str, Any]] = lambda _: {},
        *,
        timeout_s: float = 120,
    ) -> dict[str, Mapping[str, Any]]:
        """Ask some nodes at once and wait for all their answers.

        Parameters
        ----------
        arguments
            Gives the arguments for each node, by name.

        Returns
        -------
        dict
            The results, by name.

        Raises
        ------
        DeviceError
            If any cannot do it, ends, or does not answer; names each and why.
        """
        ids: dict[str, int] = {}
        for name in names:
            ids[name] = self.send(name, request, arguments(name))
        self._wait(
            lambda: all(k in self._replies for k in ids.values()),
            f"to {request}",
            {name: self.children[name] for name in ids},
            timeout_s=timeout_s,
            answered=lambda name: ids[name] in self._replies,
        )
        replies = {name: self._replies.pop(k) for name, k in ids.items()}
        faults = [
            f"{name}: {reply.error}" for name, reply in replies.items() if not reply.ok
        ]
        if faults:
            raise DeviceError("\n".join(faults))
        if request in STATE_AFTER:
            # known at once: the next heartbeat may be half a second away
            for name in replies:
                self.children[name].state = STATE_AFTER[request]
        return {name: reply.result for name, reply in replies.items()}

    def send(self, name: str, request: str, arguments: Mapping[str, Any]) -> int:
        """Ask a node without waiting; return the number by which to `take_reply`.

        Raises
        ------
        StreamError
            If there is no such node.
        """
        if name not in self.children:
            msg = f"Expected a node among {', '.join(self.children)}, got {name!r}"
            raise StreamError(msg)
        k, self._next_id = self._next_id, self._next_id + 1
        self._server.send(
            name, Request(request_id=k, name=request, arguments=dict(arguments))
        )
        return k

    def tell(self, name: str, request: str) -> None:
        """Ask a node without waiting; a refusal is heard of in the log.

        Raises
        ------
        StreamError
            If there is no such node.
        """
        self._told.add(self.send(name, request, {}))

    def take_reply(self, number: int) -> Reply | None:
        """Return the answer to a request, once; None while there is none."""
        return self._replies.pop(number, None)

    def listen(self, timeout_ms: int) -> None:
        """Take in what has come; wait at most `timeout_ms` for the first of it."""
        for sender, message in self._server.receive(timeout_ms, self.children):
            match message:
                case Hello() if sender in self.children:
                    self.children[sender].connected = True
                case Heartbeat() if sender in self.children:
                    self._take_heartbeat(self.children[sender], message)
                case Reply():
                    self._take_reply(message)
                case Request():
                    self.strangers.append((sender, message))
                case _:
                    logger.warning("Message from unknown %s: %s", sender, message)

    def forward(self, client: str, request: Request, node: str) -> None:
        """Hand a client's request to a node; its answer goes back to the client."""
        k = self.send(node, request.name, request.arguments)
        self._forwarded[k] = (client, request.request_id)

    def answer(
        self, client: str, request: Request, result: Mapping[str, Any], error: str = ""
    ) -> None:
        """Answer a client's request."""
        self._server.send(
            client,
            Reply(
                request_id=request.request_id,
                node="supervisor",
                ok=not error,
                result=dict(result),
                error=error,
            ),
        )

    def newly_gone(self) -> list[Child]:
        """Return the nodes whose process has ended since the last call."""
        gone = [
            child
            for child in self.children.values()
            if not child.gone and child.process.poll() is not None
        ]
        for child in gone:
            child.gone = True
            child.state = "failed"
        return gone

    def hung(self) -> list[Child]:
        """Return the running nodes that were not heard for ten seconds."""
        now = self._clock.now()
        return [
            child
            for child in self.children.values()
            if not (child.gone or child.hung)
            and child.state == "running"
            and now - child.heard_ns > _HUNG_NS
        ]

    def reads(self, name: str) -> Mapping[str, StreamStatus]:
        """Return how a node stood with its streams at its last heartbeat."""
        child = self.children.get(name)
        return child.heartbeat.reads if child and child.heartbeat else {}

    def metrics(self, name: str) -> Mapping[str, float]:
        """Return a node's figures at its last heartbeat; empty before the first."""
        child = self.children.get(name)
        return child.heartbeat.metrics if child and child.heartbeat else {}

    def figures(self) -> list[NodeFigures]:
        """Return every node at a glance."""
        now = self._clock.now()
        return [
            NodeFigures(
                child.name,
                child.state,
                (now - child.heard_ns) / 1e9 if child.heard_ns else 0.0,
                child.heartbeat.metrics if child.heartbeat else {},
                child.cause or (child.heartbeat.detail if child.heartbeat else ""),
            )
            for child in self.children.values()
        ]

    def dismiss(self) -> None:
        """End every process; may be called twice."""
        end_all([child.process for child in self.children.values()])

    def _take_heartbeat(self, child: Child, heartbeat: Heartbeat) -> None:
        if heartbeat.host_ns < child.started_ns:
            return  # of the process in whose place this one is
        child.heartbeat, child.state = heartbeat, heartbeat.state
        child.heard_ns = self._clock.now()

    def _take_reply(self, reply: Reply) -> None:
        if reply.request_id in self._told:
            self._told.remove(reply.request_id)
            if not reply.ok:
                logger.warning("%s refused: %s", reply.node, reply.error)
            return
        if reply.request_id not in self._forwarded:
            self._replies[reply.request_id] = reply
            return
        client, request_id = self._forwarded.pop(reply.request_id)
        self._server.send(
            client,
            Reply(
                request_id=request_id,
                node=reply.node,
                ok=reply.ok,
                result=reply.result,
                error=reply.error,
            ),
        )

    def _wait(
        self,
        done: Callable[[], bool],
        what: str,
        children: Mapping[str, Child],
        *,
        timeout_s: float,
        answered: Callable[[str], bool] = lambda _: False,
    ) -> None:
        deadline_ns = self._clock.now() + int(timeout_s * 1e9)
        while not done():
            self.listen(20)
            self.meanwhile()
            ended = [
                f"{name}: it ended: {child.last_words() or 'no message'}"
                for name, child in children.items()
                if child.process.poll() is not None and not answered(name)
            ]
            if ended and not self._last_answers(done):
                raise DeviceError("\n".join(ended))
            if self._interrupted() and what in {"to start", "to open", "to attach"}:
                raise KeyboardInterrupt
            if self._clock.now() > deadline_ns:
                late = [name for name in children if not answered(name)]
                msg = (
                    f"Expected {', '.join(late)} {what} within {timeout_s:g} s, got no "
                    "answer: see the log folder of the session"
                )
                raise DeviceError(msg)

    def _last_answers(self, done: Callable[[], bool]) -> bool:
        # A node that fails answers first and ends then: read what it said.
        self.listen(50)
        return done()
