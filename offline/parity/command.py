"""What ``springhare parity`` does with its options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from offline.parity.chosen import Asked
from offline.parity.compare import compare
from offline.parity.display import show_parity
from rig.errors import SessionError
from rig.recording.reader import Recording

if TYPE_CHECKING:
    from pathlib import Path

    from offline.parity.compare import Compared

__all__ = ["ParityWish", "run_parity"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParityWish:
    """What the user asked for."""

    session: Path
    cameras: tuple[str, ...]
    """Empty for all that have live and offline poses."""
    poses: Path | None
    """A file of offline poses; None for those in the session."""
    model: str | None
    """Whose offline poses; None for those that were made last."""
    within_ms: float | None
    shift_ms: float | None
    picture: Path | None
    as_json: bool


def run_parity(wish: ParityWish) -> int:
    """Hold live against offline, and tell of it.

    Returns
    -------
    int
        The exit status: 0; differences are no failure.

    Raises
    ------
    SessionError
        If there is no such session, it has no live poses, or no offline ones.
    SpringhareError
        If a picture is wanted and there is nothing to draw with.
    """
    asked = Asked(
        cameras=wish.cameras,
        poses=wish.poses,
        model=wish.model,
        within_ns=_ns(wish.within_ms),
        shift_ns=_ns(wish.shift_ms),
    )
    with Recording.open(wish.session) as recording:
        found = compare(recording, asked)
    if wish.picture is not None:
        _draw(found, wish.picture)
    if wish.as_json:
        click.echo(found.result.to_json())
        return 0
    show_parity(found.result)
    if wish.picture is not None:
        click.echo(f"wrote {wish.picture}")
    return 0


def _ns(value_ms: float | None) -> int | None:
    return None if value_ms is None else round(value_ms * 1e6)


def _draw(found: Compared, path: Path) -> None:
    from offline.parity.picture import draw_parity

    try:
        path.parent.mkdir(exist_ok=True)
        draw_parity(found, path)
    except OSError as error:
        msg = f"Expected to write {error.filename}, got {error.strerror}"
        raise SessionError(msg) from error
