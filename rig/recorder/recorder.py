"""The recorder node: takes every element out of every ring, and writes it down."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from rig.errors import SessionError
from rig.recorder.emptying import Emptying, own_spec, readable_rings
from rig.recorder.room import RoomMeter, seconds_left
from rig.recording.disk import free_bytes
from rig.recording.layout import SEGMENT_SECONDS
from rig.recording.sidecar import (
    Configs,
    SessionInfo,
    describe_host,
    installed_versions,
    models_of,
    read_sidecar,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rig.bus.directory import StreamDirectory
    from rig.messages import StreamSpec, StreamStatus
    from rig.node import NodeContext

__all__ = ["Recorder", "describe_session"]

_TURN_NS = 30_000_000
"""Longest that a step goes on when there is much to write."""
_PAUSE_S = 0.02
_METRICS_NS = 1_000_000_000

logger = logging.getLogger(__name__)


class Recorder:
    """Polls the rings; a ring is never made to wait for the disk.

    Parameters
    ----------
    context
        What the node is given.
    """

    def __init__(self, context: NodeContext) -> None:
        self._context = context
        self._clock = context.clock
        self._emptying: Emptying | None = None
        self._last_status: Mapping[str, StreamStatus] = {}
        self._metrics: dict[str, float] = {}
        self._measured_ns = 0
        self._meter = RoomMeter(context.clock)
        self._told_full = False

    def open(self) -> Sequence[StreamSpec]:
        """Declare the stream of what the recorder itself lost."""
        return [own_spec()]

    def attach(self, streams: StreamDirectory) -> None:
        """Begin the session's files, with a reader from the first element of each ring.

        A recorder that takes the place of one that died goes on where it ended.

        Raises
        ------
        SessionError
            If there is a finished recording, or the disk refuses.
        StreamError
            If a ring cannot be read.
        """
        folder = self._context.session_folder
        rings, faults = readable_rings(streams)
        if faults:
            raise SessionError("; ".join(faults.values()))
        before = read_sidecar(folder)
        if before is not None and before.state != "recording":
            msg = (
                f"Expected a session that is not finished in {folder}, it is "
                f"{before.state}: start a new one"
            )
            raise SessionError(msg)
        self._emptying = Emptying.open(
            streams,
            rings,
            folder,
            lambda: describe_session(self._context, [ring.spec for ring in rings]),
            float(self._context.rig.get("segment_seconds", SEGMENT_SECONDS)),
            self._clock,
        )

    def start(self) -> None:
        """Begin to poll; nothing was missed before."""
        self._measure(self._require())

    def step(self) -> None:
        """Record what is due.

        Raises
        ------
        SessionError
            If the disk refuses; what was committed is safe.
        """
        emptying = self._require()
        until_ns = self._clock.now() + _TURN_NS
        behind = emptying.turn()
        while behind and self._clock.now() < until_ns:
            behind = emptying.turn()
        if self._clock.now() - self._measured_ns >= _METRICS_NS:
            self._measure(emptying)
        if not behind:
            time.sleep(_PAUSE_S)

    def stop(self) -> None:
        """Record all that is in the rings, wait for those not closed, and close.

        Raises
        ------
        SessionError
            If the disk refuses.
        """
        emptying = self._require()
        emptying.finish(wait=True)
        self._measure(emptying)

    def close(self) -> None:
        """Let go of the session; what is committed stays."""
        if self._emptying is not None:
            self._last_status = self._emptying.status()
            self._emptying.close()
            self._emptying = None

    def reads(self) -> Mapping[str, StreamStatus]:
        """Return how the recorder stands with each stream."""
        return self._emptying.status() if self._emptying else self._last_status

    def metrics(self) -> Mapping[str, float]:
        """Return rate, fullest ring, free disk, and how long it will last.

        ``minutes_left`` is what is free and what is laid out and not yet filled, at
        the rate of the last seconds; ``disk_full`` is 1 once a stream's next segment
        finds no room: the present ones have some for half a segment.
        """
        if self._emptying is None:
            return self._metrics
        return {**self._metrics, "ring_fill_percent_max": self._emptying.fill_percent}

    def _measure(self, emptying: Emptying) -> None:
        self._measured_ns = self._clock.now()
        self._meter.mark(emptying.disk_uses())
        demands = self._meter.demands()
        free = free_bytes(self._context.session_folder)
        full = emptying.next_segment_failed
        if full and not self._told_full:
            logger.warning("The next segment cannot be laid out: %s", full)
        self._told_full = bool(full)
        self._metrics = {
            "disk_mb_per_s": sum(demand.bytes_per_s for demand in demands) / 1e6,
            "disk_free_gb": free / 1e9,
            "disk_full": float(bool(full)),
        }
        if (left_s := seconds_left(free, demands)) is not None:
            self._metrics["minutes_left"] = left_s / 60

    def _require(self) -> Emptying:
        if self._emptying is None:
            msg = "Expected the recorder to be attached to its streams, it is not"
            raise SessionError(msg)
        return self._emptying


def describe_session(context: NodeContext, specs: Sequence[StreamSpec]) -> SessionInfo:
    """Return what is written beside a session's data."""
    session = dict(context.session)
    return SessionInfo(
        session_id=session["session_id"],
        subject=session["subject"],
        task=context.task.get("name", "no_task"),
        started_utc=session["started_utc"],
        started_host_ns=session["started_host_ns"],
        models=dict(models_of(specs)),
        host=describe_host(),
        versions=installed_versions(),
        configs=Configs(
            rig=dict(context.rig), task=dict(context.task), session=session
        ),
    )
