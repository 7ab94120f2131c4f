"""The model that is on the rig: whether a candidate can be held against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from inference.model_file import find_model
from offline.evaluation.models import load
from rig.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rig.config.rig import RigConfig

__all__ = ["Current", "find_current"]


@dataclass(frozen=True, slots=True)
class Current:
    """The rig's model."""

    model: str | None
    """As the rig file names it; None where nothing can be held against it."""
    why_not: str = ""
    """In words."""
    learnt: frozenset[str] = frozenset()
    """Pictures it was trained on, as far as that is known, by `picture_key`."""


def find_current(rig: RigConfig, labelled: Sequence[str], resize: float) -> Current:
    """Find the rig's model, if there is one that works on these labels.

    A model that is lost, torn or of another animal must not stand in the way of the
    one that is to replace it.

    Parameters
    ----------
    rig
        Whose model.
    labelled
        Body parts of the labels.
    resize
        The task's.
    """
    if rig.model is None:
        return Current(None, "the rig has had no model so far")
    try:
        find_model(rig.model)
    except ModelError:
        return Current(None, f"the rig's model {rig.model} is not there any more")
    try:
        loaded = load(rig.model, rig.model, "onnx", resize)
    except ModelError as error:
        return Current(None, f"the rig's model {rig.model} cannot be asked: {error}")
    loaded.model.close()
    if not set(loaded.facts.bodyparts) & set(labelled):
        why_not = f"the rig's model {rig.model} has none of these body parts"
        return Current(None, why_not)
    return Current(rig.model, learnt=loaded.facts.trained.images or frozenset())
