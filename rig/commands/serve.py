"""``springhare serve`` and ``springhare keys``: streams for another machine.

The server is a process of its own beside the session. It reads the rings as any
reader does: whatever happens to it or to those that it serves, the session goes on.
"""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["keys", "serve"]

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
def serve(address: str, keys_folder: Path | None) -> None:
    """Serve every stream of the session that runs on this machine.

    Ends when the session ends, or with Ctrl-C.
    """
    from rig.bus.directory import running
    from rig.bus.keys import load_server_keys
    from rig.bus.server import StreamServer
    from rig.errors import StreamError

    sessions = running()
    if len(sessions) != 1:
        msg = (
            f"Expected one running session, got {len(sessions)}: start one with "
            "springhare run or springhare demo"
        )
        raise StreamError(msg)
    streams = sessions[0]
    server = StreamServer(
        streams, address, load_server_keys(keys_folder) if keys_folder else None
    )
    try:
        click.echo(f"serving {streams.path.name} on {server.address}", err=True)
        while streams.path.exists():
            server.step(200)
    finally:
        server.close()


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
