"""The console that tables are printed on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["wide_console"]

_WIDTH = 118
"""Of a table, also where the output is no terminal."""


def wide_console() -> Console:
    """Return a console that breaks no table; longer lines are left to the terminal."""
    from rich.console import Console

    console = Console(highlight=False)
    return Console(width=max(console.width, _WIDTH), highlight=False, soft_wrap=True)
