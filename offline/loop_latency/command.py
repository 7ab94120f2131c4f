"""What ``springhare latency`` does with its options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click
from pydantic import ValidationError

from offline.loop_latency.display import show_loop_latency
from offline.loop_latency.figures import loop_latency
from offline.loop_latency.times import loop_times
from rig.config.latency import LatencyBudget
from rig.config.loading import load_task
from rig.errors import SessionError
from rig.recording.reader import Recording

if TYPE_CHECKING:
    from pathlib import Path

    from offline.loop_latency.result import LoopLatency

__all__ = ["PICTURE_FILE", "Wish", "budget_of", "run"]

PICTURE_FILE = "derived/latency.png"
"""In the session's folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the user asked for."""

    session: Path
    task: Path | None
    """Whose budget is judged by, instead of the session's own task."""
    as_json: bool
    out: Path | None
    """File that the JSON is written to."""
    picture: Path | None


def run(wish: Wish) -> int:
    """Do what was asked for and tell of it.

    Returns
    -------
    int
        The exit status: 1 where the budget is broken.

    Raises
    ------
    SessionError
        If there is no session, or a file cannot be written.
    ConfigError
        If the task file is not what it must be.
    SpringhareError
        If a picture is wanted and there is nothing to draw, or to draw with.
    """
    with Recording.open(wish.session) as recording:
        times = loop_times(recording)
        budget = (
            budget_of(recording)
            if wish.task is None
            else load_task(wish.task).latency_budget
        )
    found = loop_latency(times, budget)
    written: list[Path] = []
    try:
        if wish.picture is not None:
            from offline.loop_latency.picture import draw_latency

            wish.picture.parent.mkdir(exist_ok=True)
            draw_latency(found, times, budget, wish.picture)
            written.append(wish.picture)
        if wish.out is not None:
            wish.out.parent.mkdir(exist_ok=True)
            wish.out.write_text(found.to_json() + "\n", encoding="utf-8")
            written.append(wish.out)
    except OSError as error:
        msg = f"Expected to write {error.filename}, got {error.strerror}"
        raise SessionError(msg) from error
    _tell(found, written, as_json=wish.as_json)
    return 1 if found.over else 0


def budget_of(recording: Recording) -> LatencyBudget | None:
    """Return the budget of a session's own task file; None if it had none.

    Raises
    ------
    SessionError
        If this version does not understand it.
    """
    plain = recording.info.configs.task.get("latency_budget")
    if plain is None:
        return None
    try:
        return LatencyBudget.model_validate(plain)
    except ValidationError as error:
        first = error.errors()[0]
        msg = (
            f"Expected the latency_budget of {recording.folder} in its session.json, "
            f"got one that this version refuses: {first['msg']}: give a task file "
            "with --task"
        )
        raise SessionError(msg) from error


def _tell(found: LoopLatency, written: list[Path], *, as_json: bool) -> None:
    if as_json:
        click.echo(found.to_json())
    else:
        show_loop_latency(found, written)
