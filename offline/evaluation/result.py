"""All that an evaluation found: the page, the table and the JSON are made of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import PurePosixPath

    import numpy as np
    from numpy.typing import NDArray

    from offline.evaluation.errors import GateLimits, Seen
    from offline.evaluation.judging import Judged, Terms
    from offline.evaluation.looking import Speed
    from offline.evaluation.models import Facts

__all__ = ["Evaluation", "Machine", "as_json"]

FORMAT = "springhare-evaluation/1"


@dataclass(frozen=True, slots=True)
class Machine:
    """Where it was timed."""

    cores: int
    load_before: float
    load_after: float


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """Models on the labelled frames of a project."""

    project: str
    """Its folder's name."""
    scorer: str
    made_utc: str
    parts: tuple[str, ...]
    images: tuple[PurePosixPath, ...]
    groups: tuple[str, ...]
    """Video or animal of each image, as the sets say which."""
    labels_px: NDArray[np.float64]
    """(frames, parts, 2)."""
    names: tuple[str, ...]
    """Of the models."""
    facts: tuple[Facts, ...]
    speeds: tuple[Speed, ...]
    seen: tuple[Seen, ...]
    sets: tuple[Judged, ...]
    doubts: tuple[tuple[str, str, str], ...]
    """Set, model, and why it may have been trained on these frames."""
    remarks: tuple[str, ...]
    machine: Machine
    terms: Terms
    limits: GateLimits
    resize: float


def as_json(found: Evaluation, page: str) -> dict[str, Any]:
    """Return what can be worked on with; what is not known is null."""
    return _plain(
        {
            "format": FORMAT,
            "project": found.project,
            "scorer": found.scorer,
            "made_utc": found.made_utc,
            "page": page,
            "frames": len(found.images),
            "bodyparts": found.parts,
            "warnings": [
                {"set": name, "model": model, "why": why}
                for name, model, why in found.doubts
            ],
            "remarks": found.remarks,
            "terms": asdict(found.terms),
            "gates": asdict(found.limits),
            "resize": found.resize,
            "machine": asdict(found.machine),
            "models": [
                {"name": name, **_facts(facts), "speed": asdict(speed)}
                for name, facts, speed in zip(
                    found.names, found.facts, found.speeds, strict=True
                )
            ],
            "sets": [_set(one, found) for one in found.sets],
        }
    )


def _facts(facts: Facts) -> dict[str, Any]:
    told = asdict(facts)
    images = facts.trained.images
    told["trained"] = {
        "words": facts.trained.words,
        "frames": None if images is None else len(images),
    }
    return told


def _set(judged: Judged, found: Evaluation) -> dict[str, Any]:
    told = asdict(judged)
    told["images"] = [str(found.images[row]) for row in told.pop("rows")]
    for model in told["models"]:
        model["worst"] = [
            {"image": str(found.images[row]), "mean_px": mean_px}
            for row, mean_px in model["worst"]
        ]
    return told


def _plain(value: Any) -> Any:
    """Return values as JSON has them: it knows no NaN."""
    if isinstance(value, dict):
        items: Mapping[str, Any] = value
        return {key: _plain(one) for key, one in items.items()}
    if isinstance(value, (list, tuple)):
        several: Sequence[Any] = value
        return [_plain(one) for one in several]
    if isinstance(value, float) and not isfinite(value):
        return None
    return value
