"""Looking for second cues in all cameras of a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from offline.alignment.cues.gaze import read_frames, spread_windows, view_of
from offline.alignment.cues.led import compare, look_at
from offline.alignment.cues.lines import Wire, driven_line, possible_wires
from offline.alignment.cues.motion import (
    MotionReader,
    compare_motion,
    moved_by,
    window_length,
)
from offline.alignment.cues.search import find_spot
from offline.alignment.cues.spot import Spot
from offline.alignment.cues.words import led_cue, motion_cue, untold

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from offline.alignment.cues.gaze import View
    from offline.alignment.cues.led import LedLook
    from offline.alignment.cues.motion import Moved
    from offline.alignment.result import Cue
    from offline.alignment.streams import Placed, Session
    from rig.config.rig import LedConfig
    from sync.cues import Line

    Progress = Callable[[str, int, int], object]

__all__ = ["Lit", "led_of", "look_for_cues"]

MOST_FRAMES = 6000
"""Of a camera, for each kind of cue."""


def look_for_cues(
    session: Session,
    placed: Mapping[str, Placed],
    *,
    most_frames: int = MOST_FRAMES,
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
    cues: list[Cue] = []
    moved = moved_by(session, placed)
    for name, one in placed.items():
        view = view_of(session, name, one) if name.startswith("cameras/") else None
        if view is None:
            continue
        lit = led_of(view, most_frames=most_frames, progress=progress)
        cues += [] if lit.cue is None else [lit.cue]
        if moved is not None:
            cues.append(_motion(view, moved, lit.spot, most_frames, progress))
    return cues


@dataclass(frozen=True, slots=True, eq=False)
class Lit:
    """What was found of an LED."""

    cue: Cue | None
    """None where the rig file has no LED, and none was found."""
    look: LedLook | None
    """None where nothing follows a line."""
    spot: Spot | None


def led_of(
    view: View,
    *,
    most_frames: int = MOST_FRAMES,
    progress: Progress = lambda what, done, of: None,
) -> Lit:
    """Look at a camera's LED: where the rig file says, or else wherever one is."""
    camera = view.session.recorded.rig.cameras.get(view.camera)
    config = None if camera is None else camera.led
    finder = _Finder(view, most_frames, progress)
    return finder.search(None) if config is None else finder.given(config)


@dataclass(frozen=True, slots=True)
class _Finder:
    view: View
    most_frames: int
    progress: Progress

    def given(self, config: LedConfig) -> Lit:
        """Look where the rig file says."""
        wire = Wire(config.source, config.line)
        spot = Spot(config.x_px, config.y_px, config.radius_px)
        line, why = driven_line(self.view.session, wire)
        if line is None:
            return Lit(untold(self.view.stream, wire, f"the LED: {why}"), None, spot)
        look = self._at(spot, wire, line)
        if look.delay.shift.verdict == "absent":
            return self._otherwise(look)
        return self._lit(look)

    def search(self, missing: LedLook | None) -> Lit:
        """Look wherever an LED is; first for one that is not in its place."""
        wires = dict(possible_wires(self.view.session))
        if missing is not None:
            wires = {missing.wire: missing.line, **wires}
        for wire, line in wires.items():
            told = self._told(f"{self.view.stream}: looking for an LED on {wire}")
            spot = find_spot(self.view, line, told)
            look = None if spot is None else self._at(spot, wire, line)
            if look is not None and look.delay.shift.verdict == "unique":
                remark = _found_words(look, missing)
                return self._lit(look, remark, wrong=missing is not None)
        if missing is None:
            return Lit(None, None, None)
        words = (
            f"nothing at {missing.spot} follows {missing.wire}, nor anywhere in the "
            "picture: is the LED in view, and wired to that line?"
        )
        cue = untold(self.view.stream, missing.wire, words)
        return Lit(cue, None, missing.spot)

    def _otherwise(self, look: LedLook) -> Lit:
        """Say what there is instead of an LED: another line's, or one elsewhere."""
        seen = look.looks.seen
        levels = self.view.row[seen], look.looks.level[seen]
        for wire, line in possible_wires(self.view.session):
            if wire == look.wire:
                continue
            other = compare(self.view, look.spot, wire, line, levels, blinded=False)
            if other.delay.shift.verdict == "unique":
                remark = f"; the rig file says {look.wire}: mend it, or the wiring"
                return self._lit(other, remark, wrong=True)
        return self.search(look)

    def _lit(self, look: LedLook, remark: str = "", *, wrong: bool = False) -> Lit:
        limit = self.view.session.recorded.rig.alignment.cue_frames
        return Lit(led_cue(look, limit, remark, wrong=wrong), look, look.spot)

    def _at(self, spot: Spot, wire: Wire, line: Line) -> LedLook:
        return look_at(
            self.view,
            spot,
            wire,
            line,
            most_frames=self.most_frames,
            progress=self._told(f"{self.view.stream}: looking at the LED"),
        )

    def _told(self, what: str) -> Callable[[int, int], object]:
        return lambda done, of: self.progress(what, done, of)


def _found_words(look: LedLook, missing: LedLook | None) -> str:
    board, line = look.wire.board, look.wire.line
    where = (
        f"led: {{source: {board}, line: {line}, x_px: {look.spot.x_px:.0f}, "
        f"y_px: {look.spot.y_px:.0f}, radius_px: {look.spot.radius_px:.0f}}}"
    )
    if missing is None:
        return f"; its place was found, the rig file has none: write {where}"
    return f"; the rig file has it at {missing.spot}, where it is not: write {where}"


def _motion(
    view: View,
    moved: Moved,
    spot: Spot | None,
    most_frames: int,
    progress: Progress,
) -> Cue:
    what = f"{view.stream}: looking at motion"
    reader = MotionReader(view.shape, spot)
    speed = moved.between(view.middle_ns)
    worth = np.nan_to_num(speed)
    places = spread_windows(len(worth), window_length(view), most_frames, worth)
    read_frames(view, [(places, reader)], lambda done, of: progress(what, done, of))
    limit = view.session.recorded.rig.alignment.cue_frames
    return motion_cue(compare_motion(view, moved, reader.energy(view)), limit)
