"""The recorder node: takes every element out of every ring, and writes it down."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

from rig.errors import SessionError
from rig.recorder.emptying import Emptying, own_spec, readable_rings
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
_PAUSE_S = 0.01
_METRICS_NS = 1_000_000_000
_SEGMENT_SECONDS = 60.0


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
        self._measured_bytes = 0

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
            describe_session(self._context, [ring.spec for ring in rings]),
            float(self._context.rig.get("segment_seconds", _SEGMENT_SECONDS)),
            self._clock,
        )

    def start(self) -> None:
        """Begin to poll; nothing was missed before."""
        self._measured_ns = self._clock.now()

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
        """Return rate, fullest ring, free disk, and how long it will last."""
        if self._emptying is None:
            return self._metrics
        return {**self._metrics, "ring_fill_percent_max": self._emptying.fill_percent}

    def _measure(self, emptying: Emptying) -> None:
        now, written = self._clock.now(), emptying.bytes_written
        elapsed_s = max(now - self._measured_ns, 1) / 1e9
        per_second = (written - self._measured_bytes) / elapsed_s
        self._measured_ns, self._measured_bytes = now, written
        free = shutil.disk_usage(self._context.session_folder).free
        self._metrics = {"disk_mb_per_s": per_second / 1e6, "disk_free_gb": free / 1e9}
        if per_second > 0:
            self._metrics["minutes_left"] = free / per_second / 60

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
