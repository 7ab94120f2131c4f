import pytest

from rig.config.examples import examples_folder
from rig.config.fault_script import FaultScript
from rig.config.loading import load_faults, load_rig
from rig.config.rig import RigConfig
from rig.config.together import check_script
from rig.errors import ConfigError


@pytest.fixture
def rig():
    return load_rig(examples_folder() / "rig" / "demo.yaml")


def script(*devices):
    faults = [{"device": device, "at_s": 1, "fault": "stall"} for device in devices]
    return FaultScript.model_validate(
        {"format": "springhare-faults/1", "faults": faults}
    )


def test_devices_and_nodes_of_the_rig_may_be_struck(rig):
    check_script(rig, script("left", "daq", "recorder", "inference"))


def test_a_device_that_is_not_there_is_told_with_the_nearest_name(rig):
    with pytest.raises(ConfigError, match="did you mean right") as caught:
        check_script(rig, script("left", "rigth", "nothing"))
    assert "faults[1].device" in str(caught.value)
    assert "faults[2].device" in str(caught.value)


def test_a_key_that_is_not_there_cannot_be_turned(rig):
    turn = {"device": "daq", "at_s": 1, "fault": "key_off"}
    asked = FaultScript.model_validate(
        {"format": "springhare-faults/1", "faults": [turn]}
    )
    with pytest.raises(ConfigError, match=r"faults\[0\].device: .*with an arm_line"):
        check_script(rig, asked)
    plain = rig.model_dump(mode="python")
    plain["devices"]["daq"]["actuator"]["arm_line"] = "key"
    inputs = plain["devices"]["daq"]["inputs"] or {"lines": {}}
    inputs["lines"]["key"] = {"pin": 7, "edges": "both"}
    plain["devices"]["daq"]["inputs"] = inputs
    check_script(RigConfig.model_validate(plain), asked)


def test_a_wrong_fault_is_told_with_its_line(tmp_path):
    path = tmp_path / "faults.yaml"
    path.write_text(
        "format: springhare-faults/1\n"
        "faults:\n"
        "  - {device: left, at_s: 1, fault: lost_frames}\n",
        "utf-8",
    )
    with pytest.raises(ConfigError, match=r"faults\.yaml:3.*lost_frame"):
        load_faults(path)
