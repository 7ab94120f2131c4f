"""Looking for second cues in all cameras of a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offline.alignment.cues.finder import led_config, led_of
from offline.alignment.cues.gaze import view_of
from offline.alignment.cues.motion import MotionWish, compare_motion, moved_by
from offline.alignment.cues.spot import Spot
from offline.alignment.cues.words import motion_cue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from offline.alignment.cues.gaze import View
    from offline.alignment.cues.motion import Moved
    from offline.alignment.result import Cue
    from offline.alignment.streams import Placed, Session

    Progress = Callable[[str, int, int], object]

__all__ = ["look_for_cues"]

_MOST_FRAMES = 6000


def look_for_cues(
    session: Session,
    placed: Mapping[str, Placed],
    *,
    most_frames: int = _MOST_FRAMES,
    progress: Progress = lambda what, done, of: None,
) -> list[Cue]:
    """Look for second cues in the pictures of each camera.

    Parameters
    ----------
    session, placed
        As `offline.alignment.pipeline.align` gives them to its `look`.
    most_frames
        So many of a camera's frames are read at most for each kind of cue, in windows
        spread over the session.
    progress
        Told what is looked at, how many frames are read, and of how many.
    """
    moved = moved_by(session, placed)
    cues: list[Cue] = []
    for name, one in placed.items():
        view = view_of(session, name, one) if name.startswith("cameras/") else None
        if view is not None:
            cues += _cues(view, moved, most_frames, progress)
    return cues


def _cues(
    view: View, moved: Moved | None, most_frames: int, progress: Progress
) -> Iterator[Cue]:
    led = led_config(view)
    spot = None if led is None else Spot(led.x_px, led.y_px, led.radius_px)
    wish = None if moved is None else MotionWish.of(view, moved, most_frames, spot)
    lit = led_of(view, most_frames=most_frames, beside=wish, progress=progress)
    if lit.cue is not None:
        yield lit.cue
    if wish is not None and moved is not None:
        what = f"{view.stream}: looking at motion"
        wish.read(view, lambda done, of: progress(what, done, of))
        look = compare_motion(view, moved, wish.reader.energy(view))
        yield motion_cue(look, view.session.recorded.rig.alignment.cue_frames)
