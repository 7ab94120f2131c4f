"""Which network looks at a session again, and whether it is the one that did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from inference.model_file import find_model
from offline.cameras import CAMERAS
from offline.models import best_engine
from rig.errors import ConfigError
from rig.recording.ledger import Ledger
from rig.recording.sidecar import describe_host, installed_versions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from inference.model import PoseModel
    from offline.models import Engine
    from offline.replay.recorded import RecordedSession
    from rig.config.task import InferenceConfig, TaskConfig
    from rig.recording.reader import Recording

__all__ = ["Origin", "network_of", "origin_of"]

_PACKAGES = {"onnx": "onnxruntime", "torch": "torch", "dlclive": "deeplabcut-live"}
_VIEW = ("crop_px", "dynamic_crop", "resize", "precision", "threads", "batch")
_SHA256_LENGTH = 64
_OVERWRITTEN = "lost_to_inference"
"""In the ledger of a camera: overwritten while the network looked."""


@dataclass(frozen=True, slots=True)
class Origin:
    """How a network stands to the one that looked live."""

    recorded: bool
    """The same weights in the same engine on the same provider, shown the same."""
    differs: tuple[str, ...]
    """What is not as it was, in words, the machine and the engine's version too; empty
    where keypoints must be the same, bit for bit."""


def network_of(
    recording: Recording, task: TaskConfig, model: str, engine: Engine | None
) -> InferenceConfig:
    """Return the inference section of a task, with another model.

    Parameters
    ----------
    engine
        None takes the task's for the model that was recorded, else the one that reads
        the file best.

    Raises
    ------
    ModelError
        If there is no such model.
    ConfigError
        If the task has no inference section.
    """
    if task.inference is None:
        msg = f"Expected a task with an inference section, got {task.name} without one"
        raise ConfigError(msg)
    sha256 = find_model(model).sha256
    if engine is None:
        known = {each.get("model_sha256") for each in _looked(recording)}
        engine = task.inference.engine if sha256 in known else best_engine(model)
    return task.inference.model_copy(update={"model": model, "engine": engine})


def origin_of(
    recording: Recording,
    session: RecordedSession,
    config: InferenceConfig,
    model: PoseModel,
) -> Origin:
    """Compare a network with the one that looked live."""
    now = {
        "model_sha256": model.sha256,
        "engine": config.engine,
        "provider": model.provider,
    }
    differs = [
        f"{name.removesuffix('_sha256')} {_short(now[name])}, recorded {_short(was)}"
        for attributes in _looked(recording)[:1]
        for name in now
        if (was := str(attributes.get(name))) != now[name]
    ]
    live = None if session.task is None else session.task.inference
    view = (*_VIEW, *(["gates"] if config.dynamic_crop else []))
    differs += [
        f"{name} {getattr(config, name)}, recorded {getattr(live, name)}"
        for name in view
        if live is not None and getattr(live, name) != getattr(config, name)
    ]
    same = bool(session.poses) and not differs
    if config.dynamic_crop is not None and (
        count := _gone(recording, session, config.cameras)
    ):
        differs.append(f"{count} frames or poses that moved the crop are not there")
    return Origin(same, (*differs, *_elsewhere(recording, config)))


def _looked(recording: Recording) -> list[dict[str, object]]:
    """Return what was written beside the poses of each camera."""
    return [
        recording.attributes(name)
        for name, spec in recording.streams.items()
        if spec.kind == "poses" and recording.count(name)
    ]


def _gone(
    recording: Recording, session: RecordedSession, cameras: Iterable[str]
) -> int:
    """Return what was looked at live, and left no frame or no pose in the recording."""
    streams = Ledger.from_json(recording.ledger).streams if recording.ledger else {}
    count = 0
    for camera in session.poses.keys() & set(cameras):
        poses = session.poses[camera]
        known = recording.rows(CAMERAS + camera)["seq"]
        count += int((~np.isin(poses.rows["frame_seq"], known)).sum())
        count += int(poses.rows["seq"][-1]) + 1 - len(poses.rows)
        ledger = streams.get(CAMERAS + camera)
        count += sum(
            equation.terms.get(_OVERWRITTEN, 0)
            for equation in (ledger.equations if ledger else ())
        )
    return count


def _elsewhere(recording: Recording, config: InferenceConfig) -> list[str]:
    """Return what of the machine is another one than at the recording."""
    info, host = recording.info, describe_host()
    found: list[str] = []
    if info.host is not None and info.host.name != host.name:
        found.append(f"machine {host.name}, recorded {info.host.name}")
    package = _PACKAGES[config.engine]
    was, now = info.versions.get(package), installed_versions().get(package)
    if was is not None and was != now:
        found.append(f"{package} {now}, recorded {was}")
    return found


def _short(value: str) -> str:
    return value[:12] if len(value) == _SHA256_LENGTH else value
