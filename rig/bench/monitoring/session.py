"""The rig's side: a whole session with its real supervisor, as a process of its own."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rig.bench.monitoring.experiment import LOOKED_AT
from rig.supervisor.plan import Options
from rig.supervisor.session import Session

if TYPE_CHECKING:
    from collections.abc import Mapping
    from multiprocessing.connection import Connection

    from rig.bench.monitoring.experiment import Experiment
    from rig.supervisor.session import Result
    from rig.supervisor.status import Status

__all__ = ["Begun", "Recorded", "record"]


@dataclass(frozen=True, slots=True)
class Begun:
    """A session's word that it records."""

    pid: int
    """Of its supervisor."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What came of a session."""

    folder: str
    reason: str
    """Why it ended."""
    verdict: str
    lost: int
    """Elements of all streams, lost to the recorder or before."""
    latency: Mapping[str, Mapping[str, float]]
    """By stage of the loop: what `Latency` holds."""


def record(experiment: Experiment, parent: Connection) -> None:
    """Run a session until the parent says anything; run as a process."""
    begun = False

    def observe(status: Status) -> None:
        nonlocal begun
        if status.phase == "recording" and not begun:
            begun = True
            parent.send(Begun(os.getpid()))
        if parent.poll(0):
            parent.recv()
            session.stop("enough was seen")

    setup = experiment.setup()
    session = Session(
        setup.rig,
        setup.task,
        setup.session,
        Options(),
        observe,
        plan=setup.plan,
    )
    parent.send(_recorded(session.run()))


def _recorded(result: Result) -> Recorded:
    ledger: dict[str, Any] = result.ledger.to_dict()
    return Recorded(
        folder=str(result.folder),
        reason=result.reason,
        verdict=result.verdict,
        lost=sum(stream.lost for stream in result.ledger.streams.values()),
        latency=ledger["latency"].get(LOOKED_AT, {}),
    )
