"""Forward prediction: where each keypoint will be when the action lands."""

from __future__ import annotations

from inference.prediction.predictor import Predictor, PredictorState

__all__ = ["Predictor", "PredictorState"]
