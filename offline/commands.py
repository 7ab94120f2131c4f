"""Commands of the offline side; each imports what it needs when it is asked."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import click

__all__ = ["compress", "picture"]


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


@click.command(short_help="Fold a finished session into one compressed file.")
@click.argument("session", type=click.Path(path_type=Path))
@click.option(
    "--filter",
    "filter_name",
    type=click.Choice(["gzip", "szip", "jpegls", "bitshuffle", "none"]),
    default="gzip",
    show_default=True,
    help="What packs the pixels: gzip opens anywhere; szip is smaller and faster, "
    "jpegls the smallest, bitshuffle the fastest; what they need to be read is in the "
    "README of offline.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=os.cpu_count() or 1,
    show_default="one a core",
    help="Processes that pack.",
)
@click.option("--keep-raw", is_flag=True, help="Do not remove the segments.")
@click.option("--dry-run", is_flag=True, help="Only estimate, from samples.")
@click.option(
    "--video",
    "codec",
    type=click.Choice(["ffv1", "h264"]),
    help="Also write a video per camera into derived/video: ffv1 keeps every bit, "
    "h264 is small.",
)
@click.option("--video-only", is_flag=True, help="Write videos and fold nothing.")
@click.option(
    "--crf",
    type=click.IntRange(0, 51),
    default=18,
    show_default=True,
    help="Quality of h264: smaller is better and bigger.",
)
@click.option(
    "--measure",
    "only_measure",
    is_flag=True,
    help="Only compare filters, on frames of SESSION, which may also be a film.",
)
@click.option(
    "--noise",
    "noises",
    type=click.FloatRange(0),
    multiple=True,
    help="With --measure: also with so much noise added (standard deviation, in grey "
    "levels); may be given several times.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def compress(
    session: Path,
    filter_name: str,
    workers: int,
    keep_raw: bool,
    dry_run: bool,
    codec: Literal["ffv1", "h264"] | None,
    video_only: bool,
    crf: int,
    only_measure: bool,
    noises: tuple[float, ...],
    as_json: bool,
) -> int:
    """Fold a finished SESSION into one self-contained session.h5, without loss.

    The new file is decoded whole and compared with what was recorded, bit for bit,
    before it takes the place of the old one and the segments are removed. Stopped at
    any moment, the session can be read; run again, it goes on.
    """
    from offline.archive.command import Wish, run

    wish = Wish(
        session=session,
        filter=filter_name,
        workers=workers,
        keep_raw=keep_raw,
        dry_run=dry_run,
        codec=codec or ("ffv1" if video_only else None),
        video_only=video_only,
        crf=crf,
        measure=only_measure,
        noises=noises,
        as_json=as_json,
    )
    return run(wish)
