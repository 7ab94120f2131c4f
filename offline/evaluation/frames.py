"""Which of the labelled frames are looked at: all, some by name, or two sides apart."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from rig.errors import LabelError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = [
    "FrameSet",
    "picture_key",
    "read_names",
    "read_split",
    "rows_of",
    "sides_of",
]

_SHOWN = 3
_SIDES = ("test", "train")


@dataclass(frozen=True, slots=True, eq=False)
class FrameSet:
    """Frames that are judged together."""

    name: str
    """``all``, ``chosen``, ``test`` or ``train``."""
    rows: NDArray[np.int64]
    """Their numbers among the labels."""


def picture_key(name: str | PurePosixPath) -> str:
    r"""Return what two names of one picture share: its folder and its file.

    Examples
    --------
    >>> picture_key("C:\\project\\labeled-data\\m1\\img7.png")
    'm1/img7.png'
    """
    path = PurePosixPath(str(name).replace("\\", "/"))
    return "/".join(path.parts[-2:])


def rows_of(names: Sequence[str], images: Sequence[PurePosixPath]) -> NDArray[np.int64]:
    """Return which labelled pictures are meant by names, in the labels' order.

    Parameters
    ----------
    names
        As the project has them, or the last two parts of that, or a file's name
        alone where only one picture has it.
    images
        The labelled pictures.

    Raises
    ------
    LabelError
        If there are none, or one is not among the pictures, or could be two.
    """
    if not names:
        msg = (
            "Expected names of pictures, got an empty list: name some, or leave it out"
        )
        raise LabelError(msg)
    by_name: dict[str, list[int]] = {}
    for row, image in enumerate(images):
        for key in (picture_key(image), image.name):
            by_name.setdefault(key, []).append(row)
    found = {name: by_name.get(picture_key(name), []) for name in names}
    if lost := [name for name, rows in found.items() if not rows]:
        more = f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
        msg = (
            f"Expected names of labelled pictures, got {', '.join(lost[:_SHOWN])}"
            f"{more}, which the project has not labelled: correct the list (names are "
            f"like {picture_key(images[0])})"
        )
        raise LabelError(msg)
    if twins := [name for name, rows in found.items() if len(rows) > 1]:
        msg = (
            f"Expected names of one picture each, got {twins[0]}, which several "
            "folders have: name the folder too"
        )
        raise LabelError(msg)
    return np.array(sorted({rows[0] for rows in found.values()}), np.int64)


def read_names(path: Path) -> list[str]:
    """Read names of pictures: a JSON list, or a text file with one a line.

    Raises
    ------
    LabelError
        If it cannot be read, or is no such list.
    """
    text = _text(path)
    if not text.lstrip().startswith(("[", "{")):
        lines = (line.strip() for line in text.splitlines())
        return [line for line in lines if line and not line.startswith("#")]
    found = _json(text, path)
    if not _is_names(found):
        msg = f"Expected a JSON list of names of pictures in {path}, got another form"
        raise LabelError(msg)
    return found


def read_split(path: Path) -> dict[str, list[str]]:
    """Read two lists of names: ``test`` and ``train``.

    Either names themselves, or numbers into a third list ``images``, as
    ``springhare-training.json`` has them.

    Raises
    ------
    LabelError
        If it cannot be read, or has no such lists.
    """
    found = _json(_text(path), path)
    sides = sides_of(found) if isinstance(found, dict) else None
    if sides is None:
        msg = (
            f"Expected lists of pictures as train and test in {path}, got another "
            'form: {"train": [...], "test": [...]}'
        )
        raise LabelError(msg)
    return sides


def sides_of(found: Mapping[str, Any]) -> dict[str, list[str]] | None:
    """Return both sides of a split by name; None if they are not told."""
    sides = {side: _names(found.get(side), found.get("images")) for side in _SIDES}
    told = {side: names for side, names in sides.items() if names is not None}
    return told if len(told) == len(_SIDES) else None


def _names(found: Any, images: Any) -> list[str] | None:
    """Return names, or the names of numbers; None if it is neither."""
    if _is_names(images) and _is_numbers(found, len(images)):
        return [images[k] for k in found]
    return found if _is_names(found) else None


def _is_names(found: Any) -> bool:
    return isinstance(found, list) and all(isinstance(name, str) for name in found)


def _is_numbers(found: Any, count: int) -> bool:
    return isinstance(found, list) and all(
        isinstance(k, int) and 0 <= k < count for k in found
    )


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"Expected names of pictures in {path}, got {error}"
        raise LabelError(msg) from error


def _json(text: str, path: Path) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        msg = f"Expected JSON in {path}, got {error}"
        raise LabelError(msg) from error
