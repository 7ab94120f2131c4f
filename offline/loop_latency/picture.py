"""The loop's time as a picture: a waterfall of stages, the session, all times.

People would rather look: which stage is long, which one has a tail, and whether it was
so all the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from offline.alignment import units
from rig.errors import SpringhareError
from rig.recording.latency import STAGES, WORDS

if TYPE_CHECKING:
    from pathlib import Path

    from offline.loop_latency.result import CameraLoop, LoopLatency, RuleLoop
    from offline.loop_latency.times import LoopTimes
    from rig.config.latency import LatencyBudget

__all__ = ["draw_latency"]

_COLOUR = {
    "camera": "#56b4e9",
    "wait": "#e69f00",
    "network": "#0072b2",
    "decide": "#cc79a7",
    "send": "#009e73",
    "board": "#d55e00",
    "answer": "#b0b0b0",
    "pose": "#333333",
    "total": "#333333",
}
"""Okabe and Ito's palette, which the colour-blind can tell apart."""
_POSES, _EDGES, _LIMIT, _GREY = "#0072b2", "#d55e00", "#c00000", "#888888"
_MOST_PANELS = 3
_DPI = 140


def draw_latency(
    found: LoopLatency, times: LoopTimes, budget: LatencyBudget | None, path: Path
) -> None:
    """Draw a session's latencies into an image file; its kind follows from its name.

    Parameters
    ----------
    found, times
        The figures, and what they were made of.
    budget
        Its limits are drawn, if there is one.
    path
        The image file.

    Raises
    ------
    SpringhareError
        If matplotlib is not installed, or no pose was recorded.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        msg = (
            "Expected matplotlib to draw with, it is not installed: "
            'pip install "springhare[offline]"'
        )
        raise SpringhareError(msg) from error
    subjects = _subjects(found)
    if not subjects:
        msg = f"Expected poses to draw in {found.session_id}, got none"
        raise SpringhareError(msg)
    figure = Figure(figsize=(12, 7.6), layout="constrained")
    top, bottom = figure.subfigures(2, 1, height_ratios=[1.05, 1], hspace=0.04)
    panels = top.subplots(1, len(subjects), sharex=True, squeeze=False)[0]
    for k, (axis, subject) in enumerate(zip(panels, subjects, strict=True)):
        _waterfall(axis, subject, budget, labels=k == 0)
    session, share = bottom.subplots(
        1, 2, sharey=True, gridspec_kw={"width_ratios": [4, 1]}
    )
    _draw_session(session, found, times)
    _draw_share(share, times)
    _limits(session, share, budget)
    clocks = "aligned" if found.clocks == "aligned" else "as mapped live"
    figure.suptitle(f"{found.session_id}   (clocks {clocks})", fontsize=10)
    figure.savefig(path, dpi=_DPI)


def _subjects(found: LoopLatency) -> list[CameraLoop | RuleLoop]:
    """Return whose waterfalls are drawn: rules with edges, else cameras."""
    rules = sorted(found.rules, key=lambda rule: -rule.edges)
    cameras = [camera for camera in found.cameras if camera.stages]
    with_edges = [rule for rule in rules if rule.stages]
    chosen: list[CameraLoop | RuleLoop] = [*cameras[:1], *with_edges, *cameras[1:]]
    return chosen[:_MOST_PANELS]


def _title(subject: CameraLoop | RuleLoop) -> str:
    if hasattr(subject, "poses"):
        return f"camera {subject.camera}, {units.count(subject.poses)} poses"  # type: ignore[union-attr]
    return f"rule {subject.rule}, {units.count(subject.edges)} edges"  # type: ignore[union-attr]


def _waterfall(
    axis: Any,
    subject: CameraLoop | RuleLoop,
    budget: LatencyBudget | None,
    *,
    labels: bool,
) -> None:
    """Draw each stage's p50 where the one before ended, with whiskers to p95, p99."""
    stages = subject.stages
    total = "total" if "total" in stages else "pose"
    shown = [s for s in STAGES if s in stages and s not in {"pose", "total", "answer"}]
    begin = 0.0
    for row, stage in enumerate([*shown, total]):
        start = 0.0 if stage == total else begin
        one = stages[stage]
        axis.barh(row, one.p50_ms, left=start, height=0.62, color=_COLOUR[stage])
        ends = start + one.p50_ms, start + one.p95_ms, start + one.p99_ms
        axis.plot(ends[:2], (row, row), color=_COLOUR[stage], lw=3, alpha=0.55)
        axis.plot(ends[1:], (row, row), color=_COLOUR[stage], lw=1)
        axis.plot(ends[2], row, "|", color=_COLOUR[stage], ms=8)
        axis.annotate(
            f"{one.p50_ms:.2f}  ·  {one.p95_ms:.1f}  ·  {one.p99_ms:.1f}",
            (ends[2], row),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=7.5,
            color="#333333",
        )
        begin += 0.0 if stage == total else one.p50_ms
    rows = [*shown, total]
    axis.axhline(len(shown) - 0.5, color=_GREY, lw=0.6)
    _budget_marks(axis, rows, budget)
    axis.set_yticks(range(len(rows)), [WORDS[stage] for stage in rows])
    axis.tick_params(axis="y", length=0)
    axis.invert_yaxis()
    axis.set_title(_title(subject), fontsize=9.5, loc="left")
    axis.set_xlabel("ms   (p50  ·  p95  ·  p99)")
    right = max(stages[stage].p99_ms for stage in rows)
    axis.set_xlim(0, max(axis.get_xlim()[1], 1.45 * right))
    _plain(axis)


def _budget_marks(axis: Any, rows: list[str], budget: LatencyBudget | None) -> None:
    """Mark the limits of what begins at the exposure: those of the sums."""
    for limit in () if budget is None else budget.limits:
        if limit.stage in rows and limit.stage in {"pose", "total"}:
            row = rows.index(limit.stage)
            axis.plot(
                (limit.limit_ms,) * 2, (row - 0.42, row + 0.42), color=_LIMIT, lw=2
            )


def _draw_session(axis: Any, found: LoopLatency, times: LoopTimes) -> None:
    """Draw exposure to pose over the session, and each edge."""
    zero = min(int(p.stages.at_ns[0]) for p in times.poses if len(p.stages.at_ns))
    last = max(int(p.stages.at_ns[-1]) for p in times.poses if len(p.stages.at_ns))
    scale = units.scale_of_times((last - zero) / 1e9)
    for k, (poses, camera) in enumerate(zip(times.poses, found.cameras, strict=True)):
        if camera.over_time is None:
            continue
        begin_s = (int(poses.stages.at_ns[0]) - zero) / 1e9
        windows = camera.over_time.windows
        at = np.array([begin_s + window.start_s for window in windows]) / scale.one
        low = np.array([window.p50_ms for window in windows])
        high = np.array([window.p99_ms for window in windows])
        colour = (_POSES, "#009e73", "#cc79a7", "#e69f00")[k % 4]
        name = f"{camera.camera}: exposure to pose"
        axis.fill_between(at, low, high, color=colour, alpha=0.22, lw=0, step="post")
        axis.step(at, low, color=colour, lw=1.4, where="post", label=f"{name}, p50–p99")
    for rule in times.rules:
        if len(rule.stages.at_ns):
            at = (rule.stages.at_ns - zero) / 1e9 / scale.one
            total = rule.stages.took_ns["total"] / 1e6
            name = f"{rule.rule}: exposure to edge"
            axis.plot(at, total, "o", ms=3.5, color=_EDGES, mec="white", mew=0.4,
                      label=name)  # fmt: skip
    axis.set_ylim(0)
    axis.margins(x=0.01)
    axis.set_xlabel(f"time since the first pose ({scale.unit})")
    axis.set_ylabel("ms")
    axis.legend(loc="upper right", fontsize=7.5, frameon=False, ncols=2)
    _plain(axis)


def _draw_share(axis: Any, times: LoopTimes) -> None:
    """Draw how often the loop took how long, beside the session."""
    poses = [p.stages.took_ns["pose"] for p in times.poses]
    edges = [r.stages.took_ns["total"] for r in times.rules]
    for kinds, colour, name in ((poses, _POSES, "poses"), (edges, _EDGES, "edges")):
        found = np.concatenate([np.empty(0, np.int64), *kinds]) / 1e6
        if not len(found):
            continue
        bins = np.linspace(0, float(np.percentile(found, 99.9)) * 1.05, 50)
        counts, edges_ms = np.histogram(found, bins)
        axis.stairs(
            100 * counts / len(found),
            edges_ms,
            orientation="horizontal",
            fill=True,
            color=colour,
            alpha=0.75 if colour == _POSES else 0.6,
            label=f"{name} ({units.count(len(found))})",
        )
    axis.set_xlabel("% of them")
    axis.legend(loc="upper right", fontsize=7.5, frameon=False)
    _plain(axis)


def _limits(session: Any, share: Any, budget: LatencyBudget | None) -> None:
    for limit in () if budget is None else budget.limits:
        if limit.stage not in {"pose", "total"}:
            continue
        for axis in (session, share):
            axis.axhline(limit.limit_ms, color=_LIMIT, lw=1, ls="--")
        session.annotate(
            f"budget: {WORDS[limit.stage]}, {limit.figure} {limit.limit_ms:g} ms",
            (0, limit.limit_ms),
            xycoords=("axes fraction", "data"),
            xytext=(4, 3),
            textcoords="offset points",
            fontsize=7.5,
            color=_LIMIT,
        )


def _plain(axis: Any) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=8)
    axis.xaxis.label.set_size(8)
    axis.yaxis.label.set_size(8)
