"""Plots as SVG, drawn by hand: axes, and marks in the colour of a model.

Colours are classes, so that the page's style makes them fit light, dark and paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from offline.alignment.report.markup import Html, join, tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

__all__ = ["Plane", "Scale", "label", "legend", "line", "log_scale", "mark"]

_COLOURS = 6
_TICK, _UNDER = 4, 16


@dataclass(frozen=True, slots=True)
class Scale:
    """One axis: values to places."""

    low: float
    high: float
    ticks: tuple[float, ...]
    is_log: bool = False

    def share(self, values: float | NDArray[np.floating]) -> NDArray[np.float64]:
        """Return places between 0 and 1; values beyond the ends lie on them."""
        ends = np.array([self.low, self.high], np.float64)
        clipped = np.clip(np.asarray(values, np.float64), *ends)
        if self.is_log:
            clipped, ends = np.log10(clipped), np.log10(ends)
        return (clipped - ends[0]) / (ends[1] - ends[0])


def log_scale(largest: float, least: float = 0.1) -> Scale:
    """Return a logarithmic scale from the least to what holds the largest."""
    steps = [m * 10.0**k for k in range(-1, 6) for m in (1, 3)]
    high = next((step for step in steps if step >= max(largest, 10.0)), steps[-1])
    return Scale(
        least, high, tuple(s for s in steps if least <= s <= high), is_log=True
    )


@dataclass(frozen=True, slots=True)
class Plane:
    """Where a plot's marks go, in the SVG's units."""

    x: Scale
    y: Scale | None
    """None: rows, counted from above."""
    width: float = 500
    height: float = 320
    left: float = 52
    bottom: float = 40
    top: float = 10
    right: float = 14

    def across(self, value: float | NDArray[np.floating]) -> NDArray[np.float64]:
        """Return where a value lies from left to right."""
        room = self.width - self.left - self.right
        return self.left + self.x.share(value) * room

    def up(self, value: float | NDArray[np.floating]) -> NDArray[np.float64]:
        """Return where a value lies from top to bottom."""
        if self.y is None:
            return np.asarray(value, np.float64)
        floor = self.height - self.bottom
        return floor - self.y.share(value) * (floor - self.top)

    def drawn(
        self, marks: Iterable[str], x_title: str, y_title: str, what: str
    ) -> Html:
        """Return the plot with its axes."""
        return tag(
            "svg",
            tag("title", what),
            *self._grid(),
            *marks,
            self._title(x_title, (self.left + self.width) / 2, self.height - 6),
            self._turned(y_title),
            class_="plot drawn",
            viewBox=f"0 0 {self.width:g} {self.height:g}",
            role="img",
        )

    def _grid(self) -> list[Html]:
        floor = self.height - self.bottom
        parts: list[Html] = []
        for tick in self.x.ticks:
            x = float(self.across(tick))
            parts.append(tag("path", d=f"M{x:.1f} {self.top}V{floor}", class_="grid"))
            parts.append(_text(f"{tick:g}", x, floor + _UNDER, "middle"))
        for tick in self.y.ticks if self.y else ():
            y = float(self.up(tick))
            end = self.width - self.right
            parts.append(tag("path", d=f"M{self.left} {y:.1f}H{end}", class_="grid"))
            parts.append(_text(f"{tick:g}", self.left - _TICK, y + _TICK, "end"))
        return parts

    def _title(self, title: str, x: float, y: float) -> Html:
        return _text(title, x, y, "middle")

    def _turned(self, title: str) -> Html:
        y = (self.height - self.bottom + self.top) / 2
        where = f"rotate(-90 12 {y:g})"
        return tag(
            "text", title, x="12", y=f"{y:g}", text_anchor="middle", transform=where
        )


def mark(name: str, model: int, class_: str = "", **numbers: float) -> Html:
    """Return a shape in the colour of a model."""
    placed = {key: f"{value:.1f}" for key, value in numbers.items()}
    return tag(name, class_=f"s{model % _COLOURS} {class_}".strip(), **placed)


def line(
    model: int, x: NDArray[np.floating], y: NDArray[np.floating], class_: str = "line"
) -> Html:
    """Return a line through points."""
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    return tag("polyline", points=points, class_=f"s{model % _COLOURS} {class_}")


def label(words: str, x: float, y: float, anchor: str = "end") -> Html:
    """Return words beside a mark."""
    return _text(words, x, y, anchor)


def legend(names: Sequence[str]) -> Html:
    """Return which colour is which model."""
    keys = (
        tag("span", tag("i", class_=f"s{k % _COLOURS} key"), name)
        for k, name in enumerate(names)
    )
    return tag("p", join(keys), class_="legend")


def _text(words: str, x: float, y: float, anchor: str) -> Html:
    return tag("text", words, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor)
