"""The loop's time as a picture: a waterfall of stages, the session, all times.

People would rather look: which stage is long, which one has a tail, and whether it was
so all the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from offline.alignment import units
from offline.loop_latency.result import CameraLoop
from offline.picture_file import needs_matplotlib
from rig.errors import SpringhareError
from rig.recording.latency import WORDS

if TYPE_CHECKING:
    from pathlib import Path

    from offline.loop_latency.result import LoopLatency, RuleLoop, StageTimes
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
    "pose": "#777777",
    "total": "#333333",
}
"""Okabe and Ito's palette, which the colour-blind can tell apart."""
_CAMERAS = ("#0072b2", "#009e73", "#cc79a7", "#56b4e9")
_RULES = ("#d55e00", "#e69f00", "#882255", "#333333")
_LIMIT, _DARK = "#c00000", "#444444"
_SUMS = ("pose", "total")
_ROWS = ("camera", "wait", "network", "decide", "pose", "send", "board", "total")
"""Of a waterfall, from above."""
_LEAST_SHARE = 20
"""Fewer times are drawn one by one."""
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
    with needs_matplotlib():
        from matplotlib.figure import Figure
    subjects = _subjects(found)
    if not subjects:
        msg = f"Expected poses to draw in {found.session_id}, got none"
        raise SpringhareError(msg)
    figure: Any = Figure(figsize=(12, 7.8), layout="constrained")
    top, bottom = figure.subfigures(2, 1, height_ratios=[1.05, 1], hspace=0.05)
    _draw_waterfalls(top, subjects, budget)
    session, share = bottom.subplots(
        1, 2, sharey=True, gridspec_kw={"width_ratios": [4, 1]}
    )
    _draw_session(session, found, times)
    _draw_share(share, times)
    _draw_limits(session, share, budget)
    clocks = "aligned" if found.clocks == "aligned" else "as they were mapped live"
    figure.suptitle(f"{found.session_id}   ·   clocks {clocks}", fontsize=10)
    figure.savefig(path, dpi=_DPI)


def _subjects(found: LoopLatency) -> list[CameraLoop | RuleLoop]:
    """Return whose waterfalls are drawn: rules with edges, else cameras."""
    rules = sorted(found.rules, key=lambda rule: -rule.edges)
    cameras = [camera for camera in found.cameras if camera.stages]
    with_edges = [rule for rule in rules if rule.stages]
    chosen: list[CameraLoop | RuleLoop] = [*cameras[:1], *with_edges, *cameras[1:]]
    return chosen[:_MOST_PANELS]


def _draw_waterfalls(
    figure: Any, subjects: list[CameraLoop | RuleLoop], budget: LatencyBudget | None
) -> None:
    """Draw waterfalls side by side, each stage on the same line."""
    rows = [stage for stage in _ROWS if any(stage in s.stages for s in subjects)]
    panels = figure.subplots(1, len(subjects), sharex=True, sharey=True, squeeze=False)
    ends = [_waterfall(axis, subject, rows, budget)
            for axis, subject in zip(panels[0], subjects, strict=True)]  # fmt: skip
    panels[0][0].set_yticks(range(len(rows)), [WORDS[stage] for stage in rows])
    panels[0][0].invert_yaxis()
    panels[0][0].set_xlim(0, (1.3 + 0.17 * len(subjects)) * max(ends))
    for k, stage in enumerate(rows):
        if stage in _SUMS:
            panels[0][0].get_yticklabels()[k].set_fontweight("bold")


def _waterfall(
    axis: Any,
    subject: CameraLoop | RuleLoop,
    rows: list[str],
    budget: LatencyBudget | None,
) -> float:
    """Draw each stage's p50 where the one before ended, with whiskers to p95, p99."""
    stages, begin_ms, right_ms = subject.stages, 0.0, 0.0
    for row, stage in enumerate(rows):
        if stage in _SUMS:
            axis.axhspan(row - 0.5, row + 0.5, color="#f3f3f3", lw=0, zorder=0)
        if stage not in stages:
            continue
        one, start_ms = stages[stage], 0.0 if stage in _SUMS else begin_ms
        _bar(axis, row, start_ms, one, _COLOUR[stage])
        for limit in () if budget is None else budget.limits:
            if limit.stage == stage:
                at = start_ms + limit.limit_ms
                axis.plot((at, at), (row - 0.4, row + 0.4), color=_LIMIT, lw=1.6)
        begin_ms += 0.0 if stage in _SUMS else one.p50_ms
        right_ms = max(right_ms, start_ms + one.p99_ms)
    axis.set_title(_title(subject), fontsize=9.5, loc="left")
    axis.set_title("p50 · p95 · p99 ms", fontsize=7.5, loc="right", color=_DARK)
    axis.set_xlabel("ms" if budget is None else "ms   (red: the budget)")
    _plain(axis)
    axis.tick_params(axis="y", length=0)
    return right_ms


def _bar(axis: Any, row: int, start_ms: float, one: StageTimes, colour: str) -> None:
    axis.barh(row, one.p50_ms, left=start_ms, height=0.6, color=colour, zorder=2)
    p50, p95, p99 = (start_ms + ms for ms in (one.p50_ms, one.p95_ms, one.p99_ms))
    line = {"color": colour, "solid_capstyle": "butt"}
    axis.plot((p50, p95), (row, row), lw=5, alpha=0.4, **line)
    axis.plot((p50, p99), (row, row), lw=1.1, **line)
    axis.plot(p99, row, "|", color=colour, ms=8)
    axis.text(
        0.995,
        row,
        " · ".join(_short(ms) for ms in (one.p50_ms, one.p95_ms, one.p99_ms)),
        transform=axis.get_yaxis_transform(),
        ha="right",
        va="center",
        fontsize=7.5,
        color=_DARK,
    )


def _short(ms: float) -> str:
    return f"{ms:.2f}" if ms < 1 else f"{ms:.1f}"


def _title(subject: CameraLoop | RuleLoop) -> str:
    if isinstance(subject, CameraLoop):
        return f"camera {subject.camera}, {units.count(subject.poses)} poses"
    return f"rule {subject.rule}, {units.count(subject.edges)} edges"


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
        end_s = (int(poses.stages.at_ns[-1]) - zero) / 1e9
        starts = [begin_s + window.start_s for window in windows]
        at = np.array([*starts, max(end_s, starts[-1])]) / scale.one
        low = np.array([*(w.p50_ms for w in windows), windows[-1].p50_ms])
        high = np.array([*(w.p99_ms for w in windows), windows[-1].p99_ms])
        colour = _CAMERAS[k % len(_CAMERAS)]
        name = f"{camera.camera}: exposure to pose"
        axis.fill_between(at, low, high, color=colour, alpha=0.22, lw=0, step="post")
        axis.step(at, low, color=colour, lw=1.4, where="post", label=f"{name}, p50–p99")
    for k, rule in enumerate(times.rules):
        if len(rule.stages.at_ns):
            at = (rule.stages.at_ns - zero) / 1e9 / scale.one
            total = rule.stages.took_ns["total"] / 1e6
            name = f"{rule.rule}: exposure to edge"
            axis.plot(
                at,
                total,
                "o",
                ms=4.5,
                color=_RULES[k % len(_RULES)],
                mec="white",
                mew=0.6,
                label=name,
            )
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
    kinds = ((poses, _CAMERAS[0], "poses"), (edges, _RULES[0], "edges"))
    for found, colour, name in kinds:
        took_ms = np.concatenate([np.empty(0, np.int64), *found]) / 1e6
        label = f"{name} ({units.count(len(took_ms))})"
        if len(took_ms) >= _LEAST_SHARE:
            bins = np.linspace(0, float(np.percentile(took_ms, 99.9)) * 1.05, 60)
            counts, at_ms = np.histogram(took_ms, bins)
            percent = 100 * counts / len(took_ms)
            axis.stairs(percent, at_ms, orientation="horizontal", fill=True,
                        color=colour, alpha=0.6, label=label)  # fmt: skip
        elif len(took_ms):
            axis.plot(np.zeros(len(took_ms)), took_ms, "_", ms=26, mew=1.4,
                      color=colour, label=label, clip_on=True)  # fmt: skip
    axis.set_xlim(0)
    axis.set_xlabel("% of them")
    axis.legend(loc="upper right", fontsize=7.5, frameon=False)
    _plain(axis)


def _draw_limits(session: Any, share: Any, budget: LatencyBudget | None) -> None:
    for limit in () if budget is None else budget.limits:
        if limit.stage not in _SUMS:
            continue
        for axis in (session, share):
            axis.axhline(limit.limit_ms, color=_LIMIT, lw=1, ls="--")
        session.annotate(
            f"budget of {WORDS[limit.stage]}: {limit.figure} {limit.limit_ms:g} ms",
            (0, limit.limit_ms),
            xycoords=("axes fraction", "data"),
            xytext=(5, 5),
            textcoords="offset points",
            fontsize=7.5,
            color=_LIMIT,
            bbox={"fc": "white", "ec": "none", "alpha": 0.8, "pad": 1},
        )


def _plain(axis: Any) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=8)
    axis.xaxis.label.set_size(8)
    axis.yaxis.label.set_size(8)
