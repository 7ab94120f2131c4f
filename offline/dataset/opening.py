"""Labelled pictures, opened; a broken one is said in words of ours."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from PIL import Image

from rig.errors import LabelError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["opened_picture"]


@contextmanager
def opened_picture(path: Path) -> Iterator[Image.Image]:
    """Open a picture; its pixels are read within.

    Raises
    ------
    LabelError
        If there is none, or it is broken or far too large.
    """
    try:
        with Image.open(path) as picture:
            yield picture
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        msg = f"Expected a picture in {path}, got {error}: copy it there again"
        raise LabelError(msg) from error
