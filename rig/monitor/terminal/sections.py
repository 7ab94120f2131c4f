"""The parts of the table, from a session at a glance and its health. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from rig.monitor.health import HEADINGS, Level
from rig.monitor.health.judgement import clock_words
from rig.monitor.terminal.lines import STYLE, columns, flowing, symbol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rig.monitor.health import Health, Light
    from rig.monitor.terminal.trends import Trends
    from rig.supervisor.status import Status

__all__ = [
    "inference_lines",
    "loop_and_disk_lines",
    "node_lines",
    "nodes_in_brief",
    "reason_lines",
    "stream_lines",
    "title_line",
]

_ORDER = ("cameras", "signals", "events", "poses", "points", "decisions")
"""Of streams, by the first part of their names; what is not named comes last."""
_TRIGGER_TO_FRAME = ("trigger_to_frame_p50_ms", "trigger_to_frame_p99_ms")


def title_line(status: Status) -> Text:
    """Return which session it is and how far it has come."""
    title = Text(status.phase, "bold")
    if status.phase == "recording":
        title.append(f" for {_short(status.elapsed_s)}")
    title.append(f"   session time {clock_words(status.session_s)}")
    if status.blind:
        title.append("   blind")
    title.append(f"   {status.session_id}", "dim")
    return title


def reason_lines(health: Health, most: int) -> list[Text]:
    """Return what else is not good, in words: the headline has the worst."""
    others = health.troubles[1:]
    shown = others if len(others) <= most else others[: most - 1]
    lines = [
        Text(f"{x.level.symbol} {x.level.word}  {x.sentence}", STYLE[x.level])
        for x in shown
    ]
    if len(shown) < len(others):
        lines.append(Text(f"  … and {len(others) - len(shown)} more", "dim"))
    return lines


def stream_lines(
    health: Health, trends: Trends, spark_width: int, most: int | None = None
) -> list[Text]:
    """Return a row for each stream; the worst ones if there is no room for all.

    Parameters
    ----------
    spark_width
        Of the last minute's rate.
    most
        How many rows.
    """
    lights = health.of("streams")
    if not lights:
        return []
    if most is not None and len(lights) > most:
        lights = sorted(lights, key=lambda light: -light.level)[: max(most, 1)]
    rate, *others = HEADINGS["streams"]
    head = ("", "stream", rate, "last minute", *others, "")
    rows = [[Text(word, "dim") for word in head]]
    rows += [_stream(light, trends, spark_width) for light in _ordered(lights)]
    return columns(rows, right={2, 4, 5, 6})


def _ordered(lights: Sequence[Light]) -> list[Light]:
    places = {prefix: k for k, prefix in enumerate(_ORDER)}
    return sorted(
        lights,
        key=lambda light: places.get(light.subject.partition("/")[0], len(places)),
    )


def _stream(light: Light, trends: Trends, spark_width: int) -> list[Text]:
    rate, *others = light.cells
    quiet = light.reason if light.level is Level.GOOD else ""  # others are told above
    bars = trends.rate(light.subject, spark_width)
    cells = (light.subject, rate, bars, *others, quiet)
    return [symbol(light), *(Text(cell, STYLE[light.level]) for cell in cells)]


def node_lines(status: Status, health: Health) -> list[Text]:
    """Return a row for each node, with its clock and what else tells of it."""
    lights = health.of("nodes")
    if not lights:
        return []
    clocks = {light.subject: light for light in health.of("clocks")}
    metrics = {node.name: node.metrics for node in status.nodes}
    head = ("", "node", *HEADINGS["nodes"], "clock", *HEADINGS["clocks"][1:], "")
    rows = [[Text(word, "dim") for word in head]]
    for light in lights:
        clock = clocks.get(light.subject)
        style = STYLE[light.level]
        of_clock = STYLE[clock.level] if clock else ""
        figures = _figures(metrics.get(light.subject, {}))
        rows.append(
            [
                symbol(light),
                *(Text(cell, style) for cell in (light.subject, *light.cells)),
                *(
                    Text(cell, of_clock)
                    for cell in (clock.cells if clock else ("",) * 2)
                ),
                Text(figures, "dim"),
            ]
        )
    return columns(rows, right={3, 4, 5, 6})


def nodes_in_brief(health: Health, width: int) -> list[Text]:
    """Return the nodes and the clocks by their names only."""
    lines: list[Text] = []
    for group in ("nodes", "clocks"):
        parts = [Text(group, "dim")]
        for light in health.of(group):
            told = light.subject
            if light.level > Level.GOOD or group == "clocks":
                told += f" {light.cells[0]}"
            parts.append(symbol(light).append(f" {told}", STYLE[light.level]))
        if len(parts) > 1:
            lines += flowing(parts, width)
    return lines


def loop_and_disk_lines(health: Health, width: int) -> list[Text]:
    """Return whether fires are carried out, and how long there is room."""
    parts: list[Text] = []
    for group in ("loop", "disk"):
        for light in health.of(group):
            cells = list(light.cells)
            if group == "disk" and cells[1]:
                cells[1] += " left"
            words = ", ".join(cell for cell in cells if cell)
            part = Text(f"{group}  ", "dim").append_text(symbol(light))
            parts.append(part.append(f" {words}", STYLE[light.level]))
    return flowing(parts, width, gap=6)


def inference_lines(health: Health) -> list[Text]:
    """Return how many frames of each camera were looked at, and passed over."""
    lines: list[Text] = []
    for light in health.of("inference"):
        counts = zip(light.cells, HEADINGS["inference"], strict=True)
        words = ", ".join(f"{count} {what}" for count, what in counts)
        line = Text("network  ", "dim").append_text(symbol(light))
        lines.append(line.append(f" {light.subject}: {words}", STYLE[light.level]))
    return lines


def _figures(metrics: Mapping[str, float]) -> str:
    p50, p99 = (metrics.get(name) for name in _TRIGGER_TO_FRAME)
    if p50 is None or p99 is None:
        return ""
    return f"trigger to frame {p50:.1f} ms, p99 {p99:.1f}"


def _short(seconds: float) -> str:
    """Return a time to the second."""
    return clock_words(seconds).rpartition(".")[0]
