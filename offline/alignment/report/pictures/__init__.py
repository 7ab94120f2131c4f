"""The pictures of one relation, in the order in which they are looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offline.alignment.report.pictures.ambiguity import ambiguity
from offline.alignment.report.pictures.canvas import can_draw
from offline.alignment.report.pictures.held_out import held_out_errors
from offline.alignment.report.pictures.overlay import first_pulses, last_pulses
from offline.alignment.report.pictures.raster import raster
from offline.alignment.report.pictures.rate import rate_over_time
from offline.alignment.report.pictures.residuals import (
    residual_spread,
    residuals_over_time,
)
from offline.alignment.report.pictures.scene import Picture, scene_of

if TYPE_CHECKING:
    from offline.alignment.result import Evidence, RelationSummary

__all__ = ["Picture", "can_draw", "pictures_of"]

_ORDER = (
    residuals_over_time,
    residual_spread,
    rate_over_time,
    raster,
    ambiguity,
    held_out_errors,
    first_pulses,
    last_pulses,
)


def pictures_of(
    relation: RelationSummary, evidence: Evidence, name: str
) -> list[Picture]:
    """Draw all that there is to see of a relation.

    Parameters
    ----------
    relation, evidence
        The figures, and the pairs behind them.
    name
        Different for each relation of a page.
    """
    scene = scene_of(relation, evidence, name)
    return [draw(scene) for draw in _ORDER]
