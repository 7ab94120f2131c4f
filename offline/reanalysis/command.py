"""What ``springhare analyse`` does with its options."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import click

from offline.models import best_engine
from offline.reanalysis.display import ShownBars, show_reports, words_of
from offline.reanalysis.labelled import Span, span_of, write_labelled
from offline.reanalysis.network import Network, let_go
from offline.reanalysis.poses_file import read_poses
from offline.reanalysis.run import analyse, prepare, report_of
from offline.reanalysis.sources import find_sources
from rig.errors import SpringhareError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from offline.models import Engine
    from offline.reanalysis.plan import Job
    from offline.reanalysis.run import Report

__all__ = ["AnalyseWish", "run_analyse", "share_cores"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyseWish:
    """What the user asked for."""

    sources: tuple[Path, ...]
    model: str
    engine: Engine | None
    """None for the one that reads the model best."""
    resize: float
    threads: int | None
    """Of each worker; None for its share of the cores."""
    workers: int
    batch: int
    cameras: tuple[str, ...]
    """Of sessions; empty for all."""
    out: Path | None
    video: Span | None
    """Which part becomes a film with keypoints; None for none."""
    force: bool
    dry_run: bool
    as_json: bool


def run_analyse(wish: AnalyseWish) -> int:
    """Analyse sources; tell of it.

    Returns
    -------
    int
        0; 1 if frames of a damaged video are missing.

    Raises
    ------
    SpringhareError
        If anything stands in the way; finished blocks are kept.
    """
    cores = len(os.sched_getaffinity(0))
    network = Network(
        model=wish.model,
        engine=wish.engine or best_engine(wish.model),
        resize=wish.resize,
        threads=share_cores(cores, wish.workers, wish.threads),
        batch=wish.batch,
    )
    sources = find_sources(wish.sources, wish.cameras)
    try:
        jobs = prepare(sources, network, out=wish.out, force=wish.force)
        reports = _do(jobs, network, wish)
    finally:
        let_go()
    _tell(reports, wish)
    return 1 if any(report.fault for report in reports) else 0


def share_cores(cores: int, workers: int, threads: int | None) -> int:
    """Return the threads of each worker.

    Raises
    ------
    SpringhareError
        If there would be more than there are cores: they would only wait.

    Examples
    --------
    >>> share_cores(8, 3, None)
    2
    """
    each = max(cores // workers, 1) if threads is None else threads
    if workers * each > cores:
        msg = (
            f"Expected at most {cores} threads on {cores} cores, got {workers} workers "
            f"of {each}: take fewer --workers or --threads"
        )
        raise SpringhareError(msg)
    return each


def _do(jobs: Sequence[Job], network: Network, wish: AnalyseWish) -> list[Report]:
    if wish.video:
        for job in jobs:  # before hours of work
            span_of(job.source, wish.video)
    if wish.dry_run:
        return [
            report_of(job, "planned" if job.state == "to do" else "up to date")
            for job in jobs
        ]
    bars = ShownBars()
    reports = list(analyse(jobs, network, wish.workers, bars))
    if wish.video is None:
        return reports
    return [
        _with_video(job, report, wish.video, bars)
        for job, report in zip(jobs, reports, strict=True)
    ]


def _with_video(job: Job, report: Report, span: Span, bars: ShownBars) -> Report:
    first, stop = span_of(job.source, span)
    poses = read_poses(job.path).poses
    with bars.phase(job.video.name, stop - first, 0) as advance:
        write_labelled(job.video, job.source, poses, span, advance)
    return replace(report, video=str(job.video))


def _tell(reports: Sequence[Report], wish: AnalyseWish) -> None:
    if wish.as_json:
        found = {
            "model": wish.model,
            "written": not wish.dry_run,
            "sources": [asdict(report) for report in reports],
        }
        click.echo(json.dumps(found, indent=2))
    else:
        show_reports(reports)
    for report in reports:
        for line in words_of(report):
            click.echo(line, err=True)
