"""How long the loop takes, stage by stage, in the live table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from rig.recording.latency import STAGES, WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rig.supervisor.status import NodeFigures

__all__ = ["latency_line", "latency_table"]

_FIGURES = ("p50", "p95", "p99", "max")
_SUMS = ("pose", "total")
"""Stages that are sums of others, shown in bold after them."""


def latency_table(nodes: Sequence[NodeFigures]) -> Table | None:
    """Return the stages' times of the last poses and edges; None before the first."""
    metrics = _metrics(nodes)
    stages = [name for name in STAGES if name not in _SUMS]
    shown = [stage for stage in (*stages, *_SUMS) if f"{stage}_p50_ms" in metrics]
    if not shown:
        return None
    budgeted = any(name.startswith("budget_") for name in metrics)
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("latency, ms", min_width=26)
    for figure in _FIGURES:
        table.add_column(figure, justify="right", min_width=9)
    if budgeted:
        table.add_column("budget")
    for stage in shown:
        values = [_value(metrics, f"{stage}_{figure}_ms") for figure in _FIGURES]
        budget = [_budget(metrics, stage)] if budgeted else []
        style = "bold" if stage in _SUMS else ""
        table.add_row(WORDS[stage], *values, *budget, style=style)
    return table


def latency_line(nodes: Sequence[NodeFigures]) -> str:
    """Return the loop's times in a few words, for a log; empty before the first."""
    metrics, words = _metrics(nodes), ""
    for stage, name in (("pose", "latency"), ("total", "to the edge")):
        p50, p99 = (metrics.get(f"{stage}_{figure}_ms") for figure in ("p50", "p99"))
        if p50 is not None and p99 is not None:
            words += f"  {name} p50 {p50:.1f} ms, p99 {p99:.1f} ms"
    over = [key.removeprefix("over_") for key in metrics if key.startswith("over_")]
    late = [key for key in over if metrics[f"over_{key}"]]
    if late:
        told = (key.removesuffix("_ms").replace("_", " ") for key in late)
        words += f"  OVER BUDGET: {', '.join(told)}"
    return words


def _metrics(nodes: Sequence[NodeFigures]) -> Mapping[str, float]:
    """Return the figures of the node that makes the poses."""
    return next((node.metrics for node in nodes if "pose_p50_ms" in node.metrics), {})


def _value(metrics: Mapping[str, float], key: str) -> Text:
    over = bool(metrics.get(f"over_{key}"))
    return Text(f"{metrics[key]:.2f}", "bold red" if over else "")


def _budget(metrics: Mapping[str, float], stage: str) -> Text:
    """Return a stage's limits, those that are broken in red."""
    words = Text()
    for figure in _FIGURES:
        key = f"{stage}_{figure}_ms"
        if (limit_ms := metrics.get(f"budget_{key}")) is None:
            continue
        over = bool(metrics.get(f"over_{key}"))
        gap = ", " if words else ""
        words.append(f"{gap}{figure} {limit_ms:g}", "bold red" if over else "green")
    return words
