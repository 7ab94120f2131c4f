import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rig.config.loading import (
    check_together,
    load_experiment,
    load_faults,
    load_rig,
    load_session,
    load_task,
)
from rig.config.rig import RigConfig
from rig.config.task import TaskConfig
from rig.errors import ConfigError, VersionError
from rig.messages import BY_HAND
from rig.sim.cameras import cameras_for

CONFIGS = Path(__file__).parents[3] / "configs"
NAMES = ("demo", "jump-rig", "reach-2p", "open-field-miniscope")

RIG = """\
format: springhare-rig/1
name: small
data_root: ~/data
devices:
  left:
    kind: basler
    serial: "1"
    width_px: 640
    height_px: 480
    exposure_us: 2000
    trigger: {mode: software, source: daq}
  daq:
    kind: harp
    port: /dev/ttyACM0
    camera_trigger: {rate_hz: 100}
    actuator:
      lines:
        laser: {pin: 1, max_width_us: 5000, max_rate_hz: 40, max_duty: 0.5}
    inputs:
      lines:
        start: {pin: 0}
"""
TASK = """\
format: springhare-task/1
name: small
inference:
  model: bundled:mouse
  cameras: [left]
rules:
  - name: up
    camera: left
    when:
      kind: crosses
      keypoint: hip
      axis: y
      direction: falling
      threshold_px: 200
    action:
      line: laser
      pulse_width_us: 1000
"""
SESSION = "format: springhare-session-plan/1\nsubject: m1\n"


@pytest.fixture
def write(tmp_path):
    def write(text, name="rig.yaml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def faults(write):
    """What loading a rig complains of, without the file's name."""

    def faults(text, load=load_rig):
        path = write(text)
        with pytest.raises(ConfigError) as caught:
            load(path)
        return str(caught.value).replace(f"{path}:", "").split("\n")

    return faults


@pytest.mark.parametrize("name", NAMES)
def test_an_example_loads_and_fits_together(name):
    found = load_experiment(
        *(CONFIGS / kind / f"{name}.yaml" for kind in ("rig", "task", "session"))
    )
    assert found.rig.name == found.task.name == name.replace("-", "_")
    assert all(found.rig.camera_rate_hz(camera) > 0 for camera in found.rig.cameras)
    check_together(found.rig, found.task, found.session)


def test_no_example_is_forgotten():
    for kind in ("rig", "task", "session"):
        assert {path.stem for path in (CONFIGS / kind).iterdir()} == set(NAMES)


def test_the_jump_rig_is_what_it_says():
    rig = load_rig(CONFIGS / "rig" / "jump-rig.yaml")
    assert len(rig.cameras) == 4
    serials = {camera.serial for camera in rig.cameras.values()}
    assert len(serials) == 4, "what <<: brings in may be overwritten"
    assert {rig.camera_rate_hz(name) for name in rig.cameras} == {200}
    assert {camera.trigger.mode for camera in rig.cameras.values()} == {"hardware"}


def test_a_rig_is_frozen_and_closed(write):
    rig = load_rig(write(RIG))
    with pytest.raises(ValidationError, match="frozen"):
        rig.name = "other"
    with pytest.raises(ValidationError, match="Extra inputs"):
        RigConfig.model_validate({**rig.model_dump(), "nmae": 1})


def test_leds_test_pulses_and_delays_that_fit(write):
    rig = load_rig(
        write(
            RIG.replace(
                "serial:",
                "led: {source: daq, line: strobe, x_px: 4, y_px: 476}\n    serial:",
            ).replace(
                "    inputs:",
                "    sync_line: {line: strobe}\n"
                "    emg: {channels: [GL], test_pulse: {line: laser, channel: GL}}\n"
                "    force_plate: {test_pulse: {source: daq, line: strobe, "
                "channel: Mz}}\n"
                "    inputs:",
            )
            + "simulation: {delays_us: {left: 120, daq/emg: 350.5}}\n"
        )
    )
    assert rig.cameras["left"].led.radius_px == 4
    assert rig.harp_devices["daq"].emg.test_pulse.amplitude_uv == 2000
    assert rig.simulation.delays_us == {"left": 120, "daq/emg": 350.5}
    assert not rig.simulation.calibrating


def test_what_was_loaded_survives_the_way_to_a_node(write):
    rig = load_rig(write(RIG))
    assert RigConfig.model_validate(rig.model_dump(mode="json")) == rig


def test_every_fault_at_once_in_the_order_of_lines(faults):
    text = (
        RIG.replace("exposure_us: 2000", "exposure_ms: 2")
        .replace('serial: "1"', "serial: 40123456")
        .replace("width_px: 640", "width_px: -3")
        .replace("source: daq}", "source: dak}")
        .replace("rate_hz: 100", "rate_hz: fast")
        .replace("max_duty: 0.5", "max_duty: 1.5")
        .replace("    kind: harp\n", "")
    )
    found = faults(text)
    assert found == [
        "7: devices.left.serial: expected text, got 40123456: put it in quotes",
        "8: devices.left.width_px: expected more than 0, got -3",
        "10: devices.left.exposure_ms: unknown key; did you mean exposure_us?",
        "11: devices.left.trigger.source: expected a harp device with a "
        "camera_trigger (daq), got 'dak'",
        "12: devices.daq: missing key kind that says which kind of section it is",
    ]


CASES = {
    "wrong unit": (
        ("exposure_us: 2000", "exposure_ms: 2"),
        "10: devices.left.exposure_ms: unknown key; did you mean exposure_us.",
    ),
    "unknown key": (
        ("serial:", "colour: red\n    serial:"),
        r"7: devices.left.colour: unknown key; remove it, or choose among on_death, .*",
    ),
    "key that belongs elsewhere": (
        ("serial:", "source: daq\n    serial:"),
        "7: devices.left.source: unknown key; did you mean trigger.source.",
    ),
    "key that is there": (
        ("exposure_us: 2000", "exposure_us: 2000\n    exposure_u: 1"),
        "11: devices.left.exposure_u: unknown key; did you mean exposure_us, which is "
        "there already. remove one",
    ),
    "missing key": (
        ("    height_px: 480\n", ""),
        "5: devices.left: missing key height_px .it has no default.",
    ),
    "missing key with an explanation": (
        ('    serial: "1"\n', ""),
        "5: devices.left: missing key serial .Serial number, as printed on the .*",
    ),
    "missing key in a section of one line": (
        ("{pin: 0}", "{edges: both}"),
        "21: devices.daq.inputs.lines.start: missing key pin .*",
    ),
    "unknown kind": (
        ("kind: basler", "kind: baslr"),
        "6: devices.left.kind: expected one of basler, video, harp, got 'baslr'; did "
        "you mean basler.",
    ),
    "unknown mode": (
        ("mode: software", "mode: soft"),
        "11: devices.left.trigger.mode: expected one of free_running, hardware, "
        "software, got 'soft'; did you mean software.",
    ),
    "no mode": (
        ("{mode: software, source: daq}", "{source: daq}"),
        "11: devices.left.trigger: missing key mode that says which kind of section .*",
    ),
    "choice": (
        ("serial:", "pixel_format: Mono9\n    serial:"),
        "7: devices.left.pixel_format: expected one of Mono8, Mono10, .*, got 'Mono9'; "
        "did you mean Mono8.",
    ),
    "text for a number": (
        ("exposure_us: 2000", "exposure_us: long"),
        "10: devices.left.exposure_us: expected a number, got 'long'",
    ),
    "number in quotes": (
        ("exposure_us: 2000", 'exposure_us: "2000"'),
        "10: devices.left.exposure_us: expected a number, got '2000'",
    ),
    "true for a number": (
        ("exposure_us: 2000", "exposure_us: true"),
        "10: devices.left.exposure_us: expected a number, got true",
    ),
    "fraction for a whole number": (
        ("width_px: 640", "width_px: 640.5"),
        "8: devices.left.width_px: expected a whole number, got 640.5",
    ),
    "nothing for a number": (
        ("width_px: 640", "width_px:"),
        "8: devices.left.width_px: expected a whole number, got null .nothing.",
    ),
    "infinite": (
        ("exposure_us: 2000", "exposure_us: .inf"),
        "10: devices.left.exposure_us: expected a finite number, got inf",
    ),
    "too big": (
        ("pin: 1", "pin: 8"),
        "18: devices.daq.actuator.lines.laser.pin: expected at most 7, got 8",
    ),
    "a list for a section": (
        ("{rate_hz: 100}", "[100]"),
        "15: devices.daq.camera_trigger: expected a section .*, got a list of 1",
    ),
    "text for a section": (
        ("{rate_hz: 100}", "100 Hz"),
        "15: devices.daq.camera_trigger: expected a section .*, got '100 Hz'",
    ),
    "bad name": (
        ("name: small", "name: Small rig"),
        "2: name: expected a name of small letters, digits and _ .*, got 'Small rig'",
    ),
    "bad name of a device": (
        ("  left:", "  Left:"),
        "5: devices.Left: expected a name of small letters, .*, got 'Left'",
    ),
    "long name": (
        ("name: small", f"name: {'s' * 25}"),
        "2: name: expected at most 24 characters, got 's+'",
    ),
    "name that is taken": (
        ("  left:", "  recorder:"),
        "5: devices.recorder: expected a name other than inference, recorder, .*",
    ),
    "name of who notes something": (
        ("  left:", "  experimenter:"),
        "5: devices.experimenter: expected a name other than .*, experimenter, .*",
    ),
    "key twice": (
        ("serial:", "width_px: 3\n    serial:"),
        "7: devices.left.width_px: expected this key once, got it on line 7 and again "
        "on line 9: remove one",
    ),
    "two lines on one pin": (
        ("start: {pin: 0}", "start: {pin: 0}\n        stop: {pin: 0}"),
        "22: devices.daq.inputs.lines.stop.pin: expected each only once, got 0 as in "
        "devices.daq.inputs.lines.start.pin",
    ),
    "two lines of one name": (
        ("start: {pin: 0}", "laser: {pin: 0}"),
        "18: devices.daq.actuator.lines.laser: expected each only once, got 'laser' .*",
    ),
    "exposure longer than a frame": (
        ("exposure_us: 2000", "exposure_us: 10000"),
        "10: devices.left.exposure_us: expected less than the frame period of 10000 us "
        "at 100 Hz, got 10000: the camera would swallow triggers; .*",
    ),
    "exposure longer than the shortest frame of a dithered train": (
        ("2000\n", "9900\n"),
        ("{rate_hz: 100}", "{rate_hz: 100, dither_us: 100}"),
        "10: devices.left.exposure_us: expected less than the frame period of 9800 us "
        "at 100 Hz, got 9900: the camera would swallow triggers; .*",
    ),
    "dither that cameras cannot follow": (
        ("{rate_hz: 100}", "{rate_hz: 100, dither_us: 1001}"),
        "15: devices.daq.camera_trigger.dither_us: expected at most a tenth of the "
        "period of 10000 us, got 1001: .*",
    ),
    "sync line from nowhere": (
        ("{pin: 0}", "{pin: 0, edges: both, sync_source: dag}"),
        "21: devices.daq.inputs.lines.start.sync_source: expected a harp device with a "
        "sync_line .there is none., got 'dag'",
    ),
    "sync line heard by half": (
        ("    inputs:", "    sync_line: {}\n    inputs:"),
        ("{pin: 0}", "{pin: 0, sync_source: daq}"),
        "22: devices.daq.inputs.lines.start.edges: expected both: a sync line is .*",
    ),
    "sync line whose bars look like pulses": (
        ("    inputs:", "    sync_line: {barcode: {bar_ms: 19}}\n    inputs:"),
        "19: devices.daq.sync_line.barcode: expected bars of at least twice the "
        "pulse_width_ms of 10, got 19: .*",
    ),
    "sync line of a taken name": (
        ("    inputs:", "    sync_line: {line: laser}\n    inputs:"),
        "19: devices.daq.sync_line.line: expected each only once, got 'laser' .*",
    ),
    "LED on no board": (
        ("serial:", "led: {source: dak, line: sync, x_px: 9, y_px: 9}\n    serial:"),
        "7: devices.left.led.source: expected a harp device with a sync_line or an "
        "actuator .daq., got 'dak'",
    ),
    "LED on a camera": (
        ("serial:", "led: {source: left, line: sync, x_px: 9, y_px: 9}\n    serial:"),
        "7: devices.left.led.source: expected a harp device with a sync_line or an "
        "actuator .daq., got 'left'",
    ),
    "LED on no line": (
        ("serial:", "led: {source: daq, line: lasr, x_px: 9, y_px: 9}\n    serial:"),
        ("    inputs:", "    sync_line: {}\n    inputs:"),
        "7: devices.left.led.line: expected an output line of daq .sync, laser., got "
        "'lasr'",
    ),
    "LED beside the picture": (
        ("serial:", "led: {source: daq, line: laser, x_px: 637, y_px: 9}\n    serial:"),
        "7: devices.left.led: expected a spot inside the picture of 640 x 480 px, got "
        "one at 637, 9 with a radius of 4",
    ),
    "LED without a place": (
        ("serial:", "led: {source: daq, line: laser, x_px: 637}\n    serial:"),
        "7: devices.left.led: missing key y_px .*",
    ),
    "test pulse on no channel": (
        (
            "    inputs:",
            "    emg: {channels: [GL], test_pulse: {line: laser, channel: TA}}\n"
            "    inputs:",
        ),
        "19: devices.daq.emg.test_pulse.channel: expected one of the channels .GL., "
        "got 'TA'",
    ),
    "test pulse on no usual channel": (
        (
            "    inputs:",
            "    force_plate: {test_pulse: {line: laser, channel: Gx}}\n    inputs:",
        ),
        "19: devices.daq.force_plate.test_pulse.channel: expected one of the channels "
        ".Fx, Fy, Fz, Mx, My, Mz., got 'Gx'",
    ),
    "test pulse on no line": (
        (
            "    inputs:",
            "    force_plate: {test_pulse: {line: sync, channel: Fx}}\n    inputs:",
        ),
        "19: devices.daq.force_plate.test_pulse.line: expected an output line of daq "
        ".laser., got 'sync'",
    ),
    "delay of what is not there": (
        ("devices:", "simulation: {delays_us: {daq/emg: 350}}\ndevices:"),
        ("    inputs:", "    force_plate: {}\n    inputs:"),
        "4: simulation.delays_us.daq/emg: expected a camera or a signal .left, "
        "daq/force_plate., got 'daq/emg'",
    ),
    "another kind of file": (
        ("springhare-rig/1", "springhare-task/1"),
        r"1: format: expected a rig file .springhare-rig/1., got 'springhare-task/1', "
        "which is a task file: .*",
    ),
    "no format": (
        ("format: springhare-rig/1\n", ""),
        "1: missing key format: begin the file with `format: springhare-rig/1`",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_one_fault_one_line(faults, case):
    *changes, expected = case
    text = RIG
    for change in changes:
        assert change[0] in text
        text = text.replace(*change, 1)
    found = faults(text)
    assert len(found) == 1, found
    assert re.fullmatch(expected, found[0]), found[0]
    assert "pydantic" not in found[0]


def test_a_key_is_wired_to_an_input_of_which_both_edges_are_recorded(faults, write):
    keyed = RIG.replace("    actuator:\n", "    actuator:\n      arm_line: key\n")
    assert keyed != RIG
    [fault] = faults(keyed)
    assert "devices.daq.actuator.arm_line: expected an input line of daq" in fault
    assert fault.endswith("(start), got 'key'")
    [fault] = faults(keyed.replace("start: {pin: 0}", "key: {pin: 0}"))
    assert "devices.daq.inputs.lines.key.edges: expected both" in fault
    sound = keyed.replace("start: {pin: 0}", "key: {pin: 0, edges: both}")
    assert load_rig(write(sound)).actuator[1].arm_line == "key"


def test_two_actuators(faults):
    second = """\
  other:
    kind: harp
    port: /dev/ttyACM0
    actuator: {lines: {led: {pin: 1, max_width_us: 5, max_rate_hz: 4}}}
"""
    assert faults(RIG + second) == [
        "24: devices.other.port: expected each only once, got '/dev/ttyACM0' as in "
        "devices.daq.port",
        "25: devices.other.actuator: expected at most one actuator in a rig, got daq, "
        "other: give its lines to daq",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1: expected keys and values, got an empty file"),
        ("# only words\n", "1: expected keys and values, got an empty file"),
        ("- a\n- b\n", r"1: expected keys and values \(lines of .*"),
        ("just words", r"1: expected keys and values \(lines of .*"),
        ("a: [1,\nb: 2", r"2:5: expected YAML, got a syntax error: .*"),
        ("a:\n\tb: 1", r"2:1: expected YAML, .*indent with spaces, not with tabs\)"),
        ("a: *x", r"1:4: expected YAML, got a syntax error: found undefined alias .*"),
    ],
)
def test_what_is_no_config_at_all(faults, text, expected):
    [found] = faults(text)
    assert re.fullmatch(expected, found), found


def test_odd_yaml_is_told_not_crashed_on(faults):
    text = "format: springhare-rig/1\nname: &x\n  b: *x\n? [1, 2]\n: 3\n<<: 5\n"
    found = faults(text)
    assert "3: name.b: expected a value, got an alias to itself" in found
    assert "1: expected a word on line 4" in found
    assert "1: expected << to bring in a section" in found


def test_dates_and_octals_are_what_is_written(write):
    text = RIG.replace('serial: "1"', "serial: 2024-01-01").replace("pin: 1", "pin: 07")
    rig = load_rig(write(text))
    assert rig.cameras["left"].serial == "2024-01-01"
    assert rig.actuator[1].lines["laser"].pin == 7


def test_no_file_and_no_text(tmp_path):
    with pytest.raises(ConfigError, match="No such file or directory: check the path"):
        load_rig(tmp_path / "none.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"a: \xff")
    with pytest.raises(ConfigError, match="expected text in UTF-8, got a byte at 3"):
        load_rig(tmp_path / "bytes.yaml")


def test_another_version_names_both(write):
    with pytest.raises(VersionError, match=r"springhare-rig/1, got springhare-rig/2: "):
        load_rig(write(RIG.replace("rig/1", "rig/2")))


TASK_CASES = {
    "unknown camera of a rule": (
        ("camera: left", "camera: top"),
        "8: rules[0].camera: expected one of inference.cameras (left), got 'top'",
    ),
    "train too dense": (
        ("pulse_width_us: 1000", "pulse_width_us: 1000\n      count: 3"),
        "15: rules[0].action.period_us: expected more than pulse_width_us (1000) for a "
        "train of 3, got 0",
    ),
    "crop inside out": (
        ("model:", "crop_px: [10, 10, 5, 20]\n  model:"),
        "4: inference.crop_px: expected x0, y0, x1, y1 with x0 < x1 and y0 < y1, got "
        "[10, 10, 5, 20]",
    ),
    "crop too short": (
        ("model:", "crop_px: [10, 10, 5]\n  model:"),
        "4: inference.crop_px: missing value 4: expected a longer list",
    ),
    "wrong kind of when": (
        ("kind: crosses", "kind: cross"),
        "10: rules[0].when.kind: expected one of crosses, enters, speed, distance, "
        "angle, feature, all, any, not, held, sequence, states, custom, got 'cross'; "
        "did you mean crosses?",
    ),
    "no cameras": (
        ("[left]", "[]"),
        "5: inference.cameras: expected at least 1 in it, got a list of 0",
    ),
}


NEVER = {
    "difference to itself": (
        {"kind": "crosses", "keypoint": "hip", "minus": "hip", "axis": "x",
         "direction": "rising", "threshold_px": 5},
        {},
        "rules[0].when.minus: expected two different keypoints, got 'hip' twice: name "
        "another",
    ),
    "distance to itself": (
        {"kind": "distance", "between": ["hip", "hip"], "above_px": 5},
        {},
        "rules[0].when.between: expected two different keypoints, got 'hip' twice: "
        "name another",
    ),
    "angle to and fro": (
        {"kind": "angle", "joint": ["hip", "knee", "hip"], "above_deg": 90},
        {},
        "rules[0].when.joint: expected three different keypoints, got 'hip' twice: "
        "name another",
    ),
    "a condition of one's own with nothing to look at": (
        {"kind": "custom", "use": "lab:Rearing"},
        {"camera": None},
        "rules[0].when: expected a rule with a camera, space: mm, or a task with "
        "features, got none of them: it would never be asked",
    ),
    "keypoints of no camera": (
        {"kind": "custom", "use": "lab:Rearing", "keypoints": ["hip"]},
        {"camera": None},
        "rules[0].when.keypoints: expected a rule with a camera, or space: mm, for "
        "keypoints, got none",
    ),
    "a picture that is not in space": (
        {"kind": "all", "of": [
            {"kind": "crosses", "keypoint": "hip", "axis": "z", "direction": "rising",
             "threshold_mm": 10},
            {"kind": "speed", "keypoint": "hip", "above_px_per_s": 10}]},
        {"camera": "top"},
        "rules[0].when.of[1]: expected a camera in space (left, right) for a condition "
        "in a picture beside one in mm, got 'top': take one of them, add it to "
        "inference.space.cameras, or make two rules",
    ),
}  # fmt: skip


def of_one_rule(when, cameras=("left", "right"), **changes):
    action = {"line": "laser", "pulse_width_us": 1000}
    return {
        "format": "springhare-task/1",
        "name": "small",
        "inference": {
            "model": "bundled:mouse",
            "cameras": ["left", "right", "top"],
            "space": {"cameras": cameras},
        },
        "rules": [{"name": "r", "camera": "left", "when": when, "action": action}
                  | changes],
    }  # fmt: skip


@pytest.mark.parametrize(("when", "changes", "expected"), NEVER.values(), ids=NEVER)
def test_a_rule_that_could_never_fire_is_refused(when, changes, expected):
    with pytest.raises(ValidationError) as caught:
        TaskConfig.model_validate(of_one_rule(when, **changes))
    ((_, told),) = [
        line.split("Value error, ")
        for line in str(caught.value).splitlines()
        if "Value error" in line
    ]
    place = "".join(
        f"[{k}]" if isinstance(k, int) else f".{k}"
        for k in caught.value.errors()[0]["loc"]
        if k not in {"crosses", "distance", "angle"}
    ).removeprefix(".")
    assert f"{place}.{told}".removeprefix(".").startswith(expected)


def test_a_condition_of_ones_own_in_space_and_beside_signals():
    own = {"kind": "custom", "use": "lab:Rearing"}
    task = TaskConfig.model_validate(of_one_rule({**own, "space": "mm"}, camera=None))
    assert task.rules[0].source == "3d"
    features = {"f": {"stream": "daq/emg", "channels": ["GL"], "kind": "level"}}
    plain = of_one_rule(own, camera=None) | {"features": features}
    assert not TaskConfig.model_validate(plain).rules[0].source


def test_a_camera_is_in_space_once():
    when = {"kind": "speed", "keypoint": "hip", "above_mm_per_s": 10}
    with pytest.raises(
        ValidationError,
        match=r"inference.space.cameras\[1\]: expected each only once, got 'left'",
    ):
        TaskConfig.model_validate(of_one_rule(when, cameras=("left", "left")))


@pytest.mark.parametrize(("change", "expected"), TASK_CASES.values(), ids=TASK_CASES)
def test_faults_of_a_task(faults, change, expected):
    found = faults(TASK.replace(*change, 1), load_task)
    assert expected in found
    assert len(found) == (2 if "cameras: []" in TASK.replace(*change, 1) else 1)


def test_a_rule_is_not_called_as_what_a_person_asks_for(faults):
    [found] = faults(TASK.replace("name: up", f"name: {BY_HAND}"), load_task)
    assert found.startswith("7: rules[0].name: expected a name other than by_hand, ")


def test_rules_of_one_name(faults):
    rule = TASK.split("rules:\n")[1]
    [found] = faults(TASK + rule, load_task)
    assert (
        found
        == "18: rules[1].name: expected each only once, got 'up' as in rules[0].name"
    )


def test_faults_of_a_session(faults):
    text = SESSION.replace("m1", "../m1") + "planed_minutes: 3\nseed: -1\n"
    assert faults(text, load_session) == [
        "2: subject: expected a name of letters, digits, - and _, got '../m1'",
        "3: planed_minutes: unknown key; did you mean planned_minutes?",
        "4: seed: expected at least 0, got -1",
    ]


def test_a_script_of_faults(write, faults):
    text = """\
format: springhare-faults/1
faults:
  - {device: left, at_s: 2, fault: lost_frame, count: 3}
  - {device: daq, at_s: 3, fault: unplug, seconds: 0.5}
"""
    script = load_faults(write(text)).faults
    assert [(fault.device, fault.fault) for fault in script] == [
        ("left", "lost_frame"),
        ("daq", "unplug"),
    ]
    [found] = faults(text.replace("lost_frame", "lose_frame"), load_faults)
    assert "got 'lose_frame'; did you mean lost_frame?" in found


TOGETHER = {
    "no such line": (
        ("line: laser", "line: lasre"),
        "task.yaml:16: rules[0].action.line: expected an actuator line of the rig "
        "(laser), got 'lasre': did you mean laser?",
    ),
    "too wide": (
        ("pulse_width_us: 1000", "pulse_width_us: 6000"),
        "task.yaml:17: rules[0].action.pulse_width_us: expected at most 5000 us on "
        "laser (max_width_us in the rig file), got 6000",
    ),
    "too fast": (
        ("pulse_width_us: 1000", "{w}: 1000\n      count: 3\n      period_us: 20000"),
        "task.yaml:19: rules[0].action.period_us: expected at most 40 Hz on laser "
        "(max_rate_hz in the rig file), got 50 Hz",
    ),
    "too much": (
        ("pulse_width_us: 1000", "{w}: 5000\n      count: 3\n      period_us: 9000"),
        "task.yaml:17: rules[0].action.pulse_width_us: expected a duty of at most 0.5 "
        "on laser (max_duty in the rig file), got 0.556: shorten the pulse, lengthen "
        "the period",
    ),
    "line outside the picture": (
        ("threshold_px: 200", "threshold_px: 500"),
        "task.yaml:14: rules[0].when.threshold_px: expected a line inside left's "
        "picture (0 to 480 px in y), got 500",
    ),
    "crop outside the picture": (
        ("model:", "crop_px: [0, 0, 641, 480]\n  model:"),
        "task.yaml:4: inference.crop_px: expected a part of left's 640 x 480 px, got "
        "[0, 0, 641, 480]",
    ),
    "engine": (
        ("model: bundled:mouse", "model: paw.pt"),
        "task.yaml:3: inference.engine: expected torch or dlclive for the model "
        "'paw.pt', got onnx",
    ),
}


@pytest.mark.parametrize(("change", "expected"), TOGETHER.values(), ids=TOGETHER)
def test_what_does_not_fit_together(write, change, expected):
    old, new = change
    text = TASK.replace(old, new.replace("{w}", "pulse_width_us"))
    paths = [write(RIG), write(text, "task.yaml"), write(SESSION, "session.yaml")]
    with pytest.raises(ConfigError) as caught:
        load_experiment(*paths)
    assert expected in str(caught.value).replace(f"{paths[0].parent}/", "").split("\n")


def test_a_camera_that_the_rig_has_not(write):
    rig, task = load_rig(write(RIG)), load_task(write(TASK.replace("left", "lefft")))
    session = load_session(write(SESSION))
    with pytest.raises(ConfigError) as caught:
        check_together(rig, task, session)
    assert str(caught.value) == (
        "task: inference.cameras[0]: expected a camera of the rig (left), got 'lefft': "
        "did you mean left?"
    )


def test_a_rig_without_actuator_and_with_deep_pixels(write):
    text = RIG[: RIG.index("    actuator:")].replace(
        "serial:", "pixel_format: Mono12\n    serial:"
    )
    rig, task = load_rig(write(text)), load_task(write(TASK))
    with pytest.raises(ConfigError) as caught:
        check_together(rig, task, load_session(write(SESSION)))
    found = str(caught.value)
    assert "expected a camera of 8 bit pictures (Mono8 or RGB8), got Mono12" in found
    assert "expected a rig with an actuator, got small, which has none" in found


def test_the_faults_of_three_files_at_once(write):
    paths = [
        write(RIG.replace("width_px", "widht_px")),
        write(TASK.replace("axis: y", "axis: z"), "task.yaml"),
        write(SESSION + "x: 1\n", "session.yaml"),
    ]
    with pytest.raises(ConfigError) as caught:
        load_experiment(*paths)
    lines = str(caught.value).split("\n")
    assert [line.split(":")[0] for line in lines] == [str(path) for path in paths]


def test_files_in_the_wrong_order(write):
    rig, task = write(RIG), write(TASK, "task.yaml")
    with pytest.raises(ConfigError, match="which is a task file: are the files in the"):
        load_experiment(task, rig, write(SESSION, "session.yaml"))


_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
_yaml = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(
    name=st.sampled_from(
        ["devices", "name", "data_root", "ledger", "simulation", "format", "x"]
    ),
    value=_yaml,
)
def test_no_value_breaks_the_loader(tmp_path_factory, name, value):
    """Whatever stands in a file, it loads or it is a fault that can be read."""
    import json

    lines = [line for line in RIG.splitlines() if not line.startswith(f"{name}:")]
    if name == "devices":
        lines = lines[:3]
    path = tmp_path_factory.mktemp("any") / "rig.yaml"
    text = "\n".join([*lines, f"{name}: {json.dumps(value)}", ""])
    path.write_text(text, encoding="utf-8")
    told = str(path)
    try:
        load_rig(path)
    except (ConfigError, VersionError) as error:
        told = str(error)
    shutil.rmtree(path.parent)
    assert str(path) in told


def test_a_model_says_what_is_wrong_without_a_file(write):
    task = load_task(write(TASK)).model_dump()
    task["rules"] = [*task["rules"], *task["rules"]]
    with pytest.raises(ValidationError, match=r"rules\[1\].name: expected each only"):
        TaskConfig.model_validate(task)


def test_the_demos_calibration_is_where_its_cameras_stand():
    """Points in space of the demo are in the mouse's own millimetres."""
    rig = load_rig(CONFIGS / "rig" / "demo.yaml")
    for camera in cameras_for("jump", 2):
        config = rig.cameras[camera.name].calibration
        assert config is not None
        for key, value in config.model_dump().items():
            np.testing.assert_allclose(value, getattr(camera, key), atol=1e-12)
