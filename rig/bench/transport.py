"""How long a frame takes from one process to others, and what it costs.

Ring and notice against whole frames over ZeroMQ, in turns, with real processes.
The figures are those of this machine at this moment: its load is noted with them.
"""

from __future__ import annotations

import multiprocessing.connection
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import zmq

from rig.bench.machine import Conditions
from rig.bench.transport_workers import (
    STREAM,
    Received,
    Sent,
    Way,
    Work,
    receive,
    send,
)
from rig.bench.workers import Workers, hear
from rig.bus import shared_memory
from rig.bus.directory import StreamDirectory
from rig.errors import SpringhareError
from rig.messages import PayloadSpec, StreamSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.connection import Connection

__all__ = ["PAYLOADS_BYTES", "Plan", "measure"]

PAYLOADS_BYTES = (64, 307_200, 1_310_720, 5_000_000)
"""A row alone, 640 x 480, 1280 x 1024 and 2500 x 2000 px."""
_CONSUMERS = (1, 3)
_WAYS: tuple[Way, Way] = ("ring", "zmq")
_WARM_UP = 10
"""Frames at the start that are not counted."""
_RING_S = 4.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured."""

    seconds: float = 2.0
    """Length of one measurement."""
    rounds: int = 3
    """How often each is repeated, in turns with the others."""
    rate_hz: float = 100.0
    payloads_bytes: tuple[int, ...] = PAYLOADS_BYTES
    consumers: tuple[int, ...] = _CONSUMERS


@dataclass(frozen=True, slots=True)
class _Round:
    """One measurement, all receivers together; microseconds."""

    p50_us: float
    p99_us: float
    copied_p50_us: float
    copied_p99_us: float
    cpu_us_per_frame: float
    """Of all processes."""
    missing: int
    """Frames that did not arrive."""
    late_ms: float
    """By how much the sender itself was late, at worst."""


def measure(plan: Plan, told: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Measure everything and return the figures, ready for JSON.

    Parameters
    ----------
    plan
        What is to be measured.
    told
        Is told what is being measured.
    """
    cases = [(n, count) for n in plan.payloads_bytes for count in plan.consumers]
    found: dict[tuple[int, int, Way], list[_Round]] = {
        (*case, way): [] for case in cases for way in _WAYS
    }
    conditions = Conditions()
    for number in range(plan.rounds):
        for nbytes, consumers in cases:
            # each way goes first as often as the other
            for way in _WAYS if number % 2 == 0 else reversed(_WAYS):
                told(f"round {number + 1}: {nbytes} B to {consumers}, {way}")
                result = _run(plan, way, nbytes, consumers)
                found[nbytes, consumers, way].append(result)
    return {
        "environment": {
            **conditions.noted(),
            "pyzmq": zmq.pyzmq_version(),
            "libzmq": zmq.zmq_version(),
            "rate_hz": plan.rate_hz,
            "seconds": plan.seconds,
            "rounds": plan.rounds,
        },
        "cases": [
            _case(
                nbytes,
                consumers,
                found[nbytes, consumers, "ring"],
                found[nbytes, consumers, "zmq"],
            )
            for nbytes, consumers in cases
        ],
    }


def _case(
    nbytes: int, consumers: int, ring: Sequence[_Round], peer: Sequence[_Round]
) -> dict[str, Any]:
    ours, theirs = _summary(ring), _summary(peer)
    ratio = {
        name: round(ours[name] / theirs[name], 3)
        for name in ("p50_us", "p99_us", "copied_p50_us", "cpu_us_per_frame")
    }
    return {
        "payload_bytes": nbytes,
        "consumers": consumers,
        "ring": ours,
        "zmq": theirs,
        "ratio": ratio,
    }


def _summary(rounds: Sequence[_Round]) -> dict[str, Any]:
    """Return the median of the rounds, and what each had."""
    names = ("p50_us", "p99_us", "copied_p50_us", "copied_p99_us", "cpu_us_per_frame")
    each = {name: [round(getattr(one, name), 1) for one in rounds] for name in names}
    return {
        **{name: round(float(np.median(values)), 1) for name, values in each.items()},
        "missing": sum(one.missing for one in rounds),
        "sender_late_ms": round(max(one.late_ms for one in rounds), 2),
        "rounds": {name: each[name] for name in ("p50_us", "cpu_us_per_frame")},
    }


def _run(plan: Plan, way: Way, nbytes: int, consumers: int) -> _Round:
    frames = max(round(plan.seconds * plan.rate_hz), 1) + _WARM_UP
    name = f"bench-{os.getpid()}"
    # the folder that it names is none: what is left of a killed benchmark is dropped
    streams = StreamDirectory.create(name, Path.cwd() / name)
    try:
        if way == "ring":
            streams.create_ring(_spec(plan, nbytes))
        work = Work(way, streams.path, nbytes, frames, plan.rate_hz)
        with Workers() as workers:
            links = [
                workers.start(task, work) for task in (send, *[receive] * consumers)
            ]
            sent, received = _let_work(work, *links)
    finally:
        streams.remove()
    view_ns = np.concatenate([one.view_ns[_WARM_UP:] for one in received])
    copy_ns = np.concatenate([one.copy_ns[_WARM_UP:] for one in received])
    if not len(view_ns):
        msg = f"Expected frames over {way}, got none in {plan.seconds} s: try longer"
        raise SpringhareError(msg)
    cpu_s = sent.cpu_s + sum(one.cpu_s for one in received)
    return _Round(
        *np.percentile(view_ns / 1e3, [50, 99]),
        *np.percentile(copy_ns / 1e3, [50, 99]),
        cpu_us_per_frame=1e6 * cpu_s / frames,
        missing=frames * consumers - sum(one.frames for one in received),
        late_ms=sent.late_ns / 1e6,
    )


def _spec(plan: Plan, nbytes: int) -> StreamSpec:
    deep = round(_RING_S * plan.rate_hz)
    room = shared_memory.free_bytes() // 4 // nbytes
    return StreamSpec(
        name=STREAM,
        kind="frames",
        node="bench",
        payload=PayloadSpec("|u1", (nbytes,)),
        rate_hz=plan.rate_hz,
        slots=max(8, min(deep, room)),
    )


def _let_work(
    work: Work, sender: Connection, *receivers: Connection
) -> tuple[Sent, list[Received]]:
    """Let them work and return what they have to say."""
    for link in (sender, *receivers):
        hear(link)
    # Subscriptions travel too: a little later they have surely arrived.
    multiprocessing.connection.wait([sender], 0.2)
    sender.send("go")
    deadline_s = work.frames / work.rate_hz + 2.0
    received = [_last_word(link, deadline_s) for link in receivers]
    sender.send("end")
    return hear(sender), received


def _last_word(link: Connection, seconds: float) -> Received:
    if not link.poll(seconds):
        link.send("stop")  # something was dropped on the way
    return hear(link)
