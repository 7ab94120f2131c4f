"""What ``springhare refine`` tells."""

from __future__ import annotations

import json
from dataclasses import dataclass
from shlex import quote
from typing import TYPE_CHECKING

import click
from rich.table import Table
from rich.text import Text

from rig.commands.console import wide_console

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from offline.refine.rank import Ranked

__all__ = ["Chosen", "show_chosen"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What was chosen, and where it is."""

    project: Path
    wanted: int
    """Frames."""
    written: bool
    """Whether they are in the project."""
    ranked: Sequence[Ranked]
    sheets: Sequence[Path]
    remarks: Sequence[str]

    def to_json(self) -> str:
        """Return it as JSON."""
        found = {
            "project": str(self.project),
            "written": self.written,
            "wanted": self.wanted,
            "frames": [
                {
                    "rank": k + 1,
                    "view": each.candidate.view,
                    "frame": each.candidate.frame,
                    "at_s": each.candidate.at_s,
                    "score": round(each.total, 4),
                    "reasons": list(each.words),
                }
                for k, each in enumerate(self.ranked)
            ],
            "sheets": [str(sheet) for sheet in self.sheets],
            "remarks": list(self.remarks),
        }
        return json.dumps(found, indent=2)


def show_chosen(chosen: Chosen) -> None:
    """Print the frames, where they are, and what comes next."""
    console = wide_console()
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("rank", "folder", "frame", "s", "score", "why"):
        left = name in {"folder", "why"}
        table.add_column(name, justify="left" if left else "right")
    for k, each in enumerate(chosen.ranked):
        found, why = each.candidate, Text("; ".join(each.words))
        row = (f"{k + 1}", found.view, f"{found.frame}", f"{found.at_s:.3f}")
        table.add_row(*row, f"{each.total:.2f}", why)
    console.print(table)
    for remark in chosen.remarks:
        console.print(Text(remark, "yellow"))
    count = len(chosen.ranked)
    few = "" if count >= chosen.wanted else f" ({chosen.wanted} wanted: no others are "
    few += "worth it and far enough apart)" if few else ""
    place = "are" if chosen.written else "would go"
    click.echo(f"{count} frames{few} {place} in {chosen.project}")
    for sheet in chosen.sheets:
        click.echo(f"look at {sheet}")
    if chosen.written:
        project = quote(str(chosen.project))
        click.echo(f"next: springhare label {project}")
        click.echo(f"then: springhare train {project}")
