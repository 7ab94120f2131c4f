"""What was seen around a moment, and so why a fire differs there. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rig.config.rules import FeatureCrosses, keypoints_of, leaves

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from offline.parity.sides import Sides
    from offline.parity.stages import Decided
    from rig.config.rules import RuleConfig

__all__ = ["Evidence"]

_SUPPRESSED = "suppressed_"


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Both sides, as one rule looks at them."""

    sides: Sides
    rule: RuleConfig
    started_ns: int
    place: NDArray[np.int64]
    """(frames,) of each one's row in `live` and `offline`; -1 where not both saw it."""
    live: NDArray[np.float32]
    """(n, parts, 3), of the rule's body parts that both sides know."""
    offline: NDArray[np.float32]
    bodyparts: tuple[str, ...]
    least: NDArray[np.float64]
    """(parts,) likelihood that a part must have for the rule."""

    @staticmethod
    def of(sides: Sides, rule: RuleConfig, started_ns: int) -> Evidence:
        """Return what there is for a rule."""
        asked = {part for _, leaf in leaves(rule.when) for part in keypoints_of(leaf)}
        frames, live, offline, bodyparts = sides.both
        columns = [k for k, part in enumerate(bodyparts) if part in asked]
        place = np.full(len(sides.frames), -1, np.int64)
        place[frames] = np.arange(len(frames))
        return Evidence(
            sides=sides,
            rule=rule,
            started_ns=started_ns,
            place=place,
            live=live[:, columns],
            offline=offline[:, columns],
            bodyparts=tuple(bodyparts[k] for k in columns),
            least=np.maximum(sides.least[columns], rule.min_likelihood),
        )

    def seconds(self, at_ns: int) -> float:
        """Return a host time as seconds since the session's start."""
        return (at_ns - self.started_ns) / 1e9

    def cause(self, stage: str, at: Decided, held: Decided | None) -> tuple[str, str]:
        """Return why a fire is not in a stage as before it, or is new there.

        Parameters
        ----------
        stage
            The first in which it differs.
        at
            The fire.
        held
            What was suppressed near to it, where it is missing.
        """
        outcome = "" if held is None else held.decision.outcome
        if held is not None and outcome == f"{_SUPPRESSED}refractory":
            return "refractory", held.decision.cause
        if stage == "seen":
            return "skipped", self._skipped(at)
        if stage == "timed":
            return self._timed(held)
        if stage == "live":
            return self._posed(at, held)
        return "other", "what was recorded does not follow from the recorded poses"

    def widest(self, at: Decided) -> tuple[str, float] | None:
        """Return the rule's body part that differs most just there, and by how many px.

        None where no frame that it hung on was seen by both.
        """
        rows = self._rows(at)
        if not len(rows) or not self.bodyparts:
            return None
        away = self.live[rows, :, :2].astype(np.float64) - self.offline[rows, :, :2]
        apart = np.nan_to_num(np.hypot(*np.moveaxis(away, 2, 0))).max(axis=0)
        k = int(np.argmax(apart))
        return self.bodyparts[k], float(apart[k])

    def _frames(self, at: Decided) -> NDArray[np.int64]:
        """Return the frames that a decision hangs on: its own, and those before.

        With one on the near side of the threshold.
        """
        first = max(at.frame - self.rule.debounce_frames, 0)
        return np.arange(first, at.frame + 1)

    def _rows(self, at: Decided) -> NDArray[np.int64]:
        rows = self.place[self._frames(at)]
        return rows[rows >= 0]

    def _skipped(self, at: Decided) -> str:
        frames = self._frames(at)
        seen = self.sides.seen
        missing = int((~seen[frames]).sum())
        if missing:
            count = len(frames)
            return f"{missing} of the {count} frames that it hung on were skipped"
        before = np.flatnonzero(~seen[: at.frame + 1])
        if not len(before):
            return "frames after it were skipped"
        away_ns = at.at_ns - int(self.sides.exposure_ns[before[-1]])
        return f"a frame {away_ns / 1e6:.0f} ms before was skipped, and it hung on that"

    def _timed(self, held: Decided | None) -> tuple[str, str]:
        if held is not None and held.decision.outcome == f"{_SUPPRESSED}age":
            return "age", held.decision.cause
        if any(isinstance(leaf, FeatureCrosses) for _, leaf in leaves(self.rule.when)):
            return "signals", "a signal's value was known later than the picture"
        return "other", "with the live poses' times, and nothing else, it differs"

    def _posed(self, at: Decided, held: Decided | None) -> tuple[str, str]:
        rows = self._rows(at)
        sure = [side[rows][:, :, 2] >= self.least for side in (self.live, self.offline)]
        if (sure[0] != sure[1]).any():
            part = int(np.argmax((sure[0] != sure[1]).any(axis=0)))
            found = [
                float(side[rows, part, 2].min()) for side in (self.live, self.offline)
            ]
            return "likelihood", (
                f"{self.bodyparts[part]} is {found[0]:.2f} likely live, "
                f"{found[1]:.2f} offline; {self.least[part]:.2f} is asked"
            )
        if held is not None and held.decision.outcome == f"{_SUPPRESSED}likelihood":
            return "likelihood", held.decision.cause
        near = self.widest(at)
        if near is None:
            return "pose", "the poses before it differed"
        return "pose", f"{near[0]} was {near[1]:.1f} px apart"
