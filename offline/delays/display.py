"""What ``springhare calibrate-latency`` prints: the delays, and what has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from offline.alignment import units

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from offline.delays.calibration import Calibration
    from offline.delays.measure import Measured

__all__ = ["precisely", "show_measured"]

_WIDTH = 118


def show_measured(
    calibration: Calibration,
    measured: Measured,
    files: Iterable[Path | None],
    troubles: Iterable[str] = (),
) -> None:
    """Print a calibration in a screenful.

    Parameters
    ----------
    calibration, measured
        What was found.
    files
        What was written, if anything.
    troubles
        What could not be done.
    """
    console = Console(highlight=False)
    wide = Console(width=max(console.width, _WIDTH), highlight=False, soft_wrap=True)
    if calibration.streams:
        wide.print(_table(calibration))
    for name, words in measured.remarks.items():
        wide.print(Text("look  ", style="yellow").append(f"{name}: {words}", "default"))
    for name, words in measured.missing.items():
        line = Text("not measured  ", style="yellow")
        wide.print(line.append(f"{name}: {words}", "default"))
    if not calibration.streams:
        wide.print(Text("No delay could be measured.", style="bold red"))
    for words in troubles:
        wide.print(words, markup=False)
    for path in files:
        if path is not None:
            wide.print(f"wrote {path}", markup=False)


def precisely(value_ns: float, sd_ns: float) -> str:
    """Return a delay with as many digits as it is known to.

    Examples
    --------
    >>> precisely(1_300_193.7, 311.6)
    '+1300.2\u202fµs'
    """
    places = min(max(round(-np.log10(max(sd_ns, 1e-3) / 1e3) + 0.3), 0), 3)
    shown = f"{value_ns / 1e3:+.{places}f}".replace("-", "\u2212")
    return f"{shown}\u202fµs"


def _table(calibration: Calibration) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("stream")
    for title in ("delay", "95 %", "of one edge", "edges"):
        table.add_column(title, justify="right")
    table.add_column("by")
    for name, one in calibration.streams.items():
        by_definition = one.method == "wire"
        table.add_row(
            name,
            "0" if by_definition else precisely(one.delay_ns, one.sd_ns),
            "by definition" if by_definition else units.band(one.sd_ns),
            f"± {units.size(one.spread_ns)}",
            units.count(one.count),
            one.method,
        )
    return table
