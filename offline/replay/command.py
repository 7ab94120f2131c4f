"""What ``springhare replay`` does with its options."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from offline.archive.source import finished_session
from offline.reanalysis.display import ShownBars
from offline.replay.display import show_replay
from offline.replay.pacing import Pacer
from offline.replay.tasks import task_of
from offline.replay.work import replay_session
from rig.errors import SessionError
from rig.recording.reader import Recording
from sync.clock import MonotonicClock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from offline.replay.result import ReplayResult
    from offline.replay.work import Asked
    from rig.messages import Decision

__all__ = ["ReplayWish", "run_replay"]

_BEHIND_NS = 50_000_000
"""That is seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayWish:
    """What the user asked for."""

    session: Path
    task: Path | None
    """A task file, or another session; None for the session's own."""
    asked: Asked
    speed: float | None
    """How many times faster than it happened; None as fast as it goes."""
    listed: bool
    """Whether each fire is told."""
    picture: Path | None
    as_json: bool


def run_replay(wish: ReplayWish) -> int:
    """Replay a session and tell of it.

    Returns
    -------
    int
        The exit status: 1 where what had to be the same is not.

    Raises
    ------
    SpringhareError
        If session, task or model are not what they must be, or do not fit.
    """
    finished_session(wish.session)
    task = task_of(wish.task or wish.session)
    with Recording.open(wish.session) as recording:
        pacer = Pacer(MonotonicClock(), wish.speed)
        tells = wish.speed is not None and not wish.as_json
        listener = _Listener(pacer, recording.info.started_host_ns, tells=tells)
        try:
            found = replay_session(
                recording, task, wish.asked, listener, _shown(wish.speed)
            )
        except KeyboardInterrupt:
            told = f"stopped at {listener.at_s:.3f} s of the session, nothing compared"
            click.echo(told, err=True)
            raise
    if pacer.behind_ns > _BEHIND_NS:
        told = f"up to {pacer.behind_ns / 1e6:.0f} ms behind the time of the session"
        click.echo(told, err=True)
    if wish.picture is not None:
        _draw(found, wish.picture)
    _tell(found, wish)
    return 1 if found.differs else 0


def _shown(
    speed: float | None,
) -> Callable[[str, int], AbstractContextManager[Callable[[int], None]]]:
    """Return what shows how far a network is: a bar, where decisions are not told."""
    if speed is not None:
        return lambda _name, _count: nullcontext(lambda _more: None)
    bars = ShownBars()
    return lambda name, count: bars.phase(name, count, 0)


def _draw(found: ReplayResult, path: Path) -> None:
    from offline.replay.picture import draw_replay

    try:
        path.parent.mkdir(exist_ok=True)
        draw_replay(found, path)
    except OSError as error:
        msg = f"Expected to write {error.filename}, got {error.strerror}"
        raise SessionError(msg) from error


def _tell(found: ReplayResult, wish: ReplayWish) -> None:
    if wish.as_json:
        click.echo(found.to_json())
        return
    show_replay(found, listed=wish.listed)
    if wish.picture is not None:
        click.echo(f"wrote {wish.picture}")


class _Listener:
    """Waits for the moments of a session, and tells of each decision as it comes.

    Parameters
    ----------
    pacer
        Says when a moment may come.
    started_ns
        Host time of the session's start.
    tells
        Whether decisions are printed.
    """

    def __init__(self, pacer: Pacer, started_ns: int, *, tells: bool) -> None:
        self.at_s = 0.0
        """Where the session is."""
        self._pacer, self._started_ns, self._tells = pacer, started_ns, tells

    def await_moment(self, now_ns: int) -> None:
        """Return when a moment may come."""
        self._pacer.await_moment(now_ns)
        self.at_s = (now_ns - self._started_ns) / 1e9

    def hear(self, decisions: Sequence[Decision]) -> None:
        """Tell of decisions."""
        if not self._tells:
            return
        for each in decisions:
            click.echo(f"{self.at_s:9.3f} s  {each.rule}: {each.outcome}, {each.cause}")
