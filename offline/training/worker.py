"""Trains with DeepLabCut, in a process of its own: ``python -m …worker FOLDER``.

The only module that trains with DeepLabCut. What it tells goes line by line, as JSON,
into `PROGRESS_FILE`; a run that was killed goes on from its last snapshot.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from offline.training.parameters import ParameterSet
from offline.training.schedule import EVALUATIONS, RESERVE, schedule
from offline.training_plan import (
    MODEL_FILE,
    PROGRESS_FILE,
    SCRATCH,
    read_plan,
    write_plan,
)
from rig.errors import SpringhareError
from rig.system import end_with_parent
from sync.clock import MonotonicClock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offline.training_plan import TrainingPlan

__all__ = ["main"]

_SHUFFLE = 1
_SNAPSHOTS_KEPT = 3
_WARM_UP_SHARE = 0.1
_NoWeights = pickle.UnpicklingError
_LOGGER = "SpringhareLogger"


def main(folder: Path) -> int:
    """Train as the plan in a folder says, or go on with it.

    Raises
    ------
    SpringhareError
        If DeepLabCut is not installed, or refuses what it is asked.
    """
    os.environ["DLClight"] = "True"  # noqa: SIM112 - its name: no window
    try:
        import deeplabcut
    except ImportError as error:
        msg = (
            f"Expected DeepLabCut 3, got {error}: pip install "
            '"springhare[train]" into this environment'
        )
        raise SpringhareError(msg) from error
    plan = read_plan(folder)
    config = folder / "project" / "config.yaml"
    tell = _Teller(folder / PROGRESS_FILE)
    if _train_folder(folder) is None:
        _make_dataset(deeplabcut, config, plan)
    train = _train_folder(folder)
    assert train is not None, "DeepLabCut has made its settings"  # noqa: S101
    _register_logger(tell)
    start = _start(folder, config, plan)
    if plan.epochs is None:
        epochs, evaluations = _how_many(config, plan, start, tell)
        for snapshot in train.glob("snapshot-*.pt"):
            snapshot.unlink()  # of the epoch that told how long one takes
        plan = plan.model_copy(update={"epochs": epochs, "evaluations": evaluations})
        write_plan(folder, plan)
    assert plan.epochs is not None  # noqa: S101
    last = _last_snapshot(train)
    done = 0 if last is None else last[1]
    tell.say(state="training", done=done, epochs=plan.epochs)
    if done < plan.epochs:
        begin = start if last is None else _Weights(last[0], heads=True)
        _train(config, plan, begin, first=done + 1, last=plan.epochs)
    _export(folder, config)
    tell.say(state="trained", epochs=plan.epochs)
    return 0


@dataclass(frozen=True, slots=True)
class _Weights:
    """What a training begins with."""

    path: Path
    heads: bool
    """Whether those behind the backbone fit as well."""


class _Teller:
    """Writes lines of progress: each whole, with the time since it began."""

    def __init__(self, path: Path) -> None:
        self._clock = MonotonicClock()
        self._began_ns = self._clock.now()
        self.begun_s = self.learnt_s = self.tested_s = 0.0
        """When DeepLabCut began its last loop of epochs, and ended its last training
        and its last test of one."""
        self._file = path.open("a", encoding="utf-8")
        self.say(state="begun")

    def say(self, **what: Any) -> None:
        elapsed_s = (self._clock.now() - self._began_ns) / 1e9
        self._file.write(json.dumps({"elapsed_s": round(elapsed_s, 3), **what}) + "\n")
        self._file.flush()

    def seconds(self) -> float:
        return (self._clock.now() - self._began_ns) / 1e9


def _register_logger(tell: _Teller) -> None:
    """Have DeepLabCut tell each epoch: it builds its logger by a registered name."""
    from deeplabcut.pose_estimation_pytorch.runners.logger import LOGGER, BaseLogger

    class SpringhareLogger(BaseLogger):
        def __init__(self, **_: Any) -> None:
            """Take what DeepLabCut gives."""

        def log_config(self, config: Mapping[str, Any] | None = None) -> None:
            del config
            tell.begun_s = tell.seconds()

        def log(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
            figures = {k: v for k, v in metrics.items() if isinstance(v, (int, float))}
            tell.say(epoch=step, **figures)
            if any(name.startswith("losses/train") for name in figures):
                tell.learnt_s = tell.seconds()
            tell.tested_s = tell.seconds()

        def save(self) -> None:
            pass

    LOGGER.register_module(name=_LOGGER, module=SpringhareLogger)


def _make_dataset(deeplabcut: Any, config: Path, plan: TrainingPlan) -> None:
    from deeplabcut.core.engine import Engine

    parameters = ParameterSet.model_validate(plan.parameters)
    made = deeplabcut.create_training_dataset(
        str(config),
        Shuffles=[_SHUFFLE],
        trainIndices=[plan.train],
        testIndices=[plan.test],
        net_type=parameters.net_type,
        engine=Engine.PYTORCH,
        userfeedback=False,
    )
    if not made:
        msg = f"Expected DeepLabCut to make a training set of {config}, got none"
        raise SpringhareError(msg)


def _train_folder(folder: Path) -> Path | None:
    found = sorted((folder / "project").rglob("train/pytorch_config.yaml"))
    return found[0].parent if found else None


def _start(folder: Path, config: Path, plan: TrainingPlan) -> _Weights | None:
    if plan.start is None:
        return None
    if plan.start == SCRATCH:
        return _random_weights(folder, config, plan)
    return _start_weights(folder, plan)


def _random_weights(folder: Path, config: Path, plan: TrainingPlan) -> _Weights:
    """Begin with nothing learnt: DeepLabCut would fetch weights by itself."""
    import torch
    from deeplabcut.pose_estimation_pytorch import fix_seeds
    from deeplabcut.pose_estimation_pytorch.models import PoseModel

    kept = folder / "start.pt"
    fix_seeds(plan.seed)
    settings: Any = _settings(config, plan, 1, 1).model_cfg
    model = PoseModel.build(settings["model"], pretrained_backbone=False)
    torch.save({"model": model.state_dict(), "metadata": {"epoch": 0}}, kept)
    return _Weights(kept, heads=True)


def _start_weights(folder: Path, plan: TrainingPlan) -> _Weights:
    """Keep the weights to begin with, without what else a snapshot knows.

    An epoch, an optimiser and a schedule are of the training that they came from.

    Raises
    ------
    SpringhareError
        If the file is neither a snapshot nor an export of DeepLabCut 3.
    """
    import torch

    path = Path(plan.start or "")
    kept = folder / "start.pt"
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
        model = found["model"] if "model" in found else found["pose"]
        parts = next(
            len(bias)
            for name, bias in model.items()
            if "heatmap" in name and name.endswith("bias")
        )
    except (OSError, LookupError, TypeError, RuntimeError, _NoWeights) as error:
        msg = (
            "Expected a snapshot or an export of DeepLabCut 3 to begin with, got "
            f"{path}: {error}"
        )
        raise SpringhareError(msg) from error
    torch.save({"model": model, "metadata": {"epoch": 0}}, kept)
    return _Weights(kept, heads=parts == len(plan.bodyparts))


def _how_many(
    config: Path, plan: TrainingPlan, start: _Weights | None, tell: _Teller
) -> tuple[int, int]:
    """Return for how many epochs and evaluations there is time; trains one to know."""
    if plan.minutes is None:
        epochs = ParameterSet.model_validate(plan.parameters).epochs
        return epochs, min(EVALUATIONS, epochs)
    _train(config, plan, start, first=1, last=1)
    epoch_s, evaluation_s = tell.learnt_s - tell.begun_s, tell.tested_s - tell.learnt_s
    tell.say(
        state="measured",
        epoch_s=round(epoch_s, 3),
        evaluation_s=round(evaluation_s, 3),
    )
    left_s = RESERVE * 60 * plan.minutes - tell.seconds()
    return schedule(left_s, epoch_s, evaluation_s)


def _train(
    config: Path, plan: TrainingPlan, start: _Weights | None, *, first: int, last: int
) -> None:
    """Train some epochs: as DeepLabCut's ``train_network``, which takes no logger."""
    from deeplabcut.pose_estimation_pytorch import fix_seeds
    from deeplabcut.pose_estimation_pytorch.apis.training import train
    from deeplabcut.pose_estimation_pytorch.runners.logger import (
        destroy_file_logging,
        setup_file_logging,
    )
    from deeplabcut.pose_estimation_pytorch.task import Task

    loader = _settings(config, plan, first, last)
    loader.model_cfg.to_yaml(loader.model_config_path)
    run_config: Any = loader.model_cfg
    setup_file_logging(loader.model_folder / "train.txt")
    fix_seeds(plan.seed + first)
    train(
        loader=loader,
        run_config=run_config,
        task=Task(loader.model_cfg["method"]),
        device=plan.device,
        logger_config={"type": _LOGGER},
        snapshot_path=None if start is None else str(start.path),
        load_head_weights=start is None or start.heads,
    )
    destroy_file_logging()


def _settings(config: Path, plan: TrainingPlan, first: int, last: int) -> Any:
    """Return DeepLabCut's loader with the settings for some epochs."""
    from deeplabcut.pose_estimation_pytorch import DLCLoader

    loader = DLCLoader(config=str(config), shuffle=_SHUFFLE, trainset_index=0)
    for name, value in _updates(plan, first, last).items():
        loader.model_cfg.set_nested(name, value)
    return loader


def _export(folder: Path, config: Path) -> None:
    """Leave the model of the last snapshot in the folder, as dlclive reads it."""
    from deeplabcut.pose_estimation_pytorch.apis.export import export_model

    export_model(
        str(config), shuffle=_SHUFFLE, snapshotindex=-1, overwrite=True, wipe_paths=True
    )
    # its name holds how an enumeration prints itself: found, not built
    exports = sorted((folder / "project").rglob("exported-models-pytorch/**/*.pt"))
    newest = max(exports, key=lambda path: path.stat().st_mtime_ns)
    draft = folder / "model.new"
    shutil.copyfile(newest, draft)
    draft.replace(folder / MODEL_FILE)


def _last_snapshot(train: Path) -> tuple[Path, int] | None:
    """Return the newest snapshot that is whole, and its epoch."""
    import torch

    numbered = {int(p.stem.split("-")[-1]): p for p in train.glob("snapshot-*.pt")}
    for epoch in sorted(numbered, reverse=True):
        try:
            torch.load(numbered[epoch], map_location="cpu", weights_only=True)
        except Exception:  # noqa: BLE001 - cut off by a kill: the one before
            continue
        return numbered[epoch], epoch
    return None


def _updates(plan: TrainingPlan, first: int, last: int) -> dict[str, Any]:
    """Return the settings that differ from DeepLabCut's own.

    DeepLabCut counts epochs from those that the start weights have seen.

    The rate rises and falls along a half cosine each (Smith and Topin 2019,
    doi:10.1117/12.2520589). No snapshot is the best by its test score: chosen so, the
    test would be part of the training.
    """
    parameters = ParameterSet.model_validate(plan.parameters)
    epochs = plan.epochs or last
    return {
        **_backbone(parameters.backbone_channels, len(plan.bodyparts)),
        **parameters.updates,
        "train_settings.seed": plan.seed,
        "train_settings.epochs": last + 1 - first,
        "train_settings.display_iters": 10_000,
        "runner.optimizer.params.lr": parameters.learning_rate,
        "runner.scheduler.type": "OneCycleLR",
        "runner.scheduler.params": {
            "max_lr": parameters.learning_rate,
            "total_steps": max(2, epochs) + 1,
            "pct_start": _WARM_UP_SHARE,
        },
        "runner.key_metric": "none",
        "runner.eval_interval": max(1, epochs // (plan.evaluations or EVALUATIONS)),
        "runner.snapshots.save_epochs": max(1, epochs // 20),
        "runner.snapshots.max_snapshots": _SNAPSHOTS_KEPT,
        "runner.snapshots.save_optimizer_state": True,
    }


def _backbone(channels: int | None, parts: int) -> dict[str, Any]:
    """Return the sizes of the layers that follow another backbone than the usual."""
    if channels is None:
        return {}
    head = "model.heads.bodypart"
    return {
        "model.backbone_output_channels": channels,
        f"{head}.heatmap_config.channels": [channels, parts],
        f"{head}.locref_config.channels": [channels, 2 * parts],
    }


if __name__ == "__main__":
    end_with_parent(os.getppid())
    try:
        sys.exit(main(Path(sys.argv[1])))
    except SpringhareError as error:
        sys.exit(f"springhare: {error}")
