"""Finding what a camera's LED says: in its place, on another line, or elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offline.alignment.cues.led import compare, look_at
from offline.alignment.cues.lines import Wire, driven_line, possible_wires
from offline.alignment.cues.search import find_spot
from offline.alignment.cues.spot import Spot
from offline.alignment.cues.words import led_cue, untold

if TYPE_CHECKING:
    from collections.abc import Callable

    from offline.alignment.cues.gaze import View
    from offline.alignment.cues.led import LedLook
    from offline.alignment.cues.motion import MotionWish
    from offline.alignment.result import Cue
    from rig.config.rig import LedConfig
    from sync.cues import Line

    Progress = Callable[[str, int, int], object]

__all__ = ["Lit", "led_config", "led_of"]


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
    most_frames: int,
    beside: MotionWish | None = None,
    progress: Progress = lambda what, done, of: None,
) -> Lit:
    """Look at a camera's LED: where the rig file says, or else wherever one is.

    Parameters
    ----------
    view
        Of the camera.
    most_frames
        So many are read at most.
    beside
        Somebody else who wants to see frames; is shown them if they are read here.
    progress
        Told what is looked at, how many frames are read, and of how many.
    """
    config = led_config(view)
    finder = _Finder(view, most_frames, beside, progress)
    return finder.search(None) if config is None else finder.given(config)


def led_config(view: View) -> LedConfig | None:
    """Return what the rig file says of a camera's LED; None if nothing."""
    camera = view.session.recorded.rig.cameras.get(view.camera)
    return None if camera is None else camera.led


@dataclass(frozen=True, slots=True)
class _Finder:
    view: View
    most_frames: int
    beside: MotionWish | None
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
            beside=self.beside,
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
