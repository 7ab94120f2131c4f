"""What ``springhare rules check`` does with its options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from offline.replay.tasks import is_session, task_of
from offline.rules_check.display import show_rules, show_session
from offline.rules_check.fitting import (
    NO_RIG,
    line_misfits,
    require_fitting_model,
    require_fitting_rig,
)
from offline.rules_check.judgement import doubts
from offline.rules_check.result import RulesCheck, RuleWords
from offline.rules_check.session import Asked, check_session, chosen
from offline.rules_check.words import rule_in_words
from rig.config.loading import load_rig
from rig.config.together import with_rig_model
from rig.errors import ConfigError, SessionError
from rig.recording.reader import Recording

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from offline.replay.play import How
    from offline.rules_check.session import Checked
    from rig.config.task import TaskConfig

__all__ = ["Wish", "run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the user asked for."""

    task: Path
    """A task file, or a session: the task that it was recorded with."""
    sessions: tuple[Path, ...]
    """Without any a session as `task` is played itself."""
    rig: Path | None
    rules: tuple[str, ...]
    """Only these; empty for all."""
    truths: Mapping[str, str]
    """Event by rule."""
    labels: Path | None
    within_ms: float | None
    armed: How | None
    picture: Path | None
    as_json: bool


def run(wish: Wish) -> int:
    """Do what was asked for and tell of it.

    Returns
    -------
    int
        The exit status: 1 where a session's own task does not decide as it did.

    Raises
    ------
    ConfigError
        If the task or the rig file is not what it must be, or they do not fit one
        another, the model or a session.
    ModelError
        If there is no session to be played, and no such model.
    SessionError
        If there is no session, or it lacks what is needed.
    SpringhareError
        If a picture is wanted and there is nothing to draw, or to draw with.
    """
    own, task = is_session(wish.task), task_of(wish.task)
    rig = None if wish.rig is None else load_rig(wish.rig)
    _require_rules(task, {*wish.rules, *wish.truths})
    sessions = wish.sessions or ((wish.task,) if own and task.rules else ())
    if len(sessions) != 1 and (wish.labels or wish.picture):
        msg = f"expected one SESSION with --labels or --picture, got {len(sessions)}"
        raise click.UsageError(msg)
    if rig is not None:
        require_fitting_rig(task, rig, wish.task)
        task = with_rig_model(rig, task)
    unchecked = "" if sessions else require_fitting_model(task, rig)
    asked = Asked(
        rules=wish.rules,
        truths=wish.truths,
        labels=wish.labels,
        within_ns=None if wish.within_ms is None else round(wish.within_ms * 1e6),
        armed=wish.armed,
        watch=wish.picture is not None,
    )
    checked: list[Checked] = []
    for path in sessions:
        with Recording.open(path) as recording:
            checked.append(check_session(recording, task, asked))
    if rig is None and checked:
        rig = checked[0].session.rig
    found = doubts(task, rig) + ([] if rig is None else line_misfits(task, rig))
    rules = chosen(task, wish.rules)
    names = {rule.name for rule in rules}
    result = RulesCheck(
        task=task.name,
        words=tuple(
            RuleWords(rule=rule.name, words=rule_in_words(rule, task)) for rule in rules
        ),
        doubts=tuple(each for each in found if each.rule in names),
        unchecked=tuple(filter(None, (unchecked, "" if rig else NO_RIG))),
        sessions=tuple(each.figures for each in checked),
    )
    if wish.picture is not None:
        _draw(checked, wish.picture)
    _tell(result, wish)
    return 1 if any(each.figures.differs for each in checked) else 0


def _require_rules(task: TaskConfig, names: set[str]) -> None:
    known = [rule.name for rule in task.rules]
    for name in sorted(names):
        if name not in known:
            told = ", ".join(known) or "it has none"
            msg = f"Expected a rule of {task.name} ({told}), got {name!r}"
            raise ConfigError(msg)


def _draw(checked: list[Checked], path: Path) -> None:
    from offline.rules_check.picture import draw_rules

    try:
        path.parent.mkdir(exist_ok=True)
        draw_rules(checked[0], path)
    except OSError as error:
        msg = f"Expected to write {error.filename}, got {error.strerror}"
        raise SessionError(msg) from error


def _tell(result: RulesCheck, wish: Wish) -> None:
    if wish.as_json:
        click.echo(result.to_json())
        return
    show_rules(result, words=not wish.sessions)
    for session in result.sessions:
        show_session(session)
    if wish.picture is not None:
        click.echo(f"wrote {wish.picture}")
