"""``springhare serve`` and ``springhare keys``: streams for another machine.

The server is a process of its own beside the session. It reads the rings as any
reader does: whatever happens to it or to those that it serves, the session goes on.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rig.bus.directory import StreamDirectory
    from rig.bus.server import StreamServer
    from rig.monitor.remote.keeper import SessionKeeper

__all__ = ["keys", "serve"]

_STEP_MS = 50
_FAREWELL_NS = 5_000_000_000
"""When the session has ended, so long at most is it told how, to those who ask."""
_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command(short_help="Let other machines read the running session's streams.")
@click.option(
    "--address",
    default="tcp://127.0.0.1:5511",
    show_default=True,
    help="Where to listen, e.g. tcp://192.168.1.10:5511 or tcp://eth0:5511.",
)
@click.option(
    "--keys",
    "keys_folder",
    type=_FOLDER,
    help="The server's folder that springhare keys made; needed for other machines.",
)
@click.option("--unblind", is_flag=True, help="Let readers see which fires are shams.")
def serve(address: str, keys_folder: Path | None, unblind: bool) -> None:
    """Serve every stream of the session that runs on this machine.

    Where the task has shams, what tells them from fires is kept back. Ends when the
    session ends, or with Ctrl-C.
    """
    from rig.bus.directory import running
    from rig.bus.keys import load_server_keys
    from rig.bus.server import StreamServer
    from rig.errors import StreamError
    from rig.monitor.live.link import LocalLink
    from rig.monitor.remote.keeper import SessionKeeper

    sessions = running()
    if len(sessions) != 1:
        msg = (
            f"Expected one running session, got {len(sessions)}: start one with "
            "springhare run or springhare demo"
        )
        raise StreamError(msg)
    streams = sessions[0]
    server_keys = load_server_keys(keys_folder) if keys_folder else None
    link = LocalLink(streams)
    try:
        keeper = SessionKeeper(link, unblind=unblind)
        server = StreamServer(streams, address, server_keys, keeper=keeper)
        try:
            click.echo(f"serving {streams.path.name} on {server.address}", err=True)
            _serve(streams, server, keeper)
        finally:
            server.close()
    finally:
        link.close()


def _serve(
    streams: StreamDirectory, server: StreamServer, keeper: SessionKeeper
) -> None:
    """Serve until the session has ended, and those who look know how."""
    from sync.clock import MonotonicClock

    while streams.path.exists():
        server.step(_STEP_MS)
        keeper.poll()
    clock = MonotonicClock()
    until_ns = clock.now() + _FAREWELL_NS
    while keeper.asked and not keeper.told and clock.now() < until_ns:
        server.step(_STEP_MS)
        keeper.poll()


@click.command(short_help="Make keys for reading streams from another machine.")
@click.argument("folder", type=_FOLDER)
@click.option(
    "--reader",
    default="viewer",
    show_default=True,
    help="Name of the machine or person that reads.",
)
def keys(folder: Path, reader: str) -> None:
    """Make keys in FOLDER: the server's, once, and those of one more reader."""
    from rig.bus.keys import make_keys

    server, client = make_keys(folder, reader)
    click.echo(
        f"""\
made {server} and {client}

next:
  springhare serve --keys {server} --address tcp://YOUR-ADDRESS:5511
  carry {client} to the machine that reads, over a way you trust, and delete it here"""
    )
