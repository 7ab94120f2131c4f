"""What ``springhare latency`` prints: the stages, what was not done, the budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from offline.alignment import units
from rig.commands.console import wide_console
from rig.recording.latency import STAGES, WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import Console

    from offline.loop_latency.result import (
        CameraLoop,
        Judged,
        LoopLatency,
        OverTime,
        RuleLoop,
        StageTimes,
    )

__all__ = ["show_loop_latency", "stage_rows"]

_SUMS = ("pose", "total")
_FIGURES = ("p50", "p95", "p99", "max")


def show_loop_latency(found: LoopLatency, files: Iterable[object] = ()) -> None:
    """Print a session's latencies.

    Parameters
    ----------
    found
        The figures.
    files
        What was written, if anything.
    """
    console = wide_console()
    console.print(Text(found.session_id, "bold"))
    for camera in found.cameras:
        _show_camera(console, camera, found.budget)
    for rule in found.rules:
        _show_rule(console, rule, found.budget)
    console.print()
    for remark in found.remarks:
        console.print(Text(remark, "yellow"))
    for breach in found.breaches:
        console.print(Text(f"live, {breach}", "yellow"))
    console.print(_verdict(found))
    for path in files:
        console.print(f"wrote {path}", markup=False)


def stage_rows(stages: Mapping[str, StageTimes]) -> list[tuple[str, StageTimes]]:
    """Return stages in the order in which they follow one another, sums last."""
    names = [name for name in STAGES if name not in _SUMS]
    return [(name, stages[name]) for name in (*names, *_SUMS) if name in stages]


def _show_camera(
    console: Console, camera: CameraLoop, budget: Iterable[Judged]
) -> None:
    head = f"\ncamera {camera.camera}: {units.count(camera.poses)} poses"
    console.print(Text(head, "bold"))
    if camera.stages:
        console.print(_table(camera.stages, f"camera {camera.camera}", budget))
    skipped = units.share_of(camera.skipped, camera.frames)
    words = f"{skipped} of {units.count(camera.frames)} frames were never looked at"
    if camera.most_skipped > 1:
        words += f", up to {camera.most_skipped} in a row"
    console.print(words, markup=False)
    if camera.over_time is not None:
        console.print(_trend(camera.over_time))


def _show_rule(console: Console, rule: RuleLoop, budget: Iterable[Judged]) -> None:
    head = f"\nrule {rule.rule} (on {rule.camera}): {rule.edges} edges"
    late = f", {rule.late} told after their timeout" if rule.late else ""
    console.print(Text(f"{head} of {rule.fired} fired{late}", "bold"))
    if rule.stages:
        console.print(_table(rule.stages, f"rule {rule.rule}", budget))
    elif rule.fired:
        console.print(Text("no edge came back", "yellow"))
    sham = rule.outcomes.get("sham", 0)
    told = [f"{sham} sham"] if sham else []
    told += [f"{count} {cause}" for cause, count in sorted(rule.suppressed.items())]
    if told:
        console.print(f"not carried out: {', '.join(told)}", markup=False)


def _table(
    stages: Mapping[str, StageTimes], subject: str, budget: Iterable[Judged]
) -> Table:
    mine = [judged for judged in budget if judged.subject == subject]
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("ms", min_width=30)
    for figure in _FIGURES:
        table.add_column(figure, justify="right", min_width=8)
    table.add_column("95 %", justify="right", min_width=8)
    if mine:
        table.add_column("budget")
    for name, times in stage_rows(stages):
        held = [judged for judged in mine if judged.stage == name]
        over = {judged.figure for judged in held if judged.over}
        values = [
            Text(f"{getattr(times, f'{figure}_ms'):.2f}", "bold red" * (figure in over))
            for figure in _FIGURES
        ]
        sd_ns = None if times.sd_ms is None else times.sd_ms * 1e6
        band = "" if sd_ns is None else units.band(sd_ns)
        row = [WORDS[name], *values, band, *([_limits(held)] if mine else [])]
        table.add_row(*row, style="bold" if name in _SUMS else "")
    return table


def _limits(held: Iterable[Judged]) -> Text:
    words = Text()
    for judged in held:
        gap = ", " if words else ""
        style = "bold red" if judged.over else "green"
        words.append(f"{gap}{judged.figure} {judged.limit_ms:g}", style)
    return words


def _trend(over_time: OverTime) -> Text:
    trend = over_time.trend
    if trend is None:
        return Text("too short to say whether it grows")
    whole = "minute" if trend.seconds >= 60 else f"{trend.seconds:.0f} s"
    words = (
        f"exposure to pose, p99: first {whole} {trend.first.p99_ms:.1f} ms, last "
        f"{whole} {trend.last.p99_ms:.1f} ms ({trend.p99_ratio:.2f} times)"
    )
    if trend.grows is None:
        return Text(f"{words}: too few poses to say whether it grows")
    if trend.grows:
        return Text(f"{words}: it grows", "yellow")
    return Text(f"{words}: it does not grow")


def _verdict(found: LoopLatency) -> Text:
    if not found.budget:
        return Text("no budget to judge by (latency_budget in the task file)", "dim")
    if not found.over:
        return Text("within the budget", "bold green")
    told = (
        f"\n  {judged.subject}: {WORDS[judged.stage]}, {judged.figure} "
        f"{judged.found_ms:.1f} ms, budget {judged.limit_ms:g} ms"
        for judged in found.over
    )
    return Text.assemble(("over the budget", "bold red"), *told)
