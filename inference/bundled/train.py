"""Trains the bundled model on the simulator's pictures; run by hand.

    python -m inference.bundled.train [--minutes 14] [--out inference/bundled]

A second process renders random scenes while this one learns. Worlds of the test
have seeds that the training never draws. Needs torch and onnx (extras ``dlclive``
and ``test``).
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import json
import logging
import math
import multiprocessing
from pathlib import Path
from queue import Full
from typing import TYPE_CHECKING, get_args

import numpy as np

from rig.sim.scenes import (
    FIRST_TRAINING_SEED,
    random_tones,
    scene_pictures,
    standard_pictures,
)
from rig.sim.world import BODY_PARTS, Story
from sync.clock import MonotonicClock

if TYPE_CHECKING:
    from multiprocessing.queues import Queue

    import torch

    from inference.bundled.network import PoseNetwork

__all__ = ["main"]

_log = logging.getLogger(__name__)

MODEL_FORMAT = "springhare-pose/1"
_BATCH = 16
_NOWHERE_PX = -1000.0
"""Place of a body part that is not there: near no cell."""
_POOL = 1200
"""Pictures to draw batches from; the oldest is replaced by each new one."""
_CROP_PX = (320, 384)
_FULL_SHARE = 0.25
"""Last part of the time, in which whole frames are seen."""
_PEAK_RATE, _LAST_RATE, _WARM_STEPS = 3e-3, 2e-5, 100
_KEEP = 0.997
"""Memory of the averaged weights."""


def _render(queue: Queue[tuple[np.ndarray, np.ndarray]], seed: int) -> None:
    """Put labelled pictures into a queue until the trainer is gone."""
    rng = np.random.default_rng(seed)
    trainer = multiprocessing.parent_process()
    while trainer is not None and trainer.is_alive():
        for shot in scene_pictures(rng, 24, FIRST_TRAINING_SEED):
            keypoints = np.nan_to_num(shot.keypoints_px, nan=_NOWHERE_PX)
            with contextlib.suppress(Full):
                queue.put((shot.pixels, keypoints.astype(np.float32)), timeout=5.0)


class _Pool:
    """The newest pictures; each is drawn several times, cropped anew."""

    def __init__(self, queue: Queue[tuple[np.ndarray, np.ndarray]]) -> None:
        self._queue = queue
        self._shots = [queue.get() for _ in range(4 * _BATCH)]
        self._oldest = 0
        self.seen = len(self._shots)

    def refresh(self) -> None:
        while not self._queue.empty():
            shot = self._queue.get()
            self.seen += 1
            if len(self._shots) < _POOL:
                self._shots.append(shot)
            else:
                self._shots[self._oldest] = shot
                self._oldest = (self._oldest + 1) % _POOL

    def batch(
        self, rng: np.random.Generator, count: int, crop: tuple[int, int] | None
    ) -> tuple[np.ndarray, np.ndarray]:
        self.refresh()
        chosen = [self._shots[k] for k in rng.integers(len(self._shots), size=count)]
        cut = [_cropped(shot, crop, rng) for shot in chosen]
        frames = np.stack([random_tones(rng)[pixels] for pixels, _ in cut])
        return frames, np.stack([keypoints for _, keypoints in cut])


def _cropped(
    shot: tuple[np.ndarray, np.ndarray],
    crop: tuple[int, int] | None,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    pixels, keypoints = shot
    if crop is None:
        return pixels, keypoints
    height, width = crop
    middle = keypoints.mean(axis=0) + rng.uniform(-70.0, 70.0, 2)
    if middle.min() < 0.5 * _NOWHERE_PX:
        middle = rng.uniform(0.0, 1.0, 2) * pixels.shape[::-1]
    left = int(np.clip(middle[0] - width / 2, 0, pixels.shape[1] - width))
    top = int(np.clip(middle[1] - height / 2, 0, pixels.shape[0] - height))
    return (
        pixels[top : top + height, left : left + width],
        keypoints - np.array([left, top], dtype=np.float32),
    )


def _train(minutes: float, seed: int) -> tuple[PoseNetwork, int, int]:
    """Return the averaged network, its steps and the pictures it saw."""
    import torch

    from inference.bundled.network import PoseNetwork, loss_of

    # The painter has the other core.
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = PoseNetwork(len(BODY_PARTS))
    average = copy.deepcopy(network).eval()
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=1e-3)
    context = multiprocessing.get_context("spawn")
    queue = context.Queue(maxsize=64)
    painter = context.Process(target=_render, args=(queue, seed + 1), daemon=True)
    painter.start()
    pool = _Pool(queue)
    clock = MonotonicClock()
    start_ns, length_ns = clock.now(), minutes * 60e9
    step, sum_loss = 0, 0.0
    while (done := (clock.now() - start_ns) / length_ns) < 1.0:
        full = done > 1.0 - _FULL_SHARE
        frames, keypoints = pool.batch(
            rng, _BATCH // 2 if full else _BATCH, None if full else _CROP_PX
        )
        for group in optimiser.param_groups:
            group["lr"] = _rate(done) * min(1.0, (step + 1) / _WARM_STEPS)
        loss = loss_of(network, torch.from_numpy(frames), torch.from_numpy(keypoints))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        _follow(average, network, min(_KEEP, step / (step + 10.0)))
        step += 1
        sum_loss += float(loss.detach())
        if step % 50 == 0:
            _log.info(
                "%3.0f %%  step %d  loss %.3f  pictures %d",
                100.0 * done,
                step,
                sum_loss / 50,
                pool.seen,
            )
            sum_loss = 0.0
    painter.terminate()
    painter.join()
    return average, step, pool.seen


def _rate(done: float) -> float:
    """Return the learning rate: half a cosine."""
    share = 0.5 * (1.0 + math.cos(math.pi * min(done, 1.0)))
    return _LAST_RATE + (_PEAK_RATE - _LAST_RATE) * share


def _follow(average: torch.nn.Module, network: torch.nn.Module, keep: float) -> None:
    """Move the averaged weights towards the network's."""
    with_state = zip(
        average.state_dict().values(), network.state_dict().values(), strict=True
    )
    for old, new in with_state:
        if old.dtype.is_floating_point:
            old.mul_(keep).add_(new.detach(), alpha=1.0 - keep)
        else:
            old.copy_(new)


def _export(network: PoseNetwork, path: Path) -> None:
    import torch

    torch.onnx.export(
        network.eval(),
        (torch.zeros(1, 480, 640, dtype=torch.uint8),),
        str(path),
        opset_version=17,
        dynamo=False,
        input_names=["image"],
        output_names=["keypoints"],
        dynamic_axes={"image": {1: "height", 2: "width"}},
    )


def _describe(path: Path, facts: dict[str, str]) -> None:
    """Write what a runner must know into the model's own metadata."""
    import onnx

    model = onnx.load(str(path))
    del model.metadata_props[:]
    for key, value in facts.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def _test(path: Path) -> dict[str, tuple[float, float, float]]:
    """Return median, 90th percentile and worst error in px for each story.

    Worlds and times that the training never saw, seen by the cameras of a
    simulated rig.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path))
    errors: dict[str, list[np.ndarray]] = {story: [] for story in get_args(Story)}
    rng = np.random.default_rng(7)
    for story in get_args(Story):
        for seed in range(1, 9):
            for shot in standard_pictures(story, seed, seed % 4, 25, rng):
                found = np.asarray(
                    session.run(None, {"image": shot.pixels[np.newaxis]})[0]
                )
                away = np.linalg.norm(found[:, :2] - shot.keypoints_px, axis=1)
                errors[story].append(away)
    table = {story: np.concatenate(values) for story, values in errors.items()}
    table["all"] = np.concatenate(list(table.values()))
    return {
        story: (
            float(np.median(values)),
            float(np.quantile(values, 0.9)),
            float(values.max()),
        )
        for story, values in table.items()
    }


def main() -> None:
    """Train, export, test, and write the figures into the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=14.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    network, steps, pictures = _train(arguments.minutes, arguments.seed)
    path = arguments.out / "mouse.onnx"
    _export(network, path)
    figures = _test(path)
    for story, (median, p90, worst) in figures.items():
        _log.info(
            "%-6s median %.2f  90 %% %.2f  max %.1f px", story, median, p90, worst
        )
    median, p90, _ = figures["all"]
    _describe(
        path,
        {
            "format": MODEL_FORMAT,
            "name": "mouse",
            "version": "1",
            "bodyparts": json.dumps(BODY_PARTS),
            "stride": "8",
            "locref_stdev": "8.0",
            "picture": "640x480 grey, mouse of 150 to 350 px, right side marked",
            "test_error_px": json.dumps(
                {"median": round(median, 2), "p90": round(p90, 2)}
            ),
            "test_error_by_story_px": json.dumps(
                {k: [round(x, 2) for x in v] for k, v in figures.items()}
            ),
            "training": f"{steps} steps, {pictures} pictures, seed {arguments.seed}",
        },
    )
    _log.info("%s: %.2f MB", path, path.stat().st_size / 1e6)


if __name__ == "__main__":
    main()
