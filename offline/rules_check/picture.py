"""Rules as a picture: their signals, thresholds and fires, beside what was true.

On the left the session, on the right all events laid over one another: there one sees
how early or late a rule is, and whether its threshold stands where it should.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from offline.fires import FIRES
from offline.picture_file import needs_matplotlib
from rig.errors import SpringhareError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from offline.replay.watching import Trace
    from offline.rules_check.session import Checked
    from rig.messages import Decision

__all__ = ["draw_rules"]

_MARK = {"fired": ("v", "#d55e00"), "sham": ("v", "#56b4e9"), "disarmed": ("v", "#777")}
_HELD_BACK = ("x", "#777777")
_SIGNAL, _TRUE, _LIMIT, _DARK = "#0072b2", "#009e73", "#c00000", "#444444"
"""Okabe and Ito's palette, which the colour-blind can tell apart."""
_TICKS = {"decided": "#d55e00", "action": "#222222"}
"""On the right, at the bottom: when it was acted on."""
_GAPS, _GAP_S = 5.0, 0.2
"""A longer time between two values, in usual ones and in s, is a gap."""
_MOST_PARTS = 3
_AROUND_MS = 300.0
_MOST_LAID = 200
"""Events laid over one another, at most."""
_DPI = 140


@dataclass(frozen=True, slots=True, eq=False)
class _Panel:
    """One condition of a rule."""

    rule: str
    title: str
    unit: str
    threshold: float | None
    at_s: NDArray[np.float64]
    value: NDArray[np.float64]
    """NaN where it could not be told."""
    upside_down: bool


def draw_rules(checked: Checked, path: Path) -> None:
    """Draw a session's rules into an image file; its kind follows from its name.

    Parameters
    ----------
    checked
        A session, whose conditions were watched.
    path
        The image file.

    Raises
    ------
    SpringhareError
        If matplotlib is not installed, or no rule was ever asked.
    """
    with needs_matplotlib():
        from matplotlib.figure import Figure
    panels = [
        panel for rule in checked.figures.rules for panel in _panels(checked, rule.rule)
    ]
    if not panels:
        msg = (
            f"Expected rules that were asked in {checked.figures.session_id}, got none"
        )
        raise SpringhareError(msg)
    figure: Any = Figure(figsize=(12, 1.0 + 2.1 * len(panels)), layout="constrained")
    axes = figure.subplots(
        len(panels),
        2,
        squeeze=False,
        sharex="col",
        gridspec_kw={"width_ratios": [3, 1]},
    )
    for (left, right), panel in zip(axes, panels, strict=True):
        _draw_session(left, panel, checked)
        _draw_around(right, panel, checked)
    axes[-1][0].set_xlabel("time since the session's start (s)")
    axes[-1][1].set_xlabel("ms after it")
    _legend(figure, checked)
    figure.suptitle(
        f"{checked.figures.session_id}   ·   {_played(checked)}", fontsize=10
    )
    figure.savefig(path, dpi=_DPI)


def _panels(checked: Checked, rule: str) -> list[_Panel]:
    """Return what is drawn of a rule: its conditions, those that speak first."""
    watch = checked.replay.watches[rule]
    found = [_panel(checked, rule, trace) for trace in watch.parts[:_MOST_PARTS]]
    return [panel for panel in found if panel is not None]


def _panel(checked: Checked, rule: str, trace: Trace) -> _Panel | None:
    spec = trace.spec
    if spec is None:
        return None
    at_s = (np.array(trace.at_ns) - checked.session.started_ns) / 1e9
    value = np.array(
        [
            np.nan if value is None or not trusted else value
            for value, trusted in zip(trace.value, trace.trusted, strict=True)
        ],
        np.float64,
    )
    quantity = spec.words.rsplit(" ", 1)[0]
    value[np.diff(at_s, prepend=at_s[0]) > _longest_gap_s(at_s)] = np.nan
    return _Panel(
        rule=rule,
        title=quantity,
        unit=spec.unit,
        threshold=None if spec.plain else spec.threshold,
        at_s=at_s,
        value=value,
        upside_down=quantity.startswith("y of ") and spec.unit == "px",
    )


def _longest_gap_s(at_s: NDArray[np.float64]) -> float:
    """Return over how long a line may be drawn from one value to the next."""
    usual = float(np.median(np.diff(at_s))) if len(at_s) > 1 else 0.0
    return max(_GAPS * usual, _GAP_S)


def _draw_session(axis: Any, panel: _Panel, checked: Checked) -> None:
    axis.plot(panel.at_s, panel.value, color=_SIGNAL, lw=0.8)
    _threshold(axis, panel)
    truth = checked.truths.get(panel.rule)
    if truth is not None:
        times = _seconds(truth.events_ns, checked)
        axis.vlines(times, 0, 1, transform=axis.get_xaxis_transform(), color=_TRUE,
                    lw=1.1, alpha=0.8)  # fmt: skip
    for outcome, found in _by_outcome(checked.decisions(panel.rule)).items():
        marker, colour = _MARK.get(outcome, _HELD_BACK)
        times = _seconds([decision.host_ns for decision in found], checked)
        axis.plot(times, np.full(len(times), 0.96), marker, ms=5.5, color=colour,
                  mec="white" if marker == "v" else colour, mew=0.6 + (marker == "x"),
                  transform=axis.get_xaxis_transform(), clip_on=False)  # fmt: skip
    axis.set_title(f"{panel.rule}: {panel.title}", fontsize=9, loc="left")
    axis.set_ylabel(panel.unit)
    axis.margins(x=0.01)
    _plain(axis, panel)


def _draw_around(axis: Any, panel: _Panel, checked: Checked) -> None:
    """Lay the signal around each event over one another, and when it was acted on."""
    zeros_s = _zeros_s(panel.rule, checked)
    for zero_s in zeros_s[:_MOST_LAID]:
        around_ms = (panel.at_s - zero_s) * 1e3
        near = np.abs(around_ms) <= _AROUND_MS
        axis.plot(around_ms[near], panel.value[near], ".-", color=_SIGNAL, lw=0.6,
                  ms=2.5, alpha=0.5)  # fmt: skip
    _threshold(axis, panel)
    axis.axvline(0, color=_TRUE if panel.rule in checked.truths else _DARK, lw=1.1)
    fires = [d for d in checked.decisions(panel.rule) if d.outcome in FIRES]
    acted = [checked.actions.at_ns(decision) for decision in fires]
    rows = (
        (0.1, "decided", [d.host_ns for d in fires]),
        (0.03, "action", [at_ns for at_ns in acted if at_ns is not None]),
    )
    told: list[str] = []
    for height, name, times_ns in rows:
        at_ms = _nearest_ms(times_ns, zeros_s, checked)
        if len(at_ms):
            axis.plot(at_ms, np.full(len(at_ms), height), "|", ms=7, mew=1.2,
                      color=_TICKS[name],
                      transform=axis.get_xaxis_transform())  # fmt: skip
            told.append(f"{name} {np.median(at_ms):+.0f} ms")
    title = _around(panel.rule, checked) + f"{': ' * bool(told)}{', '.join(told)}"
    axis.set_title(title, fontsize=8, loc="left")
    axis.set_xlim(-_AROUND_MS, _AROUND_MS)
    _plain(axis, panel)


def _around(rule: str, checked: Checked) -> str:
    """Say around what is drawn, and how many there are of each."""
    truth = checked.truths.get(rule)
    if truth is not None:
        count = len(truth.events_ns)
        return f"{count} true event{'s' * (count != 1)}"
    counts = Counter(decision.outcome for decision in checked.decisions(rule))
    told = [f"{counts[outcome]} {outcome}" for outcome in FIRES if counts[outcome]]
    return ", ".join(told) or "nothing fired"


def _zeros_s(rule: str, checked: Checked) -> NDArray[np.float64]:
    """Return around what is drawn: what is true, or else the fires."""
    truth = checked.truths.get(rule)
    if truth is not None:
        return _seconds(truth.events_ns, checked)
    fires = [d.host_ns for d in checked.decisions(rule) if d.outcome in FIRES]
    return _seconds(fires, checked)


def _nearest_ms(
    times_ns: Sequence[int], zeros_s: NDArray[np.float64], checked: Checked
) -> NDArray[np.float64]:
    """Return times from the nearest zero, those that are drawn."""
    times_s = _seconds(times_ns, checked)
    if not len(zeros_s) or not len(times_s):
        return np.empty(0)
    away = times_s[:, None] - zeros_s[None, :]
    nearest = away[np.arange(len(times_s)), np.abs(away).argmin(axis=1)] * 1e3
    return nearest[np.abs(nearest) <= _AROUND_MS]


def _threshold(axis: Any, panel: _Panel) -> None:
    if panel.threshold is not None:
        axis.axhline(panel.threshold, color=_LIMIT, lw=1, ls="--")


def _by_outcome(decisions: Sequence[Decision]) -> dict[str, list[Decision]]:
    found: dict[str, list[Decision]] = {}
    for decision in decisions:
        found.setdefault(decision.outcome, []).append(decision)
    return found


def _legend(figure: Any, checked: Checked) -> None:
    from matplotlib.lines import Line2D

    outcomes = sorted({d.outcome for d in checked.replay.played.decisions})
    shown: list[Any] = []
    for outcome in outcomes:
        marker, colour = _MARK.get(outcome, _HELD_BACK)
        name = outcome.replace("_", ": ")
        shown.append(Line2D([], [], ls="", marker=marker, color=colour, label=name))
    shown += [
        Line2D([], [], ls="", marker="|", ms=9, mew=1.6, color=colour, label=name)
        for name, colour in _TICKS.items()
    ]
    if checked.truths:
        shown.append(Line2D([], [], color=_TRUE, lw=1.1, label="true"))
    shown.append(Line2D([], [], color=_LIMIT, lw=1, ls="--", label="threshold"))
    figure.legend(handles=shown, loc="outside lower center", ncols=len(shown),
                  fontsize=8, frameon=False)  # fmt: skip


def _played(checked: Checked) -> str:
    found = checked.figures
    if not found.own:
        return "under another task"
    if not found.sameness:
        return "its own task, always armed"
    whole = not found.differs
    return "replayed as recorded" if whole else "replayed, not as recorded"


def _seconds(
    times_ns: Sequence[int] | NDArray[np.int64], checked: Checked
) -> NDArray[np.float64]:
    times = np.asarray(times_ns, np.int64)
    return (times - checked.session.started_ns) / 1e9


def _plain(axis: Any, panel: _Panel) -> None:
    if panel.upside_down and not axis.yaxis_inverted():
        axis.invert_yaxis()
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=8)
    axis.xaxis.label.set_size(8)
    axis.yaxis.label.set_size(8)
