"""Every frame of every source past the network, in blocks, and into files of poses."""

from __future__ import annotations

from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec
import numpy as np

from offline.archive.pool import open_pool
from offline.reanalysis.gpus import take_gpu
from offline.reanalysis.network import let_go, look, looker_of
from offline.reanalysis.plan import blocks_of, fingerprint_of, plan, scorer_of
from offline.reanalysis.poses_file import PosesInfo, require_pandas, write_poses
from offline.reanalysis.work import open_work
from rig.commands.outputs import require_folder
from rig.errors import SessionError
from rig.recording.reader import Recording
from rig.recording.sidecar import installed_versions
from sync.clock import MonotonicClock, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from numpy.typing import NDArray

    from offline.reanalysis.network import Looker, Network
    from offline.reanalysis.plan import Job
    from offline.reanalysis.sources import Source
    from offline.reanalysis.work import Work

__all__ = ["Progress", "Report", "Silent", "analyse", "prepare", "report_of"]

_NS_PER_S = 1e9
_MATTER = ("av", "deeplabcut-live", "onnxruntime", "onnxruntime-gpu", "tensorflow-cpu")
_MATTER += ("tensorflow", "torch")
"""Packages that poses may hang on."""


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one source."""

    source: str
    session_id: str | None
    camera: str | None
    frames: int
    outcome: Literal["analysed", "up to date", "planned"]
    taken_over: int
    """Frames that a run before this one had done."""
    frames_per_s: float | None
    """Of this run; None where it did none."""
    file: str
    complete: bool
    fault: str
    """Why these are not all frames; empty where they are."""
    video: str | None = None
    """The film with keypoints in it."""


class Progress(Protocol):
    """Whoever is told how the work goes."""

    def phase(
        self, name: str, frames: int, done: int
    ) -> AbstractContextManager[Callable[[int], None]]:
        """Begin a source: so many frames, of which some are done; gets the next."""
        ...


class Silent:
    """Shows nothing."""

    def phase(
        self,
        name: str,
        frames: int,
        done: int,
    ) -> AbstractContextManager[Callable[[int], None]]:
        """Begin a source."""
        return nullcontext(lambda _frames: None)


def prepare(
    sources: Sequence[Source],
    network: Network,
    *,
    out: Path | None = None,
    force: bool = False,
) -> list[Job]:
    """Load the network, show it a frame of each size, and say what is to be done.

    Nothing is written.

    Raises
    ------
    ModelError
        If the network cannot be loaded, or cannot see a source's frames.
    SpringhareError
        If a place cannot be written to, or other poses are there.
    """
    require_pandas()
    for source in sources:
        if source.kind == "video" and out is None:
            require_folder(source.path.parent, "--out")
    looker = looker_of(network)
    return plan([(s, _info(s, looker)) for s in sources], out, force=force)


def analyse(
    jobs: Sequence[Job], network: Network, workers: int, progress: Progress
) -> Iterator[Report]:
    """Do what is to be done, and yield what became of each source.

    Parameters
    ----------
    jobs
        As `prepare` said.
    workers
        Processes; with one, this process does everything itself.

    Raises
    ------
    SpringhareError
        If frames cannot be read, the disk refuses, a worker was killed, or another
        process does the same. Finished blocks are kept.
    """
    bodyparts = looker_of(network).model.bodyparts
    if workers > 1:
        let_go()
    try:
        with ExitStack() as stack:
            tasks = [_Task.begin(job, len(bodyparts), stack) for job in jobs]
            wanted = (
                (network, task.job.source, start, stop)
                for task in tasks
                for start, stop in task.missing
            )
            if all(not task.missing for task in tasks):
                workers = 1
            pool = stack.enter_context(open_pool(workers, take_gpu))
            found = iter(pool.map(look, wanted))
            for task in tasks:
                yield _done(task, found, bodyparts, progress)
    finally:
        let_go()


@dataclass(frozen=True, slots=True)
class _Task:
    job: Job
    work: Work | None
    """None where nothing is left to be done."""
    blocks: tuple[tuple[int, int], ...]
    missing: tuple[tuple[int, int], ...]

    @staticmethod
    def begin(job: Job, bodyparts: int, stack: ExitStack) -> _Task:
        """Take the work folder, and see what is in it already."""
        if job.state == "up to date" and not job.work.exists():
            return _Task(job, None, (), ())
        if job.source.kind == "session":
            # who compresses the session meanwhile is refused
            stack.enter_context(Recording.open(job.source.path))
        fingerprint = fingerprint_of(job.info)
        work = stack.enter_context(open_work(job.work, fingerprint, bodyparts))
        blocks = tuple(blocks_of(job.source.frames, job.info.batch))
        missing = tuple(block for block in blocks if work.load(*block) is None)
        if job.state == "up to date":
            if not missing:  # the run before was killed at its very end
                work.remove()
            return _Task(job, None, (), ())
        return _Task(job, work, blocks, missing)


def _done(
    task: _Task,
    found: Iterator[NDArray[np.float32]],
    bodyparts: Sequence[str],
    progress: Progress,
) -> Report:
    """Bring one source to its end."""
    job, source, clock = task.job, task.job.source, MonotonicClock()
    if task.work is None:
        return report_of(job, "up to date")
    missing = sum(stop - start for start, stop in task.missing)
    name = f"{source.name} {source.camera or ''}".strip()
    begun_ns = clock.now()
    with progress.phase(name, source.frames, source.frames - missing) as advance:
        for start, stop in task.missing:
            task.work.keep(start, stop, next(found))
            advance(stop - start)
    seconds = (clock.now() - begun_ns) / _NS_PER_S
    _publish(task, task.work, bodyparts)
    return report_of(
        job,
        "analysed",
        taken_over=source.frames - missing,
        frames_per_s=missing / seconds if missing else None,
    )


def report_of(
    job: Job,
    outcome: Literal["analysed", "up to date", "planned"],
    *,
    taken_over: int = 0,
    frames_per_s: float | None = None,
) -> Report:
    """Return what is told of a source."""
    return Report(
        source=str(job.source.path),
        session_id=job.source.session_id,
        camera=job.source.camera,
        frames=job.source.frames,
        outcome=outcome,
        taken_over=taken_over,
        frames_per_s=frames_per_s,
        file=str(job.path),
        complete=not job.source.fault,
        fault=job.source.fault,
    )


def _publish(task: _Task, work: Work, bodyparts: Sequence[str]) -> None:
    """Put the blocks together; the file appears whole."""
    job = task.job
    poses = np.concatenate(list(_blocks(task, work)))
    when = utc_now().isoformat(timespec="seconds")
    info = msgspec.structs.replace(job.info, analysed_utc=when)
    scorer = scorer_of(job.info.model)
    write_poses(job.path, bodyparts, poses, scorer=scorer, info=info)
    work.remove()


def _blocks(task: _Task, work: Work) -> Generator[NDArray[np.float32]]:
    for start, stop in task.blocks:
        poses = work.load(start, stop)
        if poses is None:
            msg = f"Expected a finished block of frames {start} to {stop - 1} in "
            msg += f"{task.job.work}, got none: was it removed meanwhile?"
            raise SessionError(msg)
        yield poses


def _info(source: Source, looker: Looker) -> PosesInfo:
    versions, model, network = installed_versions(), looker.model, looker.network
    return PosesInfo(
        model=model.name,
        model_sha256=model.sha256,
        engine=network.engine,
        provider=model.provider,
        resize=network.resize,
        batch=looker.batch,
        springhare=versions.get("springhare", "unknown"),
        versions={name: versions[name] for name in _MATTER if name in versions},
        session_id=source.session_id,
        camera=source.camera,
        source=source.path.name,
        source_xxh3=source.digest,
        width_px=source.width_px,
        height_px=source.height_px,
        colour=looker.sees_colours(source),
        rate_hz=source.rate_hz,
        frames=source.frames,
        complete=not source.fault,
        fault=source.fault,
    )
