"""What a look at an LED or at motion says, as a cue in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offline.alignment import units
from offline.alignment.checks import level_of
from offline.alignment.result import Cue, worst

if TYPE_CHECKING:
    from offline.alignment.cues.led import LedLook
    from offline.alignment.cues.lines import Wire
    from offline.alignment.cues.motion import MotionLook
    from offline.alignment.result import Level
    from rig.config.alignment import Limit

__all__ = ["led_cue", "motion_cue", "untold"]

_WHOLE = 0.3
"""Motion that is further from a whole number of frames does not say which."""


def untold(stream: str, wire: Wire, words: str, level: Level = "WARN") -> Cue:
    """Return the cue of an LED that says nothing."""
    return Cue(
        name="led",
        stream=stream,
        against=str(wire),
        level=level,
        words=words,
        offset_ns=None,
        sd_ns=None,
        offset_frames=None,
        events=0,
        shift_frames=None,
    )


def led_cue(
    look: LedLook, limit: Limit, remark: str = "", *, wrong: bool = False
) -> Cue:
    """Return what an LED says.

    Parameters
    ----------
    look
        At one that follows its line.
    limit
        In frames: from when on it is a warning, and when it fails.
    remark
        What else is to be known, if anything.
    wrong
        Whether the rig file says something else: a warning.
    """
    delay = look.delay
    frames = delay.delay_ns / look.view.period_ns
    unique = delay.shift.verdict == "unique"
    where = f"the LED at {look.spot} on {look.wire}"
    if not unique:
        return untold(
            look.view.stream, look.wire, f"{where} {_ambiguous(look)}{remark}"
        )
    shift = round(frames) + delay.shift.best
    level = level_of(abs(frames), limit)
    words = f"{where} {_seen(look, shift)}"
    return Cue(
        name="led",
        stream=look.view.stream,
        against=str(look.wire),
        level=worst([level, "WARN" if wrong or shift else "PASS"]),
        words=f"{words}{_quality(look)}{remark}",
        offset_ns=delay.delay_ns,
        sd_ns=delay.spread_ns,
        offset_frames=frames,
        events=delay.edges,
        shift_frames=shift,
    )


def _seen(look: LedLook, shift: int) -> str:
    delay = look.delay
    way = "late" if delay.delay_ns > 0 else "early"
    size = f"{units.size(delay.delay_ns)} {way} ({units.band(delay.sd_ns)})"
    clear = (
        f"by {units.count(delay.edges)} edges, and any other whole frame leaves "
        f"{units.compact(delay.shift.worse)} times as much unexplained"
    )
    if not shift:
        return f"is seen {size}; {clear}"
    places = f"{abs(shift)} frame{'s' if abs(shift) > 1 else ''}"
    return (
        f"is seen {size}: the pictures are {places} {way}, and the alignment does not "
        f"know; {clear}. Look for frames that were lost at the beginning, or for "
        "triggers that made none"
    )


def _ambiguous(look: LedLook) -> str:
    shift = look.delay.shift
    apart = abs(shift.rival - shift.best)
    again = units.length(apart * look.view.period_ns / 1e9)
    return (
        f"fits {units.count(apart)} frames ({again}) further as well: the line is "
        "regular, and cannot tell which frame is which; wire the LED to the sync line"
    )


def _quality(look: LedLook) -> str:
    delay = look.delay
    words = ""
    if delay.spoilt:
        share = units.share_of(delay.spoilt, delay.spoilt + delay.edges)
        words += f"; {share} of the edges were hidden or spoilt"
    if look.blinded:
        words += "; it is brighter than the picture can show: dim it"
    return words


def motion_cue(look: MotionLook, limit: Limit) -> Cue:
    """Return what motion says: at worst a warning, because bodies have delays too.

    Parameters
    ----------
    look
        At a camera.
    limit
        In frames: from when on it is a warning.
    """
    windows, period_ns = look.windows, look.view.period_ns
    told = windows.accepted
    frames = windows.median if told else None
    shift = None
    if frames is not None and look.moved.by_force:
        shift = round(frames) if abs(frames - round(frames)) < _WHOLE else None
    off = frames is not None and level_of(abs(frames), limit) != "PASS"
    level: Level = "WARN" if shift or off else "PASS"
    return Cue(
        name="motion",
        stream=look.view.stream,
        against=look.moved.stream,
        level=level,
        words=_motion_words(look, level),
        offset_ns=None if frames is None else frames * period_ns,
        sd_ns=windows.sd * period_ns if told else None,
        offset_frames=frames,
        events=windows.clear,
        shift_frames=shift,
    )


def _motion_words(look: MotionLook, level: Level) -> str:
    windows, asked = look.windows, len(look.windows.first)
    against = f"motion in the picture against {look.moved.stream}"
    if not asked:
        return f"{against}: too little of either to compare"
    clear = f"{windows.clear} of {asked} windows are clear"
    if not windows.accepted:
        return f"{against} says nothing: {clear}, too few or not of one mind"
    size = units.size(windows.median * look.view.period_ns)
    way = "late" if windows.median > 0 else "early"
    words = (
        f"{against} comes {size} {way} ({units.compact(windows.median)} frames); "
        f"{clear}, and agree to {units.compact(windows.sd)} frames"
    )
    if level == "PASS":
        return words
    own = "" if look.moved.by_force else ", or the body's own delay"
    return f"{words}: frames may be off{own}; let an LED on the sync line be seen"
