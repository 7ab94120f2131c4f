"""The lanes of the traces: each paints one thing over the same stretch of time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from PySide6.QtCore import QPointF

from rig.monitor.marks import held_words
from rig.monitor.rule_signals import signal_values
from rig.monitor.thinning import centre_of_pressure, envelope, thinned
from rig.monitor.window.sheet import ValueRange, draw_sign
from rig.monitor.window.style import (
    DIM,
    MARK_COLOURS,
    MARK_SIGNS,
    RULE,
    trace_colour,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from rig.monitor.feed import Feed, Series
    from rig.monitor.rule_signals import RuleSignal
    from rig.monitor.shown import PulseLine, Shown, ShownSignal
    from rig.monitor.window.sheet import Sheet

__all__ = ["Lane", "lanes_of"]

_ENVELOPE_S = 0.02
_LEAST_EMG_UV, _LEAST_MN, _LEAST_MM, _LEAST_PX = 20.0, 50.0, 20.0, 20.0
_LIKELY = 0.3
"""A coordinate of a keypoint that is less likely is not drawn."""
_RAW = "#4c5965"
_HELD = frozenset({"suppressed", "disarmed"})


class Lane(Protocol):
    """One thing over time."""

    weight: int
    """How much of the height it takes."""

    def paint(self, sheet: Sheet, feed: Feed) -> None:
        """Paint a stretch of time."""
        ...


def lanes_of(shown: Shown) -> Iterator[Lane]:
    """Yield a lane for each thing that a session has over time."""
    yield MarkLane()
    for signal in shown.signals:
        if "Fz" in signal.channels:
            yield ForceLane(signal)
            if {"Mx", "My"} <= set(signal.channels):
                yield PressureLane(signal)
        else:
            yield EmgLane(signal)
    for rule in shown.rules:
        if rule.feature or rule.camera in {camera.name for camera in shown.cameras}:
            yield RuleLane(rule, shown)
    for line in shown.pulses:
        yield PulseLane(line)


class EmgLane:
    """Channels under one another: raw, and the envelope over it."""

    def __init__(self, signal: ShownSignal) -> None:
        self.weight = 2 + len(signal.channels) // 2
        self._signal = signal
        self._spacing = ValueRange(_LEAST_EMG_UV)

    def paint(self, sheet: Sheet, feed: Feed) -> None:
        """Paint raw samples (the least and largest of each column) and envelopes."""
        signal = self._signal
        times_s, values = feed.samples(signal.name, sheet.start_s, sheet.end_s)
        n = len(signal.channels)
        spacing = self._spacing.show(0.0, self._largest(values))[1]
        base = -spacing * np.arange(n)
        sheet.low, sheet.high = -(n - 0.3) * spacing, 0.7 * spacing
        sheet.title(f"{signal.name}   {spacing:.0f} {signal.units[0]} apart")
        sheet.ticks(list(zip(base.tolist(), signal.channels, strict=True)))
        if not len(times_s):
            return
        # the mean as a product: a tenth of the time of mean(axis=0)
        values = values - np.ones(len(values), values.dtype) @ values / len(values)
        # two pixels each: eight channels at once cost much, and a lane is low
        columns = thinned(
            times_s, values, sheet.start_s, sheet.end_s, sheet.columns // 2
        )
        times, raw = columns.line
        for k in range(n):
            sheet.line(times, raw[:, k] + base[k], _RAW)
        width_s = max(_ENVELOPE_S, 2 * (sheet.end_s - sheet.start_s) / sheet.columns)
        times, over = envelope(times_s, values, width_s)
        for k in range(n):
            sheet.line(times, over[:, k] + base[k], trace_colour(k))

    @staticmethod
    def _largest(values: NDArray[np.float64]) -> float:
        if not len(values):
            return 0.0
        return float(np.abs(values[:: max(1, len(values) // 2000)]).max())


class ForceLane:
    """The vertical force."""

    def __init__(self, signal: ShownSignal) -> None:
        self.weight = 2
        self._signal = signal
        self._channel = signal.channels.index("Fz")
        self._range = ValueRange(_LEAST_MN)

    def paint(self, sheet: Sheet, feed: Feed) -> None:
        """Paint it."""
        signal = self._signal
        times_s, values = feed.samples(signal.name, sheet.start_s, sheet.end_s)
        columns = thinned(
            times_s,
            values[:, self._channel],
            sheet.start_s,
            sheet.end_s,
            sheet.columns,
        )
        times, line = columns.line
        if len(line):
            low, high = float(min(line.min(), 0.0)), float(line.max())
            sheet.low, sheet.high = self._range.show(low, high)
        sheet.title(f"Fz, {signal.units[self._channel]}")
        sheet.ticks()
        sheet.line(times, line, trace_colour(2))


class PressureLane:
    """Where the ground is pressed: the centre of pressure."""

    def __init__(self, signal: ShownSignal) -> None:
        self.weight = 2
        self._signal = signal
        self._range = ValueRange(_LEAST_MM)

    def paint(self, sheet: Sheet, feed: Feed) -> None:
        """Paint x and y."""
        signal = self._signal
        times_s, values = feed.samples(signal.name, sheet.start_s, sheet.end_s)
        every = max(1, len(times_s) // sheet.columns)
        places = centre_of_pressure(values[::every], signal.channels)
        if places is None:
            return
        seen = places[np.isfinite(places)]
        if len(seen):
            low, high = float(seen.min()), float(seen.max())
            sheet.low, sheet.high = self._range.show(low, high)
        sheet.title("centre of pressure, mm: x ─  y ─")
        sheet.ticks()
        for k in (0, 1):
            sheet.line(times_s[::every], places[:, k], trace_colour(k))


class RuleLane:
    """What a rule holds against its threshold."""

    def __init__(self, rule: RuleSignal, shown: Shown) -> None:
        self.weight = 2
        self._rule = rule
        self._bodyparts = () if rule.feature else shown.camera(rule.camera).bodyparts
        self._as_in_picture = getattr(rule.leaf, "axis", "") == "y"
        self._range = ValueRange(_LEAST_PX)

    def paint(self, sheet: Sheet, feed: Feed) -> None:
        """Paint the value, and the threshold over it."""
        rule = self._rule
        times_s, values = self._values(feed, sheet)
        seen = values[np.isfinite(values)]
        low = float(min(seen.min(initial=rule.threshold), rule.threshold))
        high = float(max(seen.max(initial=rule.threshold), rule.threshold))
        found = self._range.show(low, high)
        # rows of a picture grow downwards: up is up
        sheet.low, sheet.high = found[::-1] if self._as_in_picture else found
        sheet.title(rule.unit or rule.feature)
        sheet.ticks()
        sheet.line(times_s, values, trace_colour(3))
        sheet.level(rule.threshold, RULE, rule.text)

    def _values(self, feed: Feed, sheet: Sheet) -> Series:
        rule = self._rule
        if rule.feature:
            return feed.feature(rule.feature, sheet.start_s, sheet.end_s)
        found = feed.poses(rule.camera, sheet.start_s, sheet.end_s)
        every = max(1, len(found.times_s) // (2 * sheet.columns))
        times_s, poses = found.times_s[::every], found.values[::every]
        likely = np.where(poses[:, :, 2:] < _LIKELY, np.nan, poses)
        values = signal_values(rule, times_s, likely, self._bodyparts)
        return found._replace(times_s=times_s, values=values)


class PulseLane:
    """The time from pulse to pulse of a frame clock: a lost one stands out."""

    def __init__(self, line: PulseLine) -> None:
        self.weight = 1
        self._line = line
        self._range = ValueRange(0.5e3 / line.rate_hz)

    def paint(self, sheet: Sheet, feed: Feed) -> None:
        """Paint a dot for each pulse."""
        line = self._line
        times_s, since_s = feed.pulses(
            line.device, line.line, sheet.start_s, sheet.end_s
        )
        seen = np.isfinite(since_s)
        times_s, since_ms = times_s[seen], 1e3 * since_s[seen]
        usual_ms = float(np.median(since_ms)) if len(since_ms) else 1e3 / line.rate_hz
        low = float(since_ms.min(initial=usual_ms))
        high = float(since_ms.max(initial=usual_ms))
        sheet.low, sheet.high = self._range.show(low, high)
        sheet.title(f"{line.line}, ms from pulse to pulse")
        sheet.ticks([(usual_ms, f"{usual_ms:.0f}")])
        sheet.dots(times_s, since_ms, trace_colour(4))


class MarkLane:
    """Fires, shams and what was held back; notes and what happened to nodes."""

    def __init__(self) -> None:
        self.weight = 2

    def paint(self, sheet: Sheet, feed: Feed) -> None:
        """Paint a sign for each, and words where there is room."""
        marks = feed.happened(sheet.start_s, sheet.end_s)
        held = [mark for mark in marks if mark.kind in _HELD]
        ascent = sheet.painter.fontMetrics().ascent()
        top = sheet.rect.top() + 7
        why = held_words(held)
        sheet.title(f"events   ╵ {why}" if why else "events")
        sheet.painter.setPen(DIM)
        for x in sheet.x(np.array([mark.at_s for mark in held])).tolist():
            sheet.painter.drawLine(QPointF(x, top + 4), QPointF(x, top + 8))
        rows = max(1, int((sheet.rect.height() - 4) / (ascent + 1)))
        free = [sheet.rect.left()] * rows
        for mark in marks:
            if mark.kind in _HELD:
                continue
            x = float(sheet.x(mark.at_s))
            colour = MARK_COLOURS[mark.kind]
            draw_sign(sheet.painter, MARK_SIGNS[mark.kind], QPointF(x, top), colour)
            row = next((k for k in range(rows) if free[k] <= x), None)
            if row is None:
                continue
            words = mark.text if len(mark.text) < 44 else f"{mark.text[:42]}…"
            at = QPointF(x + 8, sheet.rect.top() + (row + 1) * (ascent + 1) + 1)
            sheet.words(at, words, colour)
            free[row] = (
                at.x() + sheet.painter.fontMetrics().horizontalAdvance(words) + 6
            )
