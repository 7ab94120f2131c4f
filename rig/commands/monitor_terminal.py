"""Watches a session in a terminal, or looks at it once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click
import msgspec
from rich.console import Console

from rig.commands.monitor_keys import MonitorKeys
from rig.commands.terminal_keys import TerminalKeys
from rig.errors import SessionError, SpringhareError
from rig.monitor.health import Level
from rig.monitor.terminal.attached import Attached
from rig.monitor.terminal.table import LiveTable

if TYPE_CHECKING:
    from collections.abc import Callable

    from rig.monitor.live.link import Link

    Find = Callable[[], Link | None]

__all__ = ["look_once", "watch"]

_TURN_S = 0.1
_LOOK_EVERY_S = 0.5
_ANSWER_WITHIN_S = 5.0
_VERDICT_WITHIN_S = 5.0
"""A supervisor that has gone has written its verdict before."""
_WAITING = "no session is running: waiting for one"


def watch(find: Find, *, forever: bool = False) -> int:
    """Show the session's live table until it ends or ``q`` is pressed.

    Parameters
    ----------
    find
        Looks for a session.
    forever
        Whether to wait for the next one when it has ended.

    Returns
    -------
    int
        0, or 1 where the session failed or ended without a verdict.

    Raises
    ------
    SpringhareError
        If the first look for a session says that waiting is of no use.
    """
    link = find()
    console = Console(stderr=True)
    last = ""
    while True:
        with LiveTable(console, alone=True) as table, TerminalKeys() as keys:
            found = link or _wait(find, table, keys, last)
            if found is None:
                return 0
            attached = Attached(found)
            try:
                ended = _follow(attached, table, keys)
            finally:
                attached.close()
        if not ended:
            return 0
        last = _last_words(attached)
        click.echo(last)
        if not forever:
            return 0 if attached.verdict in {"PASS", "WARN"} else 1
        link = None


def look_once(find: Find) -> tuple[dict[str, Any], int]:
    """Return how a session stands, ready for JSON, and the exit status.

    What nobody tells is not taken to be good.

    Raises
    ------
    SessionError
        If there is no session.
    """
    link = find()
    if link is None:
        msg = (
            "Expected a running session, got none: start one with springhare run or "
            "springhare demo"
        )
        raise SessionError(msg)
    attached = Attached(link)
    try:
        until_s = time.monotonic() + _ANSWER_WITHIN_S
        attached.poll()
        while not (attached.status or attached.over) and time.monotonic() < until_s:
            time.sleep(_TURN_S / 2)
            attached.poll()
        health = attached.health
        found = {
            "session": link.name,
            **health.to_dict(),
            "verdict": attached.verdict,
            "status": msgspec.to_builtins(attached.status),
        }
    finally:
        attached.close()
    unknown = attached.status is None and attached.verdict is None
    return found, int(unknown or health.level is Level.BAD)


def _wait(find: Find, table: LiveTable, keys: TerminalKeys, last: str) -> Link | None:
    """Wait for a session; None where somebody wants to wait no more."""
    words = _WAITING
    while "q" not in keys.pressed():
        table.say(words, f"q quit   {last}".rstrip())
        time.sleep(_LOOK_EVERY_S)
        try:
            if (link := find()) is not None:
                return link
            words = _WAITING
        except SpringhareError as error:
            words = str(error)
    return None


def _follow(attached: Attached, table: LiveTable, keys: TerminalKeys) -> bool:
    """Show a session until it ends; tell whether it did, or nobody looks any more."""
    controls = MonitorKeys(attached.link)
    gone_s: float | None = None
    while not controls.quit:
        attached.poll()
        _show(attached, table, controls)
        if attached.verdict is not None:
            return True
        if attached.over:
            now_s = time.monotonic()
            gone_s = now_s if gone_s is None else gone_s
            if now_s - gone_s > _VERDICT_WITHIN_S:
                return True
        time.sleep(_TURN_S)
        controls.press(keys.pressed())
    return False


def _show(attached: Attached, table: LiveTable, controls: MonitorKeys) -> None:
    status, link = attached.status, attached.link
    controls.hear(link.answers(), 0.0 if status is None else status.session_s)
    if status is None:
        table.say(f"{link.name}: {attached.health.headline}", controls.footer)
    else:
        table.show(status, attached.health, controls.footer)


def _last_words(attached: Attached) -> str:
    status, folder = attached.status, getattr(attached.link, "folder", None)
    name = attached.link.name if status is None else status.session_id
    verdict = attached.verdict or "ended without a verdict"
    words = f"{name}: {verdict}"
    troubles = [x for x in attached.health.troubles if x.group != "session"]
    words += "".join(f"\n  {light.sentence}" for light in troubles)
    if folder is not None and attached.verdict is not None:
        words += f"\nlook closer: springhare check {folder}"
    elif folder is not None:
        words += "\nsave what it left: springhare recover"
    return words
