"""What ``springhare parity`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from offline.alignment import units
from offline.parity.result import CAUSES
from rig.commands.console import wide_console

if TYPE_CHECKING:
    from rich.console import Console

    from offline.fires import Offsets
    from offline.parity.result import (
        CameraParity,
        Coverage,
        Difference,
        Model,
        Parity,
        PixelError,
    )

__all__ = ["show_parity"]

_MOST_SHOWN = 40
"""Differences; the JSON has all."""
_DIGITS = 8
"""Of a hash: enough to tell models apart by eye."""


def show_parity(found: Parity) -> None:
    """Print what was found."""
    console = wide_console()
    console.print(Text(found.session_id, "bold"))
    for camera in found.cameras:
        _show_camera(console, camera, found)
    for remark in found.remarks:
        console.print(Text(remark, "yellow"))


def _show_camera(console: Console, camera: CameraParity, found: Parity) -> None:
    console.print()
    console.print(Text(f"camera {camera.camera}", "bold"))
    console.print(Text(_models(camera), "" if camera.same_model else "yellow"))
    if camera.same_model is False:
        told = "which of the two is right, labels tell: springhare evaluate"
        console.print(Text(told, "dim"))
    if camera.cropped:
        told = f"{camera.cropped} live poses are of a part of the picture only: a "
        console.print(Text(f"{told}difference in px may come of that", "yellow"))
    _show_coverage(console, camera.coverage)
    console.print("\nlive minus offline, where both find a place likely")
    console.print(_pixels(camera.pixels))
    if camera.rules:
        shift = f"{found.shift_limit_ms:g} ms"
        console.print(
            "\nlive fires against those on every frame without delay: the same within "
            f"{found.within_ms:g} ms, shifted by more than {shift}"
        )
        console.print(_rules(camera))
    _show_differences(console, camera.differences)


def _models(camera: CameraParity) -> str:
    live, offline = camera.live, camera.offline
    if camera.same_model and camera.same_engine:
        return f"live and offline the same model: {_model(live)}"
    if camera.same_model:
        told = f"{live.name} ({live.sha256[:_DIGITS]})"
        return (
            f"the same model {told}, but not the same way: live {_how(live)}, offline "
            f"{_how(offline)}"
        )
    word = "unknown whether the same model" if camera.same_model is None else "another"
    if camera.same_model is False:
        word = "another model"
    return f"offline is {word}: live {_model(live)}, offline {_model(offline)}"


def _model(model: Model) -> str:
    return f"{model.name} ({model.sha256[:_DIGITS] or 'no hash'}) {_how(model)}"


def _how(model: Model) -> str:
    if not model.engine:
        return "by an unknown engine"
    told = f"by {model.engine} on {model.provider}"
    return told if model.resize in {None, 1.0} else f"{told}, resized {model.resize:g}"


def _show_coverage(console: Console, coverage: Coverage) -> None:
    told = f"{units.count(coverage.frames)} frames, "
    told += f"{units.count(coverage.seen)} seen live, skipped "
    told += units.share_of(coverage.skipped, coverage.frames)
    console.print(told, markup=False)
    if (gap := coverage.longest) is not None:
        console.print(
            f"longest run of skipped frames: {gap.frames}, blind for "
            f"{gap.blind_ms:.1f} ms at {gap.at_s:.3f} s"
        )
    if coverage.age_median_ms is not None and coverage.age_max_ms is not None:
        console.print(
            f"age of the live poses: {coverage.age_median_ms:.1f} ms (median), at most "
            f"{coverage.age_max_ms:.1f} ms"
        )
    for rule in coverage.too_old:
        console.print(
            f"too old for {rule.rule} (more than {rule.limit_ms:g} ms): "
            f"{units.count(rule.poses)}",
            markup=False,
        )
    if coverage.offline < coverage.frames:
        told = f"only {coverage.offline} of {coverage.frames} frames have offline poses"
        console.print(Text(told, "yellow"))
    if coverage.not_recorded:
        told = (
            f"{coverage.not_recorded} live poses are of frames that were not recorded"
        )
        console.print(Text(told, "yellow"))


def _pixels(pixels: tuple[PixelError, ...]) -> Table:
    table = _table("body part", "places", "median", "90 %", "99 %", "max")
    for name in ("only live", "only offline"):
        table.add_column(name, justify="right", min_width=9)
    for each in pixels:
        figures = (each.median_px, each.p90_px, each.p99_px, each.max_px)
        table.add_row(
            each.bodypart,
            units.count(each.count),
            *map(_px, figures),
            units.count(each.live_only),
            units.count(each.offline_only),
        )
    return table


def _px(value: float | None) -> str:
    if value is None:
        return units.DASH
    return f"{value:.2f} px" if value else "0 px"


def _rules(camera: CameraParity) -> Table:
    names = ("ideal", "live", "found", "shifted", "missed", "false")
    table = _table("rule", *names)
    table.add_column("live after ideal", justify="right", no_wrap=True)
    table.add_column("why", min_width=12)
    for rule in camera.rules:
        counts = (getattr(rule, name) for name in names)
        why = ", ".join(f"{n} {cause}" for cause, n in rule.causes.items())
        table.add_row(rule.rule, *map(str, counts), _shift(rule.shift), why)
    return table


def _shift(shift: Offsets | None) -> str:
    if shift is None:
        return units.DASH
    return f"{shift.median_ms:+.1f} ms ({shift.p5_ms:+.1f} to {shift.p95_ms:+.1f})"


def _show_differences(console: Console, differences: tuple[Difference, ...]) -> None:
    if not differences:
        return
    console.print()
    table = _table("at", left=("rule", "what", "cause", "why"))
    for each in differences[:_MOST_SHOWN]:
        what = each.kind
        what += "" if each.shift_ms is None else f" {each.shift_ms:+.1f} ms"
        table.add_row(
            f"{each.at_s:.3f} s", each.rule, what, each.cause, Text(each.words)
        )
    console.print(table)
    if (more := len(differences) - _MOST_SHOWN) > 0:
        console.print(f"and {more} more: --json tells them all")
    causes = dict.fromkeys(each.cause for each in differences)
    for cause in causes:
        console.print(Text(f"{cause}: {CAUSES[cause]}", "dim"))


def _table(first: str, *right: str, left: tuple[str, ...] = ()) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(first, min_width=9)
    for name in right:
        table.add_column(name, justify="right", min_width=7)
    for name in left:
        table.add_column(name)
    return table
