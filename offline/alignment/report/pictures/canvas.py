"""Where matplotlib ends and the page begins: figures as inline SVG.

Text stays text, and colours are the page's own variables, so that one picture serves
light and dark screens and paper. Nothing is drawn through pyplot, which keeps every
figure until it is told to let go.
"""

from __future__ import annotations

import re
import warnings
from contextlib import contextmanager
from importlib.util import find_spec
from io import StringIO
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np

from offline.alignment.report.markup import Html, readable

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import ArrayLike

__all__ = ["COLOURS", "Canvas", "can_draw", "canvas", "dots", "strokes"]

COLOURS = {
    "ink": "#000001",
    "soft": "#000002",
    "line": "#000003",
    "paper": "#000004",
    "blue": "#000005",
    "orange": "#000006",
    "green": "#000007",
    "red": "#000008",
}
"""Stand-ins that become the page's variables (``var(--blue)``)."""
WIDTH = 500
"""Of every picture, in the SVG's units; shown at about so many pixels."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 12, 22, 40
_DPI = 72
"""A point is then a unit."""
_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_FONT = re.compile(r"font: [^;]*?([\d.]+px)[^;]*")
_FAMILY = re.compile(r"font-family: [^;]*; ")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "springhare",
    "text.parse_math": False,
    "axes.unicode_minus": True,
    "axes.formatter.useoffset": False,
    "path.simplify": False,
    "font.size": 11.5,
    "axes.edgecolor": COLOURS["soft"],
    "axes.labelcolor": COLOURS["soft"],
    "axes.titlecolor": COLOURS["soft"],
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11.5,
    "axes.titley": 1.0,
    "axes.titlepad": 6.0,
    "axes.labelsize": 11.5,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": COLOURS["line"],
    "grid.linewidth": 0.8,
    "xtick.color": COLOURS["soft"],
    "ytick.color": COLOURS["soft"],
    "ytick.major.size": 0.0,
    "text.color": COLOURS["ink"],
    "legend.frameon": False,
    "legend.fontsize": 11.0,
    "legend.labelcolor": COLOURS["soft"],
}


def can_draw() -> bool:
    """Say whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


class Canvas:
    """One figure being drawn."""

    def __init__(self, height: int) -> None:
        from matplotlib.figure import Figure

        self._height = height
        self.figure = Figure(figsize=(WIDTH / _DPI, height / _DPI), dpi=_DPI)
        self.figure.patch.set_visible(False)
        self._svg = Html()

    def axes(
        self,
        rows: Sequence[float] = (1,),
        columns: Sequence[float] = (1,),
        *,
        gap: float = 30,
        left: float = _LEFT,
        bottom: float = _BOTTOM,
        share: bool = True,
    ) -> Any:
        """Return axes in rows and columns of these relative sizes, (rows, columns).

        All pictures have the same margins, so that their times stand below one
        another.
        """
        inner = (self._height - _TOP - bottom - gap * (len(rows) - 1)) / len(rows)
        across = (WIDTH - left - _RIGHT) / len(columns)
        return self.figure.subplots(
            len(rows),
            len(columns),
            squeeze=False,
            sharex="col" if share else False,
            height_ratios=list(rows),
            width_ratios=list(columns),
            gridspec_kw={
                "left": left / WIDTH,
                "right": 1 - _RIGHT / WIDTH,
                "top": 1 - _TOP / self._height,
                "bottom": bottom / self._height,
                "hspace": gap / inner,
                "wspace": 46 / across,
            },
        )

    def svg(self, name: str, label: str) -> Html:
        """Return the picture as an element of the page.

        Parameters
        ----------
        name
            Different for each picture of a page: the pieces it refers to are called so.
        label
            What it is a picture of; what one should see in it stands beside it.
        """
        file = StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        self.figure.savefig(file, format="svg", metadata=nothing, transparent=True)
        return _inlined(file.getvalue(), name, label)


@contextmanager
def canvas(height: int) -> Generator[Canvas]:
    """Give a figure to draw in; it is `WIDTH` wide."""
    from matplotlib import rc_context

    with rc_context(_STYLE), warnings.catch_warnings():
        # the browser has the letters that the font for measuring lacks
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield Canvas(height)


def dots(axes: Any, x: ArrayLike, y: ArrayLike, colour: str, size: float = 2.4) -> None:
    """Draw points as one path: a third of the size of as many markers."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    points = np.column_stack([x, y]).astype(np.float64)
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return
    codes = np.tile(np.array([Path.MOVETO, Path.LINETO], np.uint8), len(points))
    patch = PathPatch(
        Path(np.repeat(points, 2, axis=0), codes),
        facecolor="none",
        edgecolor=COLOURS[colour],
        linewidth=size,
        capstyle="round",
        alpha=0.75,
    )
    axes.add_patch(patch)
    axes.update_datalim(points)


def strokes(
    axes: Any, x: ArrayLike, low: float, high: float, colour: str, width: float = 1.0
) -> None:
    """Draw upright strokes as one path, all from one height to another."""
    where = np.repeat(np.asarray(x, np.float64), 3)
    heights = np.tile([low, high, np.nan], len(where) // 3)
    axes.plot(where, heights, color=COLOURS[colour], linewidth=width)


def _inlined(svg: str, name: str, label: str) -> Html:
    """Return a drawing without what only a file of its own needs."""
    root = ET.fromstring(svg)
    _without_names(root)
    used = set(_REFERENCE.findall(svg)) | {
        element.attrib["href"][1:]
        for element in root.iter()
        if element.attrib.get("href", "").startswith("#")
    }
    for element in root.iter():
        _cleaned(element, used, name)
    _without_empty(root)
    box = root.attrib["viewBox"]
    root.attrib.clear()
    root.attrib.update(
        {"viewBox": box, "role": "img", "aria-label": readable(label), "class": "plot"}
    )
    return Html(ET.tostring(root, encoding="unicode"))


def _without_names(root: ET.Element) -> None:
    """Take off namespaces, metadata and styles that would apply to the whole page."""
    for element in root.iter():
        element.tag = _local(element.tag)
        element.tail = None
        for key in [key for key in element.attrib if key.startswith("{")]:
            element.attrib[_local(key)] = element.attrib.pop(key)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in {"metadata", "style"}:
                parent.remove(child)


def _without_empty(element: ET.Element) -> None:
    for child in list(element):
        _without_empty(child)
        if child.tag in {"g", "defs"} and not len(child):
            element.remove(child)


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _cleaned(element: ET.Element, used: set[str], prefix: str) -> None:
    if element.attrib.get("id") not in used:
        element.attrib.pop("id", None)
    if element.attrib.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]
    for key, value in element.attrib.items():
        element.attrib[key] = _value(key, value, prefix)
    if element.tag != "text" and element.text is not None:
        element.text = element.text.strip() or None


def _value(key: str, value: str, prefix: str) -> str:
    if key == "id":
        return f"{prefix}-{value}"
    if key == "href" and value.startswith("#"):
        return f"#{prefix}-{value[1:]}"
    value = _REFERENCE.sub(rf"url(#{prefix}-\1)", value)
    if key == "style":
        value = _FAMILY.sub("", _FONT.sub(r"font-size: \1", value))
    if key == "d":
        value = " ".join(value.split())
    value = _NUMBER.sub(lambda found: f"{float(found.group()):.2f}", value)
    for variable, stand_in in COLOURS.items():
        value = value.replace(stand_in, f"var(--{variable})")
    return value
