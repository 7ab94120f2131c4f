"""``springhare monitor``: one look tells whether the session is good.

It reads what is published and asks the supervisor; it may begin late, run twice, be
killed or be on another machine: the recording goes on.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rig.commands.monitor_terminal import Find

__all__ = ["monitor"]

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command(short_help="Watch the running session: pictures, traces, health.")
@click.argument("session", required=False)
@click.option("--terminal", is_flag=True, help="The live table in this terminal.")
@click.option("--json", "as_json", is_flag=True, help="Print how it stands, once.")
@click.option(
    "--screenshot",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Save a picture of the window there and end.",
)
@click.option(
    "--after",
    "after_s",
    type=click.FloatRange(min=0),
    default=3.0,
    show_default=True,
    help="Seconds from finding the session to the screenshot.",
)
@click.option("--rig", help="Watch this rig: its session, then its next one.")
@click.option("--remote", metavar="ADDRESS", help="Of springhare serve elsewhere.")
@click.option(
    "--keys",
    "keys_folder",
    type=_FOLDER,
    help="The reader's folder that springhare keys made, for --remote.",
)
@click.option("--lab", type=_FOLDER, help="Config files to start sessions from.")
@click.option("--forever", is_flag=True, help="With --terminal: wait for the next one.")
def monitor(
    session: str | None,
    terminal: bool,
    as_json: bool,
    screenshot: Path | None,
    after_s: float,
    rig: str | None,
    remote: str | None,
    keys_folder: Path | None,
    lab: Path | None,
    forever: bool,
) -> int:
    """Watch the session that runs, or SESSION where several run.

    A session is named by its folder. Without one that runs, it is waited for.

    The exit status with --terminal is that of the session: 0 for PASS and WARN, 1 for
    FAIL; with --json 0 while all is good or to be watched, 1 where something is bad;
    2 where there is no session.
    """
    wrong = {
        "expected one of SESSION, --rig and --remote, got several": (
            sum(place is not None for place in (session, rig, remote)) > 1
        ),
        "expected --remote with --keys": keys_folder and not remote,
        "expected --screenshot without --terminal and --json": (
            screenshot and (terminal or as_json)
        ),
        "expected --forever without a SESSION: each has a name of its own": (
            forever and session
        ),
    }
    for words, given in wrong.items():
        if given:
            raise click.UsageError(words)
    find = _finder(session, rig, remote, keys_folder)
    if as_json:
        from rig.commands.monitor_terminal import look_once

        found, status = look_once(find)
        click.echo(json.dumps(found, indent=2))
        return status
    if terminal:
        from rig.commands.monitor_terminal import watch

        return watch(find, forever=forever)
    from rig.commands.window import require_window

    require_window(offscreen=screenshot is not None)
    from rig.monitor.window.app import show_live

    return show_live(find, screenshot=screenshot, after_s=after_s, lab=lab)


def _finder(
    session: str | None, rig: str | None, remote: str | None, keys_folder: Path | None
) -> Find:
    """Return what looks for the session, again and again."""
    if remote is not None:
        from rig.bus.keys import load_client_keys
        from rig.monitor.remote import RemoteLink

        keys = load_client_keys(keys_folder) if keys_folder else None
        return lambda: RemoteLink(remote, keys)

    from rig.bus.directory import running
    from rig.monitor.live.link import LocalLink, find_session

    def find() -> LocalLink | None:
        if rig is None:
            streams = find_session(session)
        else:
            mine = [s for s in running() if s.path.name.partition("-")[2] == rig]
            streams = mine[-1] if mine else None
        return None if streams is None else LocalLink(streams)

    return find
