"""One run of cameras, recorder and foreign load, watched from its first frame."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rig.bench.recorder_node import RecorderNode
from rig.bench.sustained_workers import Filmed, Filming, burn, film
from rig.bench.watching import Watch
from rig.bench.workers import PATIENCE_S, Workers, hear
from rig.bus.directory import StreamDirectory
from rig.errors import SpringhareError
from rig.recording.layout import StreamLayout
from sync.clock import MonotonicClock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.connection import Connection
    from pathlib import Path

    from rig.bench.machine import Usage
    from rig.bus.ring import Ring
    from rig.messages import StreamSpec

__all__ = ["Cast", "Run", "Stretch", "run"]

_LOOK_MS = 10
_STRETCH_NS = 5_000_000_000
_LEAD_NS = 300_000_000
"""Between the word to begin and the first frame."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Who takes part."""

    cameras: Sequence[StreamSpec]
    frames: int
    """Of each camera."""
    load: int
    """Processes that burn a core each."""
    segment_seconds: float

    @property
    def seconds(self) -> float:
        """How long they film."""
        return self.frames / (self.cameras[0].rate_hz or 1)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A few seconds of the run; the figures of a long one must not grow."""

    until_s: float
    """Its end, from the first frame."""
    mb_per_s: float
    """Pixels committed."""
    recorder_core: float
    """CPU of the recorder, as a share of a core."""
    recorder_memory_mb: float
    """Of its own, at the end."""
    fullest_ring_percent: float
    longest_wait_ms: float
    """Of a frame until it was committed."""


@dataclass(frozen=True, slots=True)
class Run:
    """What was seen of it."""

    seconds: float
    """From the first frame until the cameras had ended."""
    published: Sequence[int]
    """Frames of each camera."""
    overruns: int
    """Rows that the recorder says it was overtaken on."""
    began: Usage
    """The recorder's, before the first frame."""
    ended: Usage
    """The recorder's, after the last."""
    stop_s: float
    """Time that the recorder took to stop: the rest, a last sync."""
    stop_cpu_s: float
    filmed: Sequence[Filmed]
    burnt_s: Sequence[float]
    """CPU time of each foreign process."""
    stretches: Sequence[Stretch]
    verdict: str
    reason: str
    """Of the session's ledger."""


def run(cast: Cast, session: Path, told: Callable[[Stretch], None]) -> Run:
    """Make rings and processes, let the cameras film to their end, stop in order.

    Raises
    ------
    SpringhareError
        If anything cannot be made or dies; nothing is left running.
    """
    with ExitStack() as stack:
        stage = _set_up(stack, cast, session)
        recorder = stage.recorder
        began, clock = recorder.usage(), MonotonicClock()
        start_ns = clock.now() + _LEAD_NS
        filmed, stretches = _film(cast, stage, start_ns, told)
        end_ns, ended = clock.now(), recorder.usage()
        overruns = recorder.stop()
        stop_ns, stopped = clock.now() - end_ns, recorder.usage()
        for link in stage.burners:
            link.send("end")
        ledger = recorder.close_session()
        return Run(
            seconds=(end_ns - start_ns) / 1e9,
            published=[ring.head for ring in stage.rings],
            overruns=overruns,
            began=began,
            ended=ended,
            stop_s=stop_ns / 1e9,
            stop_cpu_s=stopped.cpu_s - ended.cpu_s,
            filmed=filmed,
            burnt_s=[hear(link) for link in stage.burners],
            stretches=stretches,
            verdict=ledger.verdict,
            reason=ledger.reason,
        )


@dataclass(frozen=True, slots=True)
class _Stage:
    """Everything that runs, ready to begin."""

    recorder: RecorderNode
    rings: Sequence[Ring]
    watch: Watch
    cameras: Sequence[Connection]
    burners: Sequence[Connection]


def _set_up(stack: ExitStack, cast: Cast, session: Path) -> _Stage:
    streams = StreamDirectory.create(f"bench-{os.getpid()}", session)
    stack.callback(streams.remove)
    recorder = RecorderNode(streams, session, cast.segment_seconds)
    stack.enter_context(recorder)
    rings = [streams.create_ring(spec) for spec in cast.cameras]
    for spec in recorder.specs:
        streams.create_ring(spec)
    workers = stack.enter_context(Workers())
    cameras = [
        workers.start(film, Filming(streams.path, spec.name, seed, cast.frames))
        for seed, spec in enumerate(cast.cameras)
    ]
    burners = [workers.start(burn) for _ in range(cast.load)]
    for link in (*cameras, *burners):
        hear(link)
    recorder.start()
    layouts = [StreamLayout.of(spec, cast.segment_seconds) for spec in cast.cameras]
    watch = Watch(session, list(zip(rings, layouts, strict=True)), MonotonicClock())
    stack.callback(watch.close)
    return _Stage(recorder, rings, watch, cameras, burners)


def _film(
    cast: Cast, stage: _Stage, start_ns: int, told: Callable[[Stretch], None]
) -> tuple[list[Filmed], list[Stretch]]:
    """Let the cameras film to their end, looking at the recorder meanwhile."""
    clock = MonotonicClock()
    for link in stage.cameras:
        link.send(start_ns)
    until_ns = start_ns + round(1e9 * (cast.seconds + PATIENCE_S))
    meter = _Meter(stage, start_ns)
    filmed: list[Filmed] = []
    stretches: list[Stretch] = []
    waiting = list(stage.cameras)
    while waiting:
        stage.recorder.listen(_LOOK_MS)
        stage.watch.look()
        for link in [link for link in waiting if link.poll(0)]:
            filmed.append(hear(link))
            waiting.remove(link)
        now = clock.now()
        if now > until_ns:
            msg = f"Expected {len(waiting)} more cameras to end in time, they did not"
            raise SpringhareError(msg)
        if now - meter.since_ns > _STRETCH_NS or not waiting:
            stretches.append(meter.read(now))
            told(stretches[-1])
    return filmed, stretches


class _Meter:
    """Reads the figures of one stretch after the other."""

    def __init__(self, stage: _Stage, start_ns: int) -> None:
        self.since_ns = start_ns
        self._start_ns = start_ns
        self._recorder = stage.recorder
        self._watch = stage.watch
        spec = stage.rings[0].spec
        self._frame_bytes = spec.payload.nbytes if spec.payload else 0
        self._cpu_s = stage.recorder.usage().cpu_s
        self._committed = 0

    def read(self, now: int) -> Stretch:
        """Return the figures of what has passed since the last time."""
        seconds = max(now - self.since_ns, 1) / 1e9
        usage, lag = self._recorder.usage(), self._watch.take()
        frames = self._watch.committed - self._committed
        stretch = Stretch(
            until_s=(now - self._start_ns) / 1e9,
            mb_per_s=frames * self._frame_bytes / 1e6 / seconds,
            recorder_core=(usage.cpu_s - self._cpu_s) / seconds,
            recorder_memory_mb=usage.memory_bytes / 1e6,
            fullest_ring_percent=lag.fullest_percent,
            longest_wait_ms=lag.longest_wait_ms,
        )
        self.since_ns, self._cpu_s = now, usage.cpu_s
        self._committed = self._watch.committed
        return stretch
