"""What ``springhare compress`` does with its options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
import msgspec

from offline.archive.compress import Options, compress, plan_compression
from offline.archive.display import ShownBars, show_measured, show_report
from offline.archive.measure import measure, sample_frames
from offline.archive.report import Report
from offline.archive.source import finished_session
from offline.archive.video import VideoOptions, require_codec, write_videos

if TYPE_CHECKING:
    from pathlib import Path

    from offline.archive.codecs import Codec

__all__ = ["Wish", "run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the user asked for."""

    session: Path
    filter: str
    workers: int
    keep_raw: bool
    dry_run: bool
    codec: Codec | None
    """Of the videos; None for no videos."""
    video_only: bool
    crf: int
    measure: bool
    noises: tuple[float, ...]
    as_json: bool


def run(wish: Wish) -> int:
    """Do what was asked for and tell of it.

    Returns
    -------
    int
        The exit status.
    """
    if wish.measure:
        return _measure(wish)
    report = _report(wish)
    if wish.as_json:
        _print_json(report)
    else:
        show_report(report, keep_raw=wish.keep_raw)
    return 0


def _report(wish: Wish) -> Report:
    options = Options(wish.filter, wish.workers, wish.keep_raw)
    if wish.codec is not None:
        videos = VideoOptions(wish.codec, wish.crf, wish.workers)
        require_codec(wish.session, videos)
    else:
        videos = None
    if wish.dry_run:
        return plan_compression(wish.session, options)
    bars = ShownBars()
    # videos first: what is not packed is read faster
    made = [] if videos is None else write_videos(wish.session, videos, bars)
    if wish.video_only:
        session_id = finished_session(wish.session).session_id
        return Report(
            session_id=session_id, outcome="not folded", filter="", videos=made
        )
    report = compress(wish.session, options, bars)
    return msgspec.structs.replace(report, videos=made)


def _measure(wish: Wish) -> int:
    def tell(word: str) -> None:
        click.echo(f"  {word}", err=True)

    found = [
        one
        for name, frames in sample_frames(wish.session).items()
        for one in measure(frames, name, (0.0, *wish.noises), tell)
    ]
    if wish.as_json:
        _print_json(found)
    else:
        show_measured(found)
    return 0


def _print_json(found: Any) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
