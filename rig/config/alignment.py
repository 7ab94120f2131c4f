"""The limits of an alignment: what passes, what is a warning, what fails."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from rig.config.base import Closed

__all__ = ["AlignmentLimits", "Band", "Limit"]

_Positive = Annotated[float, Field(ge=0)]


class Limit(Closed):
    """Up to `warn` it passes, up to `fail` it is a warning, beyond it fails."""

    warn: _Positive
    fail: _Positive

    @model_validator(mode="after")
    def _ordered(self) -> Limit:
        if self.warn > self.fail:
            msg = f"expected warn <= fail, got {self.warn} > {self.fail}"
            raise ValueError(msg)
        return self


class Band(Closed):
    """Within `warn` it passes, within `fail` it is a warning, outside it fails."""

    warn: tuple[float, float]
    fail: tuple[float, float]

    @model_validator(mode="after")
    def _nested(self) -> Band:
        low, high = self.fail
        if not low <= self.warn[0] <= self.warn[1] <= high:
            msg = f"expected warn {self.warn} within fail {self.fail}"
            raise ValueError(msg)
        return self


class AlignmentLimits(Closed):
    """Limits of `springhare align`, each to be overridden in the rig file."""

    unmatched_fraction: Limit = Limit(warn=0.001, fail=0.01)
    """Pulses that one of two clocks has not seen, of all."""
    lost_fraction: Limit = Limit(warn=0.001, fail=0.01)
    """Elements of a stream that are missing, of all."""
    residual_over_jitter: Limit = Limit(warn=1.5, fail=3)
    """Robust scatter of pulses about the model, over `expected_jitter_us`."""
    expected_jitter_us: _Positive = 20
    """Scatter of one pulse that a sound rig shows: both clocks' stamps together."""
    innovations: Band = Band(warn=(0.7, 1.3), fail=(0.5, 2))
    """Mean of squared innovations over what was expected (NIS): 1 when the model of a
    wandering crystal holds."""
    held_out_coverage: Band = Band(warn=(0.9, 0.99), fail=(0.8, 1))
    """Share of pulses left out of the fit that lie within their stated 95 % band."""
    drift_ppm: Limit = Limit(warn=100, fail=200)
    """How much faster one clock runs than the other."""
    drift_change_ppm_per_h: Limit = Limit(warn=5, fail=20)
    error_over_period: Limit = Limit(warn=0.1, fail=0.5)
    """95 % error of a stream's times, over its sample period."""
    gap_s: Limit = Limit(warn=60, fail=300)
    """Longest time without anything that both clocks have seen."""
    cue_frames: Limit = Limit(warn=1, fail=2)
    """LED or motion against its line, in frames of the camera."""
    calibration_age_days: Limit = Limit(warn=90, fail=3650)
    """Age of the latency calibration at the session."""
