"""What a model was trained on, where that is known.

``springhare-training.json`` beside a model, or in the folder above, names the frames;
an ``.onnx`` file's own metadata may say it in words. What is not known may be anything:
then nobody can tell whether the evaluated frames were learnt by heart.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offline.evaluation.frames import picture_key, sides_of
from offline.training_plan import PLAN_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path, PurePosixPath

__all__ = ["TRAINING_FILE", "Trained", "doubt", "read_training"]

TRAINING_FILE = PLAN_FILE
"""Of `offline.training`, or of anybody who names the frames in the same way."""
_METADATA = "training"
_SIMULATED = "pictures of the simulator"


@dataclass(frozen=True, slots=True)
class Trained:
    """What a model was trained on."""

    words: str
    """For people."""
    images: frozenset[str] | None
    """Frames, by `picture_key`; None if they are not known."""


def read_training(name: str, path: Path, metadata: Mapping[str, str]) -> Trained:
    """Return what is known of a model's training.

    Parameters
    ----------
    name
        As the user wrote it.
    path
        The model's file or folder.
    metadata
        Of the file itself; empty for those that have none.
    """
    said = metadata.get(_METADATA, "")
    if name.startswith("bundled:"):
        return Trained(f"{_SIMULATED} ({said})" if said else _SIMULATED, frozenset())
    for found, place in ((_parsed(said), path.name), *_beside(path)):
        sides = sides_of(found) if isinstance(found, dict) else None
        if sides is not None:
            images = frozenset(picture_key(image) for image in sides["train"])
            return Trained(_words(found, sides, place), images)
    words = f"frames not known; it says: {said}" if said else "not known"
    return Trained(words, None)


def doubt(trained: Trained, images: Sequence[PurePosixPath]) -> str | None:
    """Return in words why frames may have been trained on; None if they were not.

    Parameters
    ----------
    trained
        What the model was trained on.
    images
        The evaluated frames.
    """
    if trained.images is None:
        return (
            "what it was trained on is not known: it may have learnt these very frames"
        )
    shared = sum(picture_key(image) in trained.images for image in images)
    if not shared:
        return None
    return f"it was trained on {shared} of these {len(images)} frames"


def _beside(path: Path) -> list[tuple[Any, str]]:
    places = [path.parent / TRAINING_FILE, path.parent.parent / TRAINING_FILE]
    if path.is_dir():
        places.insert(0, path / TRAINING_FILE)
    found: list[tuple[Any, str]] = []
    for place in places:
        try:
            found.append((_parsed(place.read_text("utf-8")), place.name))
        except (OSError, UnicodeDecodeError):
            continue
    return found


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _words(
    found: Mapping[str, Any], sides: Mapping[str, Sequence[str]], place: str
) -> str:
    parts = [f"{len(sides['train'])} frames, {len(sides['test'])} kept for the test"]
    if project := found.get("project"):
        parts.append(f"project {str(project).replace(chr(92), '/').rsplit('/', 1)[-1]}")
    parts += [str(found[key]) for key in ("split_remark",) if found.get(key)]
    return f"{'; '.join(parts)} ({place})"
