"""One camera's pose on its way to the rules: gated, followed, predicted. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from inference import gates
from inference.rules.scene import Seen

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from inference.gates import Gates, GatesState
    from inference.prediction import Predictor, PredictorState
    from inference.rules.scene import Points

__all__ = [
    "ESTIMATE_COLUMNS",
    "MARKED",
    "CameraState",
    "Followed",
    "Follower",
    "Prediction",
]

MARKED = -1.0
"""Likelihood that the rules are shown of a marked keypoint: below every limit."""

ESTIMATE_COLUMNS = (
    "x_px",
    "y_px",
    "likelihood",
    "mark",
    "predicted_x_px",
    "predicted_y_px",
    "predicted_sd_px",
)
"""Columns of an estimate's payload."""


@dataclass(frozen=True, slots=True)
class CameraState:
    """What is carried from one pose of a camera to the next."""

    gates: GatesState
    predictor: PredictorState | None


@dataclass(frozen=True, slots=True)
class Prediction:
    """Where the keypoints of a pose will be."""

    at_ns: int
    """Host time for which it holds."""
    points_px: NDArray[np.float64]
    """(bodyparts, 2); NaN for one that is not there."""
    sd_px: NDArray[np.float64]
    """(bodyparts,) along each axis; infinite for one that is not there."""


class Followed(NamedTuple):
    """A pose, with all that is known of it."""

    keypoints: NDArray[np.float32]
    """(bodyparts, 3): as gates, prediction and rules see it."""
    marks: NDArray[np.uint8]
    """(bodyparts,): 0 for a keypoint that can be trusted, or why not: `gates`."""
    prediction: Prediction | None = None
    """None without a predictor, or before it was asked."""
    smoothed_px: NDArray[np.float64] | None = None
    """(bodyparts, 2) at the exposure; None where no rule asks for it."""

    def seen(self, exposure_ns: int) -> dict[str, Seen]:
        """Return the pose as the rules see it, in each form that there is."""
        raw: Points = self.keypoints.tolist()
        if self.marks.any():
            for point, mark in zip(raw, self.marks.tolist(), strict=True):
                if mark != gates.GOOD:
                    point[2] = MARKED
        forms = {"raw": Seen(raw, exposure_ns)}
        if self.prediction is not None:
            ahead_ns = self.prediction.at_ns - exposure_ns
            points = _moved(raw, self.prediction.points_px)
            forms["predicted"] = Seen(points, exposure_ns, ahead_ns)
        if self.smoothed_px is not None:
            forms["smoothed"] = Seen(_moved(raw, self.smoothed_px), exposure_ns)
        return forms

    def estimate(self) -> NDArray[np.float32]:
        """Return what is recorded of it: (bodyparts, 7), `ESTIMATE_COLUMNS`."""
        columns = np.full((len(self.keypoints), 7), np.nan, np.float32)
        columns[:, :3] = self.keypoints
        columns[:, 3] = self.marks
        if self.prediction is not None:
            columns[:, 4:6] = self.prediction.points_px
            columns[:, 6] = self.prediction.sd_px
        else:
            columns[:, 6] = np.inf
        return columns


@dataclass(frozen=True, slots=True)
class Follower:
    """Gates and prediction of a task."""

    gates: Gates | None = None
    """None marks nothing but keypoints that are not finite."""
    predictor: Predictor | None = None
    forms: frozenset[str] = frozenset()
    """What rules ask for beside raw points: predicted, smoothed."""

    def follow(
        self,
        before: CameraState | None,
        keypoints: NDArray[np.float32],
        exposure_ns: int,
        at_ns: int,
    ) -> tuple[CameraState | None, Followed]:
        """Take a pose in as far as rules ask for: without need nothing is predicted.

        Parameters
        ----------
        before
            What the camera's pose before gave; None before the first.
        keypoints
            (bodyparts, 3): x px, y px, likelihood.
        exposure_ns
            Exposure midpoint.
        at_ns
            When an action would land.

        Returns
        -------
        state
            For the camera's next pose; None where nothing is carried.
        followed
            What is known of the pose.
        """
        if self.gates is None and self.predictor is None:
            marks = np.zeros(len(keypoints), np.uint8)
            return None, Followed(keypoints, marks)
        asked = self.gates or gates.Gates((0.0,) * len(keypoints))
        before = before or self._begin(asked, len(keypoints))
        gated, marks = gates.gate(asked, before.gates, keypoints, exposure_ns)
        state = CameraState(gated, before.predictor)
        followed = Followed(keypoints, marks)
        if not self.forms:
            return state, followed
        return self.foresee(state, followed, exposure_ns, at_ns)

    def foresee(
        self, state: CameraState, followed: Followed, exposure_ns: int, at_ns: int
    ) -> tuple[CameraState, Followed]:
        """Predict a pose that was gated, if that was not done yet.

        Parameters
        ----------
        state, followed
            What `follow` gave.
        exposure_ns, at_ns
            As there.

        Returns
        -------
        Both, with the prediction.
        """
        predictor, known = self.predictor, state.predictor
        if predictor is None or known is None or followed.prediction is not None:
            return state, followed
        keypoints, marks = followed.keypoints, followed.marks
        known = predictor.follow(known, keypoints, marks, exposure_ns)
        prediction = Prediction(at_ns, *predictor.ahead(known, at_ns))
        smoothed = None
        if "smoothed" in self.forms:
            smoothed = predictor.ahead(known, exposure_ns)[0]
        followed = Followed(keypoints, marks, prediction, smoothed)
        return CameraState(state.gates, known), followed

    def trusted(
        self,
        before: CameraState | None,
        keypoints: NDArray[np.float32],
        exposure_ns: int,
    ) -> NDArray[np.bool_]:
        """Return which keypoints of a pose `follow` would trust; arguments as there."""
        asked = self.gates or gates.Gates((0.0,) * len(keypoints))
        state = gates.begin(asked) if before is None else before.gates
        return gates.gate(asked, state, keypoints, exposure_ns)[1] == gates.GOOD

    def _begin(self, asked: Gates, keypoints: int) -> CameraState:
        predictor = self.predictor
        fresh = None if predictor is None else predictor.begin(keypoints)
        return CameraState(gates.begin(asked), fresh)


def _moved(raw: Points, places: NDArray[np.float64]) -> Points:
    """Return a pose at other places, as likely as it was."""
    return [
        [*place, point[2]] for place, point in zip(places.tolist(), raw, strict=True)
    ]
