"""Whether a network is the one that looked live, and what differs."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from inference.model_file import find_model
from offline.replay import recorded_session
from offline.replay.network import network_of, origin_of
from rig.config.task import DynamicCrop
from rig.errors import ConfigError
from rig.recording.reader import Recording

MODEL = SimpleNamespace(sha256="a" * 64, provider="CPUExecutionProvider")


@pytest.fixture(scope="module")
def opened(live, tasks, tmp_path_factory):
    network = {
        "model_sha256": MODEL.sha256,
        "engine": "onnx",
        "provider": MODEL.provider,
    }
    made = live(tasks.of(tasks.take_off()), seconds=1.5, network=network)
    folder = made.write(tmp_path_factory.mktemp("sessions") / "seen")
    with Recording.open(folder) as recording:
        yield recording, recorded_session(recording)


def origin(opened, model=MODEL, **changes):
    recording, session = opened
    config = session.task.inference.model_copy(update=changes)
    return origin_of(recording, session, config, model)


def test_the_same(opened):
    found = origin(opened)
    assert found.recorded
    assert found.differs == ()


@pytest.mark.parametrize(
    ("model", "changes", "words"),
    [
        ({"sha256": "b" * 64}, {}, "model bbbbbbbbbbbb, recorded aaaaaaaaaaaa"),
        ({"provider": "cuda"}, {}, "provider cuda, recorded CPUExecutionProvider"),
        ({}, {"engine": "torch"}, "engine torch, recorded onnx"),
        ({}, {"crop_px": (0, 0, 2, 2)}, "crop_px (0, 0, 2, 2), recorded None"),
        ({}, {"threads": 4}, "threads 4, recorded 1"),
        ({}, {"resize": 0.5}, "resize 0.5, recorded 1.0"),
    ],
)
def test_what_differs_is_named(opened, model, changes, words):
    found = origin(opened, SimpleNamespace(**{**vars(MODEL), **model}), **changes)
    assert not found.recorded
    assert found.differs == (words,)


def test_a_moving_crop_whose_way_is_not_all_recorded(opened):
    recording, session = opened
    crop = DynamicCrop(body_px=20)
    inference = session.task.inference.model_copy(update={"dynamic_crop": crop})
    task = session.task.model_copy(update={"inference": inference})
    session = replace(session, task=task)
    assert origin_of(recording, session, inference, MODEL).differs == ()
    left = session.poses["left"]
    kept = np.delete(np.arange(len(left.rows)), 7)
    fewer = replace(left, rows=left.rows[kept])
    session = replace(session, poses={**session.poses, "left": fewer})
    found = origin_of(recording, session, inference, MODEL)
    assert found.recorded
    assert found.differs == ("1 frames or poses that moved the crop are not there",)


def test_the_engine_is_the_tasks_for_the_network_that_looked(
    live, tasks, tmp_path, opened
):
    network = {"model_sha256": find_model("bundled:mouse").sha256}
    task = tasks.of(tasks.take_off(), engine="torch")
    folder = live(task, seconds=1.5, network=network).write(tmp_path / "s")
    with Recording.open(folder) as recording:
        task = recorded_session(recording).task
        found = network_of(recording, task, "bundled:mouse", None)
        assert (found.model, found.engine) == ("bundled:mouse", "torch")
        assert (
            network_of(recording, task, "bundled:mouse", "dlclive").engine == "dlclive"
        )
        none = task.model_copy(update={"inference": None})
        with pytest.raises(ConfigError, match="an inference section"):
            network_of(recording, none, "bundled:mouse", None)
    recording, session = opened
    torch = session.task.inference.model_copy(update={"engine": "torch"})
    task = session.task.model_copy(update={"inference": torch})
    assert network_of(recording, task, "bundled:mouse", None).engine == "onnx"
