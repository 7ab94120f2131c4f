"""How long the loop takes, stage by stage, against its budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from rig.monitor.health import HEADINGS, Level
from rig.monitor.terminal.lines import STYLE, columns, symbol
from rig.recording.latency import WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rig.monitor.health import Health, Light
    from rig.monitor.terminal.trends import Trends
    from rig.supervisor.status import NodeFigures

__all__ = ["latency_line", "latency_lines"]

_SUMS = {WORDS[stage]: stage for stage in ("pose", "total")}
"""Stages that are sums of others, told last and in bold."""


def latency_lines(
    health: Health, trends: Trends, spark_width: int, *, brief: bool = False
) -> list[Text]:
    """Return the stages' times of the last poses and edges; none before the first.

    Parameters
    ----------
    brief
        Only the sums, and what is over its budget.
    """
    lights = health.of("latency")
    parts = [light for light in lights if light.subject not in _SUMS]
    sums = [light for light in lights if light.subject in _SUMS]
    if brief:
        parts = [light for light in parts if light.level > Level.GOOD]
    if not (parts or sums):
        return []
    head = ("", "latency", *HEADINGS["latency"], "p99, last minute")
    rows = [[Text(word, "dim") for word in head]]
    rows += [_row(light, trends, spark_width) for light in (*parts, *sums)]
    return columns(rows, right={2, 3, 4})


def _row(light: Light, trends: Trends, spark_width: int) -> list[Text]:
    stage = _SUMS.get(light.subject)
    style = STYLE[light.level] or ("bold" if stage else "")
    bars = trends.p99(stage, spark_width) if stage else ""
    cells = (light.subject, *light.cells, bars)
    return [symbol(light), *(Text(cell, style) for cell in cells)]


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
