"""Engines beside one another: the same frames, in one process, in turns.

Stock dlclive is the measure of all. Every way is warm, and the order changes from
frame to frame. Each way's keypoints are compared with dlclive's.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.bench.film import film_frames
from inference.bench.following import follow
from inference.bench.targets import DYNAMIC, HALF, REFERENCE, TORCH, WHOLE, targets
from inference.convert.proof import LIMIT_PX
from inference.convert.run import Plan as Conversion
from inference.convert.run import convert
from inference.model import load_engine
from inference.model_file import find_model
from inference.view.tracking import near_most
from inference.view.viewer import Viewer
from rig.bench.machine import Conditions
from rig.config.task import DynamicCrop, InferenceConfig
from rig.errors import ModelError
from sync.clock import MonotonicClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from inference.model import PoseModel

    Way = Callable[[NDArray[np.uint8], int], NDArray[np.float32]]
    """Finds the keypoints in a frame (height, width), exposed then (ns)."""

__all__ = ["Plan", "measure"]

_WARM = 10
"""Frames before the first that counts."""
_BODY_WIDTH_PX = 640
"""Of frames in which the plan's lengths are as they stand."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured."""

    model: Path
    """A DeepLabCut export: a ``.pt`` file, or the folder of a TensorFlow export."""
    film: Path
    converted: Path | None = None
    """The same model as made by ``springhare convert``; made anew if None."""
    sizes: tuple[tuple[int, int], ...] = ((320, 240), (640, 480))
    frames: int = 300
    threads: int = 2
    rest_ms: float = 0.0
    """Pause before each look, as between a camera's frames: caches are colder then."""
    body_px: float = 200.0
    """Of the animal, in frames 640 px wide."""
    margin_px: float | None = None
    """Of the dynamic crop; by default the task file's own."""
    min_likelihood: float = 0.4
    whole_film: bool = False
    """Also follow the animal through all of the film."""


def measure(plan: Plan, tell: Callable[[str], None]) -> dict[str, Any]:
    """Return all figures, ready for JSON."""
    conditions = Conditions()
    with tempfile.TemporaryDirectory(prefix="springhare-bench-") as folder:
        path = plan.converted or _converted(plan, Path(folder), tell)
        sizes = {
            f"{width}x{height}": _at_size(plan, path, width, height, tell)
            for width, height in plan.sizes
        }
        film = _followed(plan, path, tell) if plan.whole_film else None
    found = {
        "environment": {
            **conditions.noted(),
            "threads": plan.threads,
            "frames": plan.frames,
            "rest_ms": plan.rest_ms,
            "model": plan.model.name,
            "film": plan.film.name,
        },
        "sizes": sizes,
        "film": film,
    }
    return {**found, "targets": targets(found)}


def _converted(plan: Plan, folder: Path, tell: Callable[[str], None]) -> Path:
    tell("converting")
    out = folder / "converted.onnx"
    conversion = Conversion(
        model=str(plan.model), out=out, frames=plan.film, count=8, threads=plan.threads
    )
    outcome = convert(conversion, lambda what, steps: lambda: None)
    if not outcome.proven:
        msg = (
            f"Expected {plan.model} to be converted within {LIMIT_PX:g} px, got "
            f"{outcome.parity.max_px:.3g} px: see springhare convert"
        )
        raise ModelError(msg)
    return out


def _at_size(
    plan: Plan, path: Path, width: int, height: int, tell: Callable[[str], None]
) -> dict[str, Any]:
    tell(f"{width}x{height}")
    models = _models(plan, path)
    viewer = _viewer(plan, models[WHOLE], width, height)
    ways: dict[str, Way] = {
        **{name: _whole(model) for name, model in models.items()},
        DYNAMIC: lambda frame, exposure_ns: viewer.look(frame, exposure_ns).keypoints,
    }
    try:
        for model in models.values():
            model.warm_up(height, width, 1)
        viewer.warm_up()
        frames = film_frames(plan.film, width, height)
        times_ms, poses = _raced(ways, frames, plan.frames, plan.rest_ms)
    finally:
        for model in models.values():
            model.close()
    providers = {name: model.provider for name, model in models.items()}
    providers[DYNAMIC] = providers[WHOLE]
    reference = poses[REFERENCE]
    shown = _shown(plan, reference, width)
    everywhere = np.ones_like(shown)
    return {
        "ways": {
            name: {
                **_times(times_ms[name], times_ms[REFERENCE]),
                **_deviation(
                    poses[name], reference, shown if name == DYNAMIC else everywhere
                ),
                "provider": providers[name],
            }
            for name in ways
        },
        "dynamic_crop": _looks(viewer),
    }


def _models(plan: Plan, path: Path) -> dict[str, PoseModel]:
    """Return dlclive, as its users have it, and what looks at the same frames."""
    models = {
        REFERENCE: _model(plan, plan.model, "dlclive"),
        WHOLE: _model(plan, path, "onnx"),
    }
    if find_model(str(plan.model)).form == "pytorch":
        models[TORCH] = _model(plan, plan.model, "torch")
        if "cuda" in models[REFERENCE].provider:
            models[HALF] = _model(plan, plan.model, "torch", precision="half")
    return models


def _raced(
    ways: Mapping[str, Way],
    frames: Iterator[tuple[NDArray[np.uint8], int]],
    count: int,
    rest_ms: float,
) -> tuple[dict[str, list[float]], dict[str, NDArray[np.float32]]]:
    """Let all ways look at the same frames, each in another order than the last."""
    clock = MonotonicClock()
    names = list(ways)
    times_ms: dict[str, list[float]] = {name: [] for name in names}
    poses: dict[str, list[NDArray[np.float32]]] = {name: [] for name in names}
    number = -1
    for number, (frame, exposure_ns) in enumerate(islice(frames, count + _WARM)):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            time.sleep(rest_ms / 1000)
            began_ns = clock.now()
            keypoints = ways[name](frame, exposure_ns)
            took_ms = (clock.now() - began_ns) / 1e6
            if number >= _WARM:
                times_ms[name].append(took_ms)
                poses[name].append(keypoints.copy())
    if number + 1 < count + _WARM:
        msg = (
            f"Expected a film of {count + _WARM} frames or more, got {number + 1}: "
            "take a longer one, or look at fewer with --frames"
        )
        raise ModelError(msg)
    return times_ms, {name: np.stack(found) for name, found in poses.items()}


def _followed(plan: Plan, path: Path, tell: Callable[[str], None]) -> dict[str, Any]:
    tell("all of the film: the whole picture, and the dynamic crop")
    model = _model(plan, path, "onnx")
    first, _ = next(film_frames(plan.film))
    height, width = first.shape
    viewer = _viewer(plan, model, width, height)
    viewer.warm_up()
    model.warm_up(height, width, 1)
    try:
        following = follow(
            model, viewer, film_frames(plan.film), plan.body_px, plan.min_likelihood
        )
    finally:
        model.close()
    return {**asdict(following), **_looks(viewer)}


def _looks(viewer: Viewer) -> dict[str, int]:
    return {"whole": viewer.whole_looks, "second": viewer.second_looks}


def _model(plan: Plan, path: Path, engine: Any, precision: Any = "single") -> PoseModel:
    return load_engine(
        InferenceConfig(
            model=str(path),
            engine=engine,
            precision=precision,
            cameras=("film",),
            threads=plan.threads,
        )
    )


def _viewer(plan: Plan, model: PoseModel, width: int, height: int) -> Viewer:
    scale = width / _BODY_WIDTH_PX
    margin_px = plan.margin_px or DynamicCrop(body_px=1).margin_px
    config = InferenceConfig(
        model="bench",
        cameras=("film",),
        dynamic_crop=DynamicCrop(
            body_px=plan.body_px * scale,
            margin_px=margin_px * max(scale, 0.75),
            min_likelihood=plan.min_likelihood,
        ),
    )
    return Viewer(model, config, height, width, 1)


def _whole(model: PoseModel) -> Way:
    return lambda frame, exposure_ns: model.infer(frame)


def _times(took_ms: Sequence[float], reference_ms: Sequence[float]) -> dict[str, float]:
    p50_ms, mean_ms = float(np.median(took_ms)), float(np.mean(took_ms))
    return {
        "p50_ms": p50_ms,
        "p99_ms": float(np.percentile(took_ms, 99)),
        "mean_ms": mean_ms,
        "times_faster": float(np.median(reference_ms)) / p50_ms,
        "times_faster_by_mean": float(np.mean(reference_ms)) / mean_ms,
    }


def _shown(plan: Plan, reference: NDArray[np.float32], width: int) -> NDArray[np.bool_]:
    """Return which points of dlclive's are likely and near most others of their pose.

    The others are no measure of a crop: it does not show the corner of the arena in
    which the whole picture sees a body part.
    """
    likely = reference[..., 2] >= plan.min_likelihood
    body_px = plan.body_px * width / _BODY_WIDTH_PX
    near = (near_most(p, t, body_px) for p, t in zip(reference, likely, strict=True))
    return likely & np.stack(list(near))


def _deviation(
    poses: NDArray[np.float32],
    reference: NDArray[np.float32],
    points: NDArray[np.bool_],
) -> dict[str, float]:
    off = np.abs(poses.astype(np.float64) - reference)[points]
    off_px = np.hypot(off[..., 0], off[..., 1])
    return {
        "median_px": float(np.median(off_px)),
        "max_px": float(off_px.max()),
        "max_likelihood": float(off[..., 2].max()),
    }
