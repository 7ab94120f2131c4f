"""How far a training is, from what its worker has told."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from offline.training_plan import PROGRESS_FILE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["Progress", "progress_of", "read_progress"]


@dataclass(slots=True)
class Progress:
    """What is known of a training until now."""

    state: str = "beginning"
    epoch: int = 0
    epochs: int | None = None
    train_loss: dict[int, float] = field(default_factory=dict[int, float])
    """By epoch."""
    test_loss: dict[int, float] = field(default_factory=dict[int, float])
    test_rmse_px: dict[int, float] = field(default_factory=dict[int, float])
    """DeepLabCut's own: mean over the test frames, without any gate."""
    rates: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    """When each epoch of this attempt was done: seconds since it began, epoch."""

    @property
    def left_s(self) -> float | None:
        """How long it will take yet, by the mean of the epochs of this attempt."""
        if self.epochs is None or len(self.rates) < 2:
            return None
        steps = [
            (b[0] - a[0]) / (b[1] - a[1])
            for a, b in zip(self.rates, self.rates[1:], strict=False)
            if b[1] > a[1]
        ]
        if not steps:
            return None
        return sum(steps) / len(steps) * (self.epochs - self.epoch)


def progress_of(lines: Iterable[str]) -> Progress:
    """Return how far it is; what was told before a kill counts, where it was kept."""
    found = Progress()
    for line in lines:
        try:
            _take(found, json.loads(line))
        except json.JSONDecodeError:  # a line that is being written
            continue
    return found


def read_progress(folder: Path) -> Progress:
    """Return how far the training in a folder is."""
    path = folder / PROGRESS_FILE
    if not path.exists():
        return Progress()
    return progress_of(path.read_text("utf-8").splitlines())


def _take(found: Progress, told: dict[str, Any]) -> None:
    if "state" in told:
        _enter(found, told)
        return
    epoch = int(told["epoch"])
    if (loss := told.get("losses/train.total_loss")) is not None:
        found.epoch = epoch
        found.train_loss[epoch] = loss
        found.rates.append((told["elapsed_s"], epoch))
    if (loss := told.get("losses/eval.total_loss")) is not None:
        found.test_loss[epoch] = loss
    rmse = told.get("metrics/test.rmse")
    if rmse is not None and math.isfinite(rmse):
        found.test_rmse_px[epoch] = rmse


def _enter(found: Progress, told: dict[str, Any]) -> None:
    found.state = told["state"]
    found.epochs = told.get("epochs", found.epochs)
    if found.state != "training":
        return
    found.epoch = told["done"]
    found.rates = [(told["elapsed_s"], found.epoch)]
    for curve in (found.train_loss, found.test_loss, found.test_rmse_px):
        for epoch in [e for e in curve if e > found.epoch]:
            del curve[epoch]  # not kept: learnt anew
