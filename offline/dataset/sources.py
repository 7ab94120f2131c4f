"""What is noted beside the pictures of a folder: where each came from, and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path, PurePosixPath

__all__ = ["SOURCES_FILE", "animals_of", "note_source"]

SOURCES_FILE = "springhare.json"
"""Beside the pictures of a folder: the session, and why each was chosen."""


def note_source(picture: Path, source: Mapping[str, Any]) -> None:
    """Note where a picture came from.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    path = picture.parent / SOURCES_FILE
    sources = json.loads(path.read_text("utf-8")) if path.exists() else {}
    sources[picture.name] = dict(source)
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(sources, indent=1, sort_keys=True) + "\n", "utf-8")
    draft.replace(path)


def animals_of(folder: Path, images: Sequence[PurePosixPath]) -> list[str]:
    """Return the animal of each picture; empty where nobody has noted it.

    ``springhare frames pick`` notes it beside the pictures.
    """
    notes: dict[PurePosixPath, Any] = {}
    for place in {image.parent for image in images}:
        try:
            notes[place] = json.loads(
                (folder / place / SOURCES_FILE).read_text("utf-8")
            )
        except (OSError, ValueError):
            notes[place] = {}
    return [_subject(notes[image.parent], image.name) for image in images]


def _subject(notes: Any, name: str) -> str:
    source = notes.get(name) if isinstance(notes, dict) else None
    return str(source.get("subject") or "") if isinstance(source, dict) else ""
