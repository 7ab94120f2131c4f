"""Processors of DeepLabCut-Live: called as its GUI calls them, harmless when broken."""

from datetime import UTC, datetime

import numpy as np
import pytest

from inference.processor import PoseProcessor
from rig.config.task import ProcessorConfig
from rig.errors import ConfigError

MS = 1_000_000
POSE = np.array([[1, 2, 0.9], [3, 4, 0.8]], np.float32)
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)

SOURCE = """
calls = []

class Shift:
    def __init__(self, by=0):
        self.by = by
        self.saved = 0

    def process(self, pose, **kwargs):
        calls.append(kwargs)
        pose[:, :2] += self.by      # many change what they are given
        return pose

    def save(self, file=""):
        calls.append(("saved", file))
        return 1

class Silent(Shift):
    def process(self, pose, **kwargs):
        pose[:] = 0

class Broken(Shift):
    def process(self, pose, **kwargs):
        calls.append(kwargs)
        raise RuntimeError("the port is gone")

class Closed(Shift):
    def __init__(self):
        raise ValueError("no port")

class Short(Shift):
    def process(self, pose, **kwargs):
        return pose[:1]

    def save(self):
        raise OSError("the disk is full")
"""


@pytest.fixture
def make(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(SOURCE, encoding="utf-8")

    def processor(name, **arguments):
        return PoseProcessor(ProcessorConfig(use=f"{path}:{name}", arguments=arguments))

    return processor


def calls(processor):
    return type(processor._processor).process.__globals__["calls"]


def test_it_is_called_as_the_gui_calls_it(make):
    processor = make("Shift", by=10)
    given = POSE.copy()
    found = processor.process(given, 25 * MS, NOW)
    np.testing.assert_array_equal(given, POSE)
    np.testing.assert_array_equal(found[:, :2], POSE[:, :2] + 10)
    assert found.dtype == np.float32
    (kwargs,) = calls(processor)
    assert kwargs["pose_time"] == NOW.timestamp()
    assert kwargs["frame_time"] == pytest.approx(NOW.timestamp() - 0.025)
    assert kwargs["record"] is True
    processor.close()
    assert calls(processor)[-1] == ("saved", "")


def test_one_that_gives_nothing_back_changes_nothing(make):
    assert make("Silent").process(POSE, 0, NOW) is POSE


@pytest.mark.parametrize("name", ["Broken", "Short"])
def test_one_that_fails_is_not_asked_any_more(make, name, caplog):
    processor = make(name)
    for _ in range(3):
        assert processor.process(POSE, 0, NOW) is POSE
    assert processor.failed
    assert sum("is not asked any more" in r.message for r in caplog.records) == 1
    processor.close()


@pytest.mark.parametrize(
    ("use", "message"),
    [
        ("nowhere.py:Shift", "expected file.py:Class or package.module:Class"),
        ("no.such.module:Shift", "No module named 'no'"),
        ("{file}:Shaft", "has no attribute 'Shaft'"),
        ("{folder}/odd.py:Shift", r"NameError: .* \(.*odd.py, line 2\)"),
    ],
)
def test_one_that_is_not_there(make, tmp_path, use, message):
    (tmp_path / "odd.py").write_text("import math\nport = COM3\n", encoding="utf-8")
    use = use.format(file=tmp_path / "mine.py", folder=tmp_path)
    with pytest.raises(ConfigError, match=message):
        PoseProcessor(ProcessorConfig(use=use))


def test_one_that_wants_other_arguments(make):
    with pytest.raises(ConfigError, match="it raised TypeError"):
        make("Shift", port="COM3")
    with pytest.raises(ConfigError, match=r"ValueError: no port \(.*mine.py, line 29"):
        make("Closed")


def test_the_real_base_class_and_kalman_predictor(dlclive):
    """Those of the dlclive package itself, by name."""
    base = PoseProcessor(ProcessorConfig(use="dlclive.processor:Processor"))
    np.testing.assert_array_equal(base.process(POSE, 0, NOW), POSE)
    kalman = PoseProcessor(
        ProcessorConfig(
            use="dlclive.processor.kalmanfilter:KalmanFilterPredictor",
            arguments={"adapt": False, "forward": 0.01, "fps": 100},
        )
    )
    for k in range(5):
        found = kalman.process(POSE + np.float32([k, 0, 0]), 5 * MS, NOW)
    assert not kalman.failed
    assert found.shape == POSE.shape
