"""The live table: one look at a running session in the terminal.

On a terminal it updates in place; in a log file it is a line now and then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from rig.commands.live_latency import latency_line, latency_table
from rig.recording.ledger import RECORDER
from rig.supervisor.disk_watch import ALARM_MINUTES, WARN_MINUTES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from rig.supervisor.status import NodeFigures, Status, StreamFigures

__all__ = ["LiveTable"]

_LINE_EVERY_S = 5.0
_LATE_S = 3.0
_BLIND = "blind"
_SHOWN_STREAMS = (
    "cameras",
    "signals",
    "events",
    "poses",
    "points",
    "decisions",
    "acknowledgements",
)
"""What a glance is for; clocks and lists of losses are recorded without a row here."""
_SHOWN_FIGURES = (
    ("{:.0f} MB/s", ("disk_mb_per_s",)),
    ("rings {:.0f} % full", ("ring_fill_percent_max",)),
    ("exposure to pose {:.1f} ms, p99 {:.1f}", ("pose_p50_ms", "pose_p99_ms")),
    ("network {:.1f} ms", ("network_p50_ms",)),
    ("decided {:.0f}", ("decided",)),
    (
        "trigger to frame {:.1f} ms, p99 {:.1f}",
        ("trigger_to_frame_p50_ms", "trigger_to_frame_p99_ms"),
    ),
    ("clock ±{:.0f} µs, {:+.1f} ppm", ("clock_sd_us", "clock_skew_ppm")),
)


class LiveTable:
    """Shows a session's status; use it as a context manager and call it.

    Parameters
    ----------
    console
        Where it is drawn; by default standard error, so that ``--json`` has
        standard output for itself.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        self._live = Live(console=self.console, refresh_per_second=4, transient=True)
        self._last_phase = ""
        self._last_line_s = -_LINE_EVERY_S

    def __enter__(self) -> Callable[[Status], None]:
        """Begin to draw; gives the function to call with each status."""
        if self.console.is_terminal:
            self._live.start()
        return self.show

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop drawing and leave the terminal as it was."""
        if self.console.is_terminal:
            self._live.stop()

    def show(self, status: Status) -> None:
        """Draw a status."""
        if self.console.is_terminal:
            self._live.update(_draw(status))
            return
        due = status.elapsed_s - self._last_line_s >= _LINE_EVERY_S
        if status.phase != self._last_phase or (due and status.streams):
            self.console.print(_line(status), highlight=False, soft_wrap=True)
            self._last_phase, self._last_line_s = status.phase, status.elapsed_s


def _draw(status: Status) -> Group:
    parts: list[Text | Table] = [
        Text(
            f"{status.session_id}   {status.phase}   {_clock(status.elapsed_s)}", "bold"
        )
    ]
    if status.streams:
        parts += [Text(), _streams(status)]
    if status.nodes:
        parts += [Text(), _nodes(status)]
    if (latencies := latency_table(status.nodes)) is not None:
        parts += [Text(), latencies]
    if (key := _key(status.nodes)) is not None:
        parts += [Text(), key]
    if status.streams:
        parts += [Text(), _summary(status)]
    return Group(*parts)


def _streams(status: Status) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("stream", min_width=26)
    for title in ("rate Hz", "nominal", "published", "lost", "unrecorded", "waiting"):
        table.add_column(title, justify="right", min_width=9)
    order = {prefix: k for k, prefix in enumerate(_SHOWN_STREAMS)}
    shown = [s for s in status.streams if s.name.split("/")[0] in order]
    for stream in sorted(shown, key=lambda s: order[s.name.split("/")[0]]):
        bad = stream.lost + stream.unrecorded > 0
        blind = _BLIND if stream.blind else ""
        table.add_row(
            stream.name,
            blind or f"{stream.rate_hz:.1f}",
            "" if stream.nominal_hz is None else f"{stream.nominal_hz:g}",
            blind or str(stream.published),
            str(stream.lost),
            str(stream.unrecorded),
            blind or str(stream.waiting),
            style="bold red" if bad else "",
        )
    return table


def _key(nodes: Sequence[NodeFigures]) -> Text | None:
    """Return whether fires are carried out, and what keeps them from it."""
    metrics = {name: value for node in nodes for name, value in node.metrics.items()}
    if not {"armed", "permitted"} <= set(metrics):
        return None
    text, style = _whether_fired(metrics)
    if metrics.get("processor"):  # its outputs are its own
        text += "; the Processor acts by itself"
    return Text(text, style)


def _whether_fired(metrics: Mapping[str, float]) -> tuple[str, str]:
    if not metrics["armed"]:
        return "disarmed: nothing is fired (a arms)", "bold yellow"
    if not metrics.get("key_on", 1):
        return "the key is off: nothing is fired", "bold yellow"
    if not metrics["permitted"]:
        return "the board holds its outputs low: nothing is fired", "bold yellow"
    return "armed (d disarms)", "bold"


def _nodes(status: Status) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("node", min_width=26)
    table.add_column("state", min_width=9)
    table.add_column("CPU %", justify="right", min_width=6)
    table.add_column("figures")
    for node in status.nodes:
        late = node.heard_s > _LATE_S and node.state == "running"
        failed = node.state == "failed"
        table.add_row(
            node.name,
            f"silent {node.heard_s:.0f} s" if late else node.state,
            f"{node.metrics.get('cpu_percent', 0):.0f}",
            _figures(node.metrics),
            style="bold red" if failed or late else "",
        )
    return table


def _figures(metrics: Mapping[str, float]) -> str:
    """Return the figures of a node that tell most, in words."""
    return ", ".join(
        text.format(*(metrics[name] for name in names))
        for text, names in _SHOWN_FIGURES
        if all(name in metrics for name in names)
    )


def _summary(status: Status) -> Text:
    lost = sum(stream.lost for stream in status.streams)
    unrecorded = sum(stream.unrecorded for stream in status.streams)
    text = Text(f"lost {lost}, unrecorded {unrecorded}")
    text.stylize("bold red" if lost + unrecorded else "green")
    return text.append_text(_disk(status.nodes))


def _disk(nodes: Sequence[NodeFigures]) -> Text:
    """Return how long the disk will last, in the colour that it deserves."""
    metrics = next((node.metrics for node in nodes if node.name == RECORDER), {})
    minutes = metrics.get("minutes_left")
    if metrics.get("disk_full"):
        return Text(", the disk is full", "bold red")
    if minutes is None:
        return Text()
    if minutes < ALARM_MINUTES:
        return Text(f", disk: {minutes * 60:.0f} s left", "bold red")
    style = "yellow" if minutes < WARN_MINUTES else ""
    return Text(f", disk: {minutes:.0f} min left", style)


def _line(status: Status) -> str:
    cameras = [s for s in status.streams if s.name.startswith(("cameras/", "poses/"))]
    figures = ", ".join(_brief(stream) for stream in cameras)
    lost = sum(stream.lost + stream.unrecorded for stream in status.streams)
    tail = ""
    if status.streams:
        disk = _disk(status.nodes).plain
        tail = f"  {figures}  lost {lost}{latency_line(status.nodes)}{disk}"
    return f"[{_clock(status.elapsed_s)}] {status.phase}{tail}"


def _brief(stream: StreamFigures) -> str:
    return f"{stream.name} {stream.rate_hz:.0f} Hz"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(max(seconds, 0), 60)
    return f"{int(minutes):02d}:{rest:04.1f}"
