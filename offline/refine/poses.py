"""Poses of every frame where they are missing: what ``springhare analyse`` makes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from offline.models import best_engine
from offline.reanalysis.display import ShownBars
from offline.reanalysis.network import Network, let_go
from offline.reanalysis.run import analyse, prepare
from offline.reanalysis.sources import find_sources
from rig.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from offline.reanalysis.plan import Job
    from offline.reanalysis.sources import Source

__all__ = ["make_poses"]


def make_poses(
    sessions: Sequence[Path], cameras: Sequence[str], model: str, *, dry_run: bool
) -> tuple[dict[tuple[str, str], Path], list[str]]:
    """Have a model look at every frame of sessions that it has not looked at yet.

    Parameters
    ----------
    sessions
        Their folders.
    cameras
        Only these; empty for all.
    model
        As for ``springhare analyse``.
    dry_run
        Whether nothing is analysed.

    Returns
    -------
    files
        By session (its ID) and camera, the file of this model's poses.
    remarks
        What a dry run has not made.

    Raises
    ------
    SpringhareError
        If the model or a session is not what it must be; finished work is kept.
    """
    network = Network(
        model=model,
        engine=best_engine(model),
        resize=1.0,
        threads=len(os.sched_getaffinity(0)),
        batch=1,
    )
    sources = find_sources(sessions, cameras)
    remarks: list[str] = []
    try:
        jobs = _prepare(sources, network)
        if dry_run:
            missing = [job for job in jobs if job.state == "to do"]
            remarks = [
                f"{job.source.session_id} {job.source.camera} would be analysed first"
                for job in missing
            ]
            jobs = [job for job in jobs if job.state == "up to date"]
        else:
            for _ in analyse(jobs, network, 1, ShownBars()):
                pass
    finally:
        let_go()
    files = {
        (str(job.source.session_id), str(job.source.camera)): job.path for job in jobs
    }
    return files, remarks


def _prepare(sources: Sequence[Source], network: Network) -> list[Job]:
    try:
        return prepare(sources, network)
    except SessionError as error:
        msg = f"{error} of springhare analyse"  # to which its faults are told
        raise SessionError(msg) from error
