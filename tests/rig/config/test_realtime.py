import pytest

from rig.config.loading import load_rig
from rig.errors import ConfigError

_RIG = """
format: springhare-rig/1
name: r
data_root: ~/data
devices:
  left:
    kind: basler
    serial: "1"
    width_px: 640
    height_px: 480
    trigger: {{mode: free_running, rate_hz: 100}}
realtime: {realtime}
"""


@pytest.fixture
def load(tmp_path):
    def load(realtime):
        path = tmp_path / "rig.yaml"
        path.write_text(_RIG.format(realtime=realtime), encoding="utf-8")
        return load_rig(path)

    return load


def test_priorities_by_node(load):
    rig = load("{left: 50, inference: 40, recorder: 10}")
    assert rig.realtime == {"left": 50, "inference": 40, "recorder": 10}


def test_what_is_no_node(load):
    with pytest.raises(
        ConfigError,
        match=r"realtime.right: expected a node \(left, inference, recorder\), got 'ri",
    ):
        load("{right: 50}")


@pytest.mark.parametrize("priority", [0, 81, 99])
def test_what_is_no_priority(load, priority):
    with pytest.raises(ConfigError, match=r"realtime\.left"):
        load(f"{{left: {priority}}}")
