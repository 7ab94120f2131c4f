"""The evaluation on the terminal: models as rows, then parts, comparisons, speed."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from rich.table import Table

from offline.evaluation.words import DASH, drawn_words, interval, p_value, px

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from offline.evaluation.figures import Figures
    from offline.evaluation.judging import Judged
    from offline.evaluation.resampling import Estimate
    from offline.evaluation.result import Evaluation

__all__ = ["show"]

_TITLES = ("px", "points", "median", "95 %", "mean", "RMSE", "90 %", "≤ 5", "≤ 10")


def show(found: Evaluation, console: Console) -> None:
    """Print an evaluation."""
    for judged in found.sets:
        _show_set(judged, found, console)
    _show_speed(found, console)
    for name, model, why in found.doubts:
        line = (
            f"WARNING ({name}): {model}: {why}; so these are no errors on unseen frames"
        )
        console.print(line, style="bold red", highlight=False)
    for remark in found.remarks:
        console.print(remark, highlight=False, markup=False)


def _show_set(judged: Judged, found: Evaluation, console: Console) -> None:
    console.print(
        f"{judged.name}: {judged.frames} labelled frames of {found.project}",
        style="bold",
        highlight=False,
    )
    table = _table((*_TITLES, "ECE"))
    for model in judged.models:
        ece = px(model.calibration.ece)
        table.add_row(model.name, *_cells(model.overall), ece)
    console.print(table)
    console.print(f"{drawn_words(judged)}.", style="dim", highlight=False)
    _show_gated(judged, console)
    _show_parts(judged, found.parts, console)
    _show_comparisons(judged, console)


def _show_gated(judged: Judged, console: Console) -> None:
    gated = [(model.name, model.gated) for model in judged.models if model.gated]
    if not gated:
        return
    console.print("after the gates", style="dim")
    table = _table((*_TITLES, "kept"))
    for name, left in gated:
        table.add_row(name, *_cells(left.overall), _share(left.kept))
    console.print(table)


def _cells(figures: Figures) -> list[str]:
    return [
        f"{figures.n}",
        px(figures.median_px.value),
        interval(figures.median_px).replace(" to ", "–"),
        px(figures.mean_px.value),
        px(figures.rmse_px.value),
        px(figures.q90_px.value),
        _share(figures.within_5px),
        _share(figures.within_10px),
    ]


def _share(estimate: Estimate) -> str:
    return f"{100 * estimate.value:.0f}%" if isfinite(estimate.value) else DASH


def _show_parts(judged: Judged, parts: Sequence[str], console: Console) -> None:
    console.print("median px of each part", style="dim")
    shown = [part for part in parts if any(part in m.parts for m in judged.models)]
    table = _table(("", *(model.name for model in judged.models)))
    for part in shown:
        found = [model.parts.get(part) for model in judged.models]
        table.add_row(part, *(px(f.median_px.value) if f else "" for f in found))
    console.print(table)


def _show_comparisons(judged: Judged, console: Console) -> None:
    if not judged.comparisons:
        return
    first = judged.comparisons[0].first
    console.print(f"less {first}, on the points that both give", style="dim")
    titles = ("", "points", "median px", "95 %", "mean px", "p", "p (Holm)")
    table = _table(titles)
    for one in judged.comparisons:
        median = one.paired.median_difference_px
        table.add_row(
            one.other,
            f"{one.paired.n}",
            px(median.value),
            interval(median),
            px(one.paired.mean_difference_px),
            p_value(one.paired.p),
            p_value(one.p_holm),
        )
    console.print(table)


def _show_speed(found: Evaluation, console: Console) -> None:
    machine = found.machine
    console.print(
        f"speed here, in turns ({machine.cores} cores; load {machine.load_before:.1f} "
        f"to {machine.load_after:.1f}, the models' own among it)",
        style="bold",
        highlight=False,
    )
    table = _table(("", "engine", "provider", "px", "looks", "median ms", "p99 ms"))
    for name, facts, speed in zip(found.names, found.facts, found.speeds, strict=True):
        table.add_row(
            name,
            facts.engine,
            facts.provider,
            "×".join(map(str, speed.size_px)),
            f"{speed.looks}",
            f"{speed.median_ms:.2f}",
            f"{speed.p99_ms:.2f}",
        )
    console.print(table)


def _table(titles: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(titles[0], overflow="fold")
    for title in titles[1:]:
        table.add_column(title, justify="right", no_wrap=True)
    return table
