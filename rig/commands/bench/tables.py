"""How benchmarks show their figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import Console

__all__ = ["conditions", "show_faults", "tell"]

_MOST_FAULTS = 20


def tell(word: str) -> None:
    """Say how it goes, beside the figures."""
    click.echo(f"  {word}", err=True)


def conditions(about: Mapping[str, Any]) -> str:
    """Return under which conditions was measured, in a sentence."""
    before, after = about["load_average_before"][0], about["load_average_after"][0]
    parts = [f"{about['cores']} cores, load average {before} before and {after} after"]
    if "file_system" in about:
        parts.append(f"{about['file_system']} in {about['folder']}")
    return "; ".join([*parts, f"Linux {about['kernel']}"])


def show_faults(console: Console, faults: Iterable[str]) -> None:
    """Show what was found to be wrong with what was written, if anything."""
    lines = list(faults)
    for line in lines[:_MOST_FAULTS]:
        console.print(f"FAULT {line}", style="bold red", markup=False)
    if len(lines) > _MOST_FAULTS:
        console.print(f"… and {len(lines) - _MOST_FAULTS} more", style="bold red")
