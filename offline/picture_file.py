"""A picture to write, as a type of an option: asked before the work that it is of."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rig.commands.outputs import OutFile
from rig.errors import SpringhareError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    import click

__all__ = ["PictureFile", "needs_matplotlib", "require_picture"]

_NEEDS_MORE = {"pgf", "raw", "rgba"}
"""Endings that matplotlib knows, but that want TeX, or are no pictures to look at."""


class PictureFile(OutFile):
    """An option's type: an image file to write, of a kind that can be drawn."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        """Return the path, if a picture can be written there."""
        path = super().convert(value, param, ctx)
        require_picture(path)
        return path


@contextmanager
def needs_matplotlib() -> Generator[None]:
    """Say what is missing where an import of matplotlib, inside, fails.

    Raises
    ------
    SpringhareError
        If it is not installed.
    """
    try:
        yield
    except ImportError as error:
        msg = (
            "Expected matplotlib to draw with, it is not installed: "
            'pip install "springhare[offline]"'
        )
        raise SpringhareError(msg) from error


def require_picture(path: Path) -> None:
    """Refuse a picture whose name's ending matplotlib cannot write.

    Raises
    ------
    SpringhareError
        If it cannot, or is not installed.
    """
    with needs_matplotlib():
        from matplotlib.backend_bases import FigureCanvasBase
    known = sorted(set(FigureCanvasBase.get_supported_filetypes()) - _NEEDS_MORE)
    if path.suffix.removeprefix(".").lower() not in known:
        msg = (
            f"Expected a picture whose name ends in .{', .'.join(known)}, got {path}: "
            "correct its ending"
        )
        raise SpringhareError(msg)
