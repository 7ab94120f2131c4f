"""Commands of the offline side; each imports what it needs when it is asked."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["picture"]


@click.command(short_help="Draw a session as one picture.")
@click.argument("session", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Image file; by default derived/picture.png in the session.",
)
@click.option("--from", "first_s", type=float, default=0.0, help="First second shown.")
@click.option("--to", "last_s", type=float, default=10.0, show_default=True)
def picture(session: Path, out: Path | None, first_s: float, last_s: float) -> int:
    """Draw what a SESSION recorded: muscles, force, pose, stimuli, frames."""
    from offline.picture import draw
    from rig.recording.reader import Recording

    with Recording.open(session) as recording:
        folder = session if session.is_dir() else session.parent
        path = out or folder / "derived" / "picture.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        count = draw(recording, path, first_s, last_s)
    click.echo(f"{count} tracks in {path}")
    return 0
