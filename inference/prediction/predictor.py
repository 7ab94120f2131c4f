"""Where the keypoints will be when the action lands, and how sure that is. Pure.

A keypoint that is marked is predicted on without it for a limited time; then it is
not there, until it is found again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from inference.prediction.bank import Bank, corrected, foretold, moved, restarted
from inference.prediction.intake import CERTAIN, NEVER, Seen, Tracks, taken_in
from inference.prediction.motion import settled, spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Predictor", "PredictorState"]


class PredictorState(NamedTuple):
    """What is carried from pose to pose."""

    exposure_ns: int
    """Of the last pose; -1 before the first."""
    interval_s: float
    """From the pose before to the last one."""
    bank: Bank
    """The filters at the last pose."""
    tracks: Tracks
    """What else is known of each keypoint."""


@dataclass(frozen=True, slots=True)
class Predictor:
    """Predicts the keypoints of one camera; what changes is in the state."""

    hold_ns: int
    """So long a keypoint that is not seen is predicted on; then it is not there."""
    model_error_px: float = 0.0
    """Error of the model itself, an sd along an axis. It shifts a run of poses alike,
    so no filter sees it; it goes into the sd."""

    def begin(self, keypoints: int) -> PredictorState:
        """Return the state before the first pose of so many keypoints."""
        return PredictorState(NEVER, 0.0, Bank.empty(keypoints), Tracks.none(keypoints))

    def predict(
        self,
        state: PredictorState,
        keypoints: NDArray[np.float32],
        marks: NDArray[np.uint8],
        exposure_ns: int,
        at_ns: int,
    ) -> tuple[PredictorState, NDArray[np.float64], NDArray[np.float64]]:
        """Take a pose in and say where its keypoints will be.

        Parameters
        ----------
        state
            What the pose before gave; nothing in it is changed.
        keypoints
            (n, 3): x px, y px, likelihood.
        marks
            (n,): 0 for a keypoint that can be trusted; the others are not looked at.
        exposure_ns
            Exposure midpoint. A pose that is not newer than the last is not taken in.
        at_ns
            For when; the exposure itself gives the filtered places.

        Returns
        -------
        state
            For the next pose.
        points
            (n, 2) px; NaN for a keypoint that is not there.
        sd
            (n,) px along each axis; infinite for one that is not there.
        """
        state = self.follow(state, keypoints, marks, exposure_ns)
        return (state, *self.ahead(state, at_ns))

    def follow(
        self,
        state: PredictorState,
        keypoints: NDArray[np.float32],
        marks: NDArray[np.uint8],
        exposure_ns: int,
    ) -> PredictorState:
        """Take a pose in, as `predict` does, and predict nothing yet."""
        if exposure_ns <= state.exposure_ns:
            return state
        before_ns = state.exposure_ns
        interval_s = 0.0 if before_ns == NEVER else (exposure_ns - before_ns) * 1e-9
        x_px, y_px, likelihood = keypoints.T.tolist()
        unlikely = [CERTAIN - each for each in likelihood]
        seen = Seen(before_ns, exposure_ns, unlikely, marks.tolist())
        bank = state.bank
        motion = moved(bank.motion, interval_s)
        away_px = np.array(x_px + y_px) - motion[0]
        taken = taken_in(bank, state.tracks, away_px, seen, self.hold_ns)
        common = settled(interval_s)
        bank = corrected(bank, motion, away_px, common, taken.own, taken.learnt)
        if taken.found:
            bank = restarted(bank, keypoints, taken.found)
        return PredictorState(exposure_ns, interval_s, bank, taken.tracks)

    def ahead(
        self, state: PredictorState, at_ns: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return points (n, 2) px and sd (n,) px at a time, as `predict` does."""
        now_ns, seen_ns = state.exposure_ns, state.tracks.seen_ns
        time_s = max(0, at_ns - now_ns) * 1e-9
        known = settled(state.interval_s).known
        variance = spread(known, time_s)
        unseen: list[int] = []
        keypoints = len(seen_ns)
        if now_ns == NEVER or min(seen_ns) < now_ns:
            unseen = [k for k, ns in enumerate(seen_ns) if ns < now_ns or ns == NEVER]
            variance = np.repeat(variance, 2 * keypoints, axis=1)
            for k in unseen:
                alone_s = time_s + (now_ns - seen_ns[k]) * 1e-9
                variance[:, [k, keypoints + k]] = spread(known, alone_s)
        points, variance_px2 = foretold(state.bank, time_s, variance)
        if self.model_error_px:
            variance_px2 += self.model_error_px**2
        sd = np.sqrt(variance_px2[:keypoints])
        for k in unseen:
            if seen_ns[k] == NEVER or now_ns - seen_ns[k] > self.hold_ns:
                points[[k, keypoints + k]], sd[k] = np.nan, np.inf
        return points.reshape(2, -1).T, sd
