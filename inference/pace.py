"""Can the network keep up with the cameras? Measured before the session starts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rig.node import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sync.clock import Clock

__all__ = ["Pace", "measure", "pace_findings"]

_LOOKS = 20
_LONGEST_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Pace:
    """How long the network takes for a camera's frames, and how often they come."""

    camera: str
    rate_hz: float
    p50_ms: float
    p95_ms: float

    @property
    def load(self) -> float:
        """Share of the time that this camera's frames take; above 1 is too much."""
        return self.p50_ms * self.rate_hz / 1000


def measure(
    camera: str, rate_hz: float, look: Callable[[], object], clock: Clock
) -> Pace:
    """Time up to 20 looks, for about a second at most.

    Parameters
    ----------
    camera
        Its name.
    rate_hz
        How often its frames come; 0 if that is not known.
    look
        Lets the network look at one frame; warm already.
    clock
        Host clock.
    """
    took_ns: list[int] = []
    while len(took_ns) < _LOOKS and sum(took_ns) < _LONGEST_NS:
        began_ns = clock.now()
        look()
        took_ns.append(clock.now() - began_ns)
    took_ns.sort()
    p50_ns, p95_ns = (took_ns[math.ceil(p * len(took_ns)) - 1] for p in (0.5, 0.95))
    return Pace(camera, rate_hz, p50_ns / 1e6, p95_ns / 1e6)


def pace_findings(paces: Sequence[Pace]) -> list[Finding]:
    """Return whether the frames of all cameras together can be looked at in time."""
    load = sum(pace.load for pace in paces)
    return [
        Finding(
            name=f"pose of {pace.camera}",
            ok=load <= 1,
            detail=_detail(pace, load),
            remedy="" if load <= 1 else _REMEDY,
        )
        for pace in paces
    ]


_REMEDY = (
    "take a smaller or converted model (springhare convert), dynamic_crop, crop_px or "
    "resize, or a lower rate"
)


def _detail(pace: Pace, load: float) -> str:
    took = f"the model takes {pace.p50_ms:.1f} ms (95 %: {pace.p95_ms:.1f} ms)"
    if not pace.rate_hz:
        return took
    comes = f"a frame every {1000 / pace.rate_hz:.1f} ms and {took}"
    return comes if load <= 1 else f"{comes}: about one in {math.ceil(load)} is seen"
