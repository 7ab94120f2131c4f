"""Code that is not ours: what it raised, and in which of its lines."""

from __future__ import annotations

import importlib
import traceback
from pathlib import Path

__all__ = ["what_it_raised"]

_OURS = str(Path(__file__).parent)
_OF_IMPORT = str(Path(importlib.__file__).parent)


def what_it_raised(error: BaseException) -> str:
    """Return an error in one line, with file and line where they are not ours.

    Parameters
    ----------
    error
        As it was caught, with its traceback.

    Examples
    --------
    >>> what_it_raised(ImportError("No module named 'lab'"))
    "ImportError: No module named 'lab'"
    """
    told = f"{type(error).__name__}: {error}"
    if isinstance(error, SyntaxError):  # it says its own place
        return told
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((_OURS, _OF_IMPORT, "<frozen"))
    ]
    if not frames:
        return told
    return f"{told} ({frames[-1].filename}, line {frames[-1].lineno})"
