"""How far predictions are from the truth: none, ours, and dlclive's own predictor."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.bench.motions import Kind, Motion, recorded, simulated
from inference.bench.targets import prediction_targets
from inference.gates import GOOD
from inference.prediction import Predictor
from rig.bench.machine import Conditions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Plan", "measure"]

_HOLD_NS = 100_000_000
_WARM = 50

_Found = tuple[dict[float, "NDArray[np.float64]"], dict[float, "NDArray[np.float64]"]]
"""Points (m, n, 2) and sd (m, n) by horizon, px."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured."""

    seeds: tuple[int, ...] = (1, 2, 3, 4)
    rates_hz: tuple[float, ...] = (100.0, 200.0)
    network: bool = False
    """Also with the bundled network on rendered pictures."""
    recordings: tuple[Path, ...] = ()
    camera: str | None = None
    """Of the recordings."""


def measure(plan: Plan, told: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Measure everything and return the figures, ready for JSON."""
    conditions = Conditions()
    cases: list[dict[str, Any]] = []
    took_us: list[float] = []
    kinds: tuple[Kind, ...] = ("jump", "jump, all well")
    if plan.network:
        kinds = (*kinds, "jump, network")
    for kind in kinds:
        for rate_hz in plan.rates_hz:
            told(f"{kind} at {rate_hz:g} Hz")
            motions = [simulated(seed, rate_hz, kind) for seed in plan.seeds]
            cases += _compared(motions, took_us)
    for path in plan.recordings:
        told(str(path))
        cases += _compared([recorded(path, plan.camera)], took_us)
    p50, p99 = np.percentile(took_us, [50, 99])
    return {
        "cases": cases,
        "targets": prediction_targets(cases),
        "step_us": {"p50": round(float(p50), 1), "p99": round(float(p99), 1)},
        "environment": conditions.noted(),
    }


def _compared(motions: Sequence[Motion], took_us: list[float]) -> list[dict[str, Any]]:
    """Return the figures of all ways, over all motions of a kind."""
    ways: dict[str, list[_Found]] = {"none": [], "springhare": []}
    for motion in motions:
        ways["none"].append(_none(motion))
        ways["springhare"].append(_ours(motion, took_us))
    theirs = _dlclive(motions)
    if theirs is not None:
        ways["dlclive"] = theirs
    first = motions[0]
    return [
        {
            "motion": first.name,
            "rate_hz": first.rate_hz,
            "horizon_ms": round(horizon_ms, 3),
            "way": way,
            **_figures(motions, found, horizon_ms),
        }
        for horizon_ms in first.horizons_ms
        for way, found in ways.items()
    ]


def _none(motion: Motion) -> _Found:
    places = motion.keypoints[..., :2].astype(np.float64)
    sd = np.full(places.shape[:2], np.nan)
    horizons_ms = motion.horizons_ms
    return dict.fromkeys(horizons_ms, places), dict.fromkeys(horizons_ms, sd)


def _ours(motion: Motion, took_us: list[float]) -> _Found:
    """Return our predictions; what is timed is a step to the nearest horizon."""
    count, parts = motion.keypoints.shape[:2]
    first, *others = motion.horizons_ms
    points = {h: np.empty((count, parts, 2)) for h in motion.horizons_ms}
    sd = {h: np.empty((count, parts)) for h in motion.horizons_ms}
    predictor = Predictor(_HOLD_NS, motion.model_error_px)
    state = predictor.begin(parts)
    for k, exposure_ns in enumerate(motion.exposures_ns.tolist()):
        at_ns = exposure_ns + round(first * 1e6)
        begin_ns = time.perf_counter_ns()
        state, points[first][k], sd[first][k] = predictor.predict(
            state, motion.keypoints[k], motion.marks[k], exposure_ns, at_ns
        )
        if k >= _WARM:
            took_us.append((time.perf_counter_ns() - begin_ns) / 1e3)
        for h in others:
            at_ns = exposure_ns + round(h * 1e6)
            points[h][k], sd[h][k] = predictor.ahead(state, at_ns)
    return points, sd


def _dlclive(motions: Sequence[Motion]) -> list[_Found] | None:
    """Return those of dlclive's `KalmanFilterPredictor`; None without dlclive.

    As it comes, but told the camera's rate. It reads the wall clock, so it is given
    one that shows the poses' exposures.
    """
    try:
        from inference.runners.deeplabcut import tensorflow_hidden

        with tensorflow_hidden():
            from dlclive.processor import kalmanfilter
    except ImportError:
        return None
    found: list[_Found] = []
    for motion in motions:
        count, parts = motion.keypoints.shape[:2]
        points = {h: np.empty((count, parts, 2)) for h in motion.horizons_ms}
        theirs = kalmanfilter.KalmanFilterPredictor(
            adapt=False, forward=0.0, fps=round(motion.rate_hz)
        )
        with _clock_of(kalmanfilter) as clock:
            for k, exposure_ns in enumerate(motion.exposures_ns.tolist()):
                clock.now_s = exposure_ns * 1e-9
                theirs.process(motion.keypoints[k].astype(np.float64))
                for h in motion.horizons_ms:
                    points[h][k] = _their_future(theirs, motion.keypoints[k], h)
        sd = np.full((count, parts), np.nan)
        found.append((points, dict.fromkeys(motion.horizons_ms, sd)))
    return found


def _their_future(theirs: Any, keypoints: NDArray[np.float32], h: float) -> Any:
    """Return what its `process` would, for a `forward` of so many ms."""
    if not hasattr(theirs, "Xp"):  # it gives the first pose back as it is
        return keypoints[:, :2]
    return theirs._get_future_pose(h * 1e-3)  # noqa: SLF001 - asked for four at once


@contextmanager
def _clock_of(module: Any) -> Iterator[SimpleNamespace]:
    """Give a module a clock that is set by hand."""
    clock = SimpleNamespace(now_s=0.0)
    kept = module.time
    module.time = SimpleNamespace(time=lambda: clock.now_s)
    try:
        yield clock
    finally:
        module.time = kept


def _figures(
    motions: Sequence[Motion], found: Sequence[_Found], horizon_ms: float
) -> dict[str, Any]:
    errors: dict[str, list[NDArray[np.float64]]] = {"moving": [], "resting": []}
    within: dict[str, list[NDArray[np.float64]]] = {"moving": [], "resting": []}
    for motion, (points, sd) in zip(motions, found, strict=True):
        apart = points[horizon_ms] - motion.truth(
            motion.exposures_ns + round(horizon_ms * 1e6)
        )
        known = np.isfinite(apart).all(axis=2) & (motion.marks == GOOD)
        for name, chosen in (("moving", motion.moving), ("resting", motion.resting)):
            there = known & chosen[:, np.newaxis]
            errors[name].append(np.linalg.norm(apart[there], axis=1))
            within[name].append(np.abs(apart[there]) / sd[horizon_ms][there][:, None])
    figures: dict[str, Any] = {}
    for name, parts in errors.items():
        px, sds = np.concatenate(parts), np.concatenate(within[name])
        if px.size == 0:
            figures[name] = None
            continue
        figures[name] = {
            "mean_px": _rounded(px.mean()),
            "rms_px": _rounded(np.sqrt((px**2).mean())),
            "median_px": _rounded(np.median(px)),
        }
        if np.isfinite(sds).all():
            figures[name]["within_1_sd"] = _rounded((sds < 1).mean())
            figures[name]["within_2_sd"] = _rounded((sds < 2).mean())
    return figures


def _rounded(value: Any) -> float:
    return round(float(value), 3)
