"""Fires over time as a picture: what was recorded above, what was replayed below.

Each rule has a band. A line joins a fire with what became of it, so one that comes
earlier or later leans; beside it is how many of each there are, and the shifts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from offline.picture_file import needs_matplotlib
from rig.errors import SpringhareError

if TYPE_CHECKING:
    from pathlib import Path

    from offline.replay.result import Fire, ReplayResult, RuleWhatIf

__all__ = ["draw_replay"]

_COLOUR = {
    "kept": "#444444",
    "earlier": "#0072b2",
    "later": "#cc79a7",
    "gained": "#009e73",
    "lost": "#d55e00",
}
"""Okabe and Ito's palette, which the colour-blind can tell apart."""
_THEN, _NOW = 1.0, 0.0
"""Heights in a rule's band."""
_BINS = 21
_DPI = 140
_LONGEST_NAME = 28


def draw_replay(found: ReplayResult, path: Path) -> None:
    """Draw a replay into an image file; its kind follows from its name.

    Raises
    ------
    SpringhareError
        If matplotlib is not installed, or there is no rule to draw.
    """
    with needs_matplotlib():
        from matplotlib.figure import Figure
    if not found.rules:
        msg = f"Expected rules in {found.session_id} or its --task, got none to draw"
        raise SpringhareError(msg)
    rules = found.rules
    figure: Any = Figure(figsize=(12, 1.3 + 1.25 * len(rules)), layout="constrained")
    axes = figure.subplots(
        len(rules),
        2,
        squeeze=False,
        sharex="col",
        gridspec_kw={"width_ratios": [4, 1]},
    )
    reach_ms = _reach_ms(found)
    for (left, right), rule in zip(axes, rules, strict=True):
        fires = [fire for fire in found.fires if fire.rule == rule.rule]
        _draw_band(left, rule, fires)
        _draw_shifts(right, fires, reach_ms)
    axes[-1][0].spines["bottom"].set_visible(True)
    axes[-1][0].tick_params(axis="x", length=3)
    axes[-1][0].set_xlabel("time since the session's start (s)")
    axes[-1][1].set_xlabel("replayed after recorded (ms)")
    _legend(figure, found)
    figure.suptitle(f"{found.session_id}   ·   {_played(found)}", fontsize=10)
    figure.savefig(path, dpi=_DPI)


def _draw_band(axis: Any, rule: RuleWhatIf, fires: list[Fire]) -> None:
    for height in (_THEN, _NOW):
        axis.axhline(height, color="#dddddd", lw=0.8, zorder=0)
    for became, colour in _COLOUR.items():
        mine = [fire for fire in fires if fire.became == became]
        then = [fire.at_s for fire in mine if fire.recorded]
        now = [fire.at_s + (fire.shift_ms or 0) / 1e3 for fire in mine if fire.replayed]
        look = {"ls": "", "ms": 6, "color": colour, "mec": "white", "mew": 0.5}
        if then:
            axis.plot(then, np.full(len(then), _THEN), marker="v", **look)
        if now:
            axis.plot(now, np.full(len(now), _NOW), marker="^", **look)
        if then and now:
            both = np.array([then, now])
            axis.plot(both, [_THEN, _NOW], color=colour, lw=0.7, alpha=0.6, zorder=1)
    axis.set_ylim(-0.45, 1.45)
    axis.set_yticks([_NOW, _THEN], ["replayed", "recorded"])
    axis.set_title(_title(rule), fontsize=9, loc="left")
    axis.margins(x=0.02)
    axis.spines[["left", "bottom"]].set_visible(False)
    axis.tick_params(axis="both", length=0)
    _plain(axis)


def _draw_shifts(axis: Any, fires: list[Fire], reach_ms: float) -> None:
    """Draw by how much the kept fires are shifted."""
    kept = [fire for fire in fires if fire.shift_ms is not None]
    axis.axvline(0, color="#bbbbbb", lw=0.8, zorder=0)
    title = "none kept"
    if kept:
        axis.yaxis.get_major_locator().set_params(integer=True)
        names = [name for name in _COLOUR if any(f.became == name for f in kept)]
        shifts = [[f.shift_ms for f in kept if f.became == name] for name in names]
        edges = np.linspace(-reach_ms, reach_ms, _BINS + 1)
        axis.hist(shifts, edges, stacked=True, color=[_COLOUR[name] for name in names])
        title = f"{len(kept)} kept, median {_median([f.shift_ms or 0 for f in kept])}"
    else:
        axis.set_yticks([])
    axis.set_title(title, fontsize=8, loc="left")
    axis.set_xlim(-reach_ms, reach_ms)
    _plain(axis)


def _reach_ms(found: ReplayResult) -> float:
    """Return how far the axis of the shifts goes, the same for all rules."""
    shifts = [abs(fire.shift_ms) for fire in found.fires if fire.shift_ms is not None]
    return 1.1 * max([*shifts, 5.0])


def _title(rule: RuleWhatIf) -> str:
    moved = [
        f"{shift.count} {name}"
        for name, shift in (("earlier", rule.earlier), ("later", rule.later))
        if shift is not None
    ]
    name = rule.rule
    if len(name) > _LONGEST_NAME:
        name = f"{name[: _LONGEST_NAME - 1]}…"
    kept = f"{rule.kept} kept" + (f" ({', '.join(moved)})" if moved else "")
    told = f"{name}:  {kept}, {rule.gained} gained, {rule.lost} lost"
    if rule.only is not None:
        told += f"   (only in the {rule.only} task)"
    return told


def _legend(figure: Any, found: ReplayResult) -> None:
    from matplotlib.lines import Line2D

    seen = {fire.became for fire in found.fires}
    shown = [
        Line2D([], [], color=colour, marker="o", ms=5, lw=0.7, label=became)
        for became, colour in _COLOUR.items()
        if became in seen
    ]
    if shown:
        figure.legend(handles=shown, loc="outside lower center", ncols=len(shown),
                      fontsize=8, frameon=False)  # fmt: skip


def _played(found: ReplayResult) -> str:
    task = "its own task" if found.own else f"under {found.task}"
    if found.looked is None:
        poses = "the recorded poses"
    else:
        poses = f"poses of {found.looked.model}"
        if found.looked.network_ms is not None:
            poses += f", {found.looked.network_ms:.1f} ms a look"
    return f"{task}, {poses}"


def _median(shifts: list[float]) -> str:
    middle = float(np.median(shifts))
    return f"{middle:+.1f} ms" if middle else "0 ms"


def _plain(axis: Any) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=8)
    axis.xaxis.label.set_size(8)
