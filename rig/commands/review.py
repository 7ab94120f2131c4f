"""``springhare review``: a recorded session in the monitor's window, at any moment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rig.commands.outputs import OutFile, may_replace

if TYPE_CHECKING:
    from rig.monitor.recorded import RecordedFeed

__all__ = ["review"]

_FIGURES = (".png", ".svg", ".pdf")


@click.command(short_help="Look at a recorded session at any moment of it.")
@click.argument("session", type=click.Path(path_type=Path))
@click.option("--at", "at_s", type=float, help="Begin there: seconds of the session.")
@click.option("--clip", type=OutFile(), help="Write a film (.mp4, .mkv, .mov) and end.")
@may_replace
@click.option("--from", "first_s", type=float, help="Clip: its first second.")
@click.option("--to", "last_s", type=float, help="Clip: its last second.")
@click.option(
    "--speed",
    type=click.FloatRange(0.001, 100),
    default=1.0,
    show_default=True,
    help="Clip: seconds of the session in a second.",
)
@click.option(
    "--fps",
    type=click.FloatRange(1, 240),
    default=30.0,
    show_default=True,
    help="Clip: pictures a second.",
)
@click.option(
    "--camera",
    "cameras",
    multiple=True,
    help="Clip: a camera; may be given several times, else all.",
)
@click.option(
    "--figure",
    type=OutFile(),
    help="Save the window at that moment (.png, .svg, .pdf) and end.",
)
@click.option(
    "--screenshot", type=OutFile(), help="Save a picture of the window and end."
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print how it stands, and what can be jumped to, as JSON.",
)
def review(
    session: Path,
    at_s: float | None,
    clip: Path | None,
    first_s: float | None,
    last_s: float | None,
    speed: float,
    fps: float,
    cameras: tuple[str, ...],
    figure: Path | None,
    screenshot: Path | None,
    as_json: bool,
) -> int:
    """Look at a recorded SESSION: slide, play, step, jump to fires and gaps.

    Nothing of the recording is changed, and it may still be going on. With --clip,
    --figure, --screenshot or --json no window is opened, and no display is needed.
    """
    from rig.monitor.recorded import RecordedFeed

    _check(clip, first_s, last_s, figure)
    feed = RecordedFeed(session)
    try:
        if as_json:
            click.echo(_json(feed, at_s))
        if clip is not None and first_s is not None and last_s is not None:
            _write_clip(feed, clip, first_s, last_s, speed, fps, cameras)
        picture = figure or screenshot
        if picture is None and (as_json or clip is not None):
            return 0
        return _show(feed, at_s, picture)
    finally:
        feed.close()


def _check(
    clip: Path | None, first_s: float | None, last_s: float | None, figure: Path | None
) -> None:
    """Refuse what does not go together before any work is done.

    Raises
    ------
    click.UsageError
        If something is missing, or of another kind.
    """
    if clip is not None and (first_s is None or last_s is None):
        msg = "Expected --from and --to with --clip: the clip's first and last second"
        raise click.UsageError(msg)
    if clip is None and (first_s is not None or last_s is not None):
        msg = "Expected --clip with --from and --to, got none: name the film's file"
        raise click.UsageError(msg)
    if figure is not None and figure.suffix.lower() not in _FIGURES:
        msg = f"Expected a figure's name that ends with {', '.join(_FIGURES)}, got "
        msg += str(figure)
        raise click.UsageError(msg)


def _show(feed: RecordedFeed, at_s: float | None, picture: Path | None) -> int:
    from rig.commands.window import require_window

    instead = "springhare review --figure FILE or --json"
    require_window(offscreen=picture is not None, instead=instead)
    from rig.monitor.window.app import show_review

    status = show_review(feed, at_s=at_s, screenshot=picture)
    if picture is not None:
        click.echo(f"{picture}", err=True)
    return status


def _write_clip(
    feed: RecordedFeed,
    path: Path,
    first_s: float,
    last_s: float,
    speed: float,
    fps: float,
    cameras: tuple[str, ...],
) -> None:
    from rig.commands.window import require_window
    from rig.monitor.recorded.clip import ClipRequest, require_clip, write_clip

    request = ClipRequest(
        path, first_s, last_s, cameras, speed, fps, replace=path.exists()
    )
    total = require_clip(feed, request)
    require_window(offscreen=True)
    from rich.console import Console
    from rich.progress import Progress

    from rig.monitor.window.app import application
    from rig.monitor.window.clip import painter_of

    _app = application()  # fonts need one
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("pictures", total=total)

        def told(done: int, _all: int) -> bool:
            bar.update(task, completed=done)
            return True

        write_clip(feed, request, painter_of(feed, cameras), told)
    click.echo(f"{total} pictures in {path}", err=True)


def _json(feed: RecordedFeed, at_s: float | None) -> str:
    import msgspec

    feed.look_everywhere()
    found: dict[str, Any] = {
        "session_id": feed.shown.session_id,
        "folder": str(feed.folder),
        "started_utc": feed.info.started_utc,
        "first_picture_s": feed.begin_s,
        "end_s": feed.end_s,
        "being_recorded": feed.growing,
        "verdict": feed.info.verdict,
        "health": feed.health.to_dict(),
        "jumps": feed.jumps.to_dict(),
    }
    if at_s is not None:
        feed.seek(at_s)
        found["at_s"] = feed.now_s
        found["frames"] = {
            camera.name: None if look is None else _frame(look)
            for camera in feed.shown.cameras
            for look in [feed.look(camera.name)]
        }
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode()


def _frame(look: Any) -> dict[str, Any]:
    keypoints = look.keypoints
    return {
        "frame_id": look.frame_id,
        "exposed_s": look.exposed_s,
        "keypoints": None if keypoints is None else keypoints.tolist(),
    }
