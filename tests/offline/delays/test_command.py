"""`springhare calibrate-latency`, as its user has it."""

import json
import shutil
import sys

import click
import pytest
from click.testing import CliRunner

from offline.alignment.cues import look_for_cues
from offline.alignment.pipeline import align
from offline.commands.sessions import calibrate_latency
from offline.delays import find_calibration
from rig.errors import ConfigError, SessionError
from rig.recording.reader import Recording


@pytest.fixture
def run():
    """Run the command; return what it printed and its exit status."""

    def call(*arguments):
        result = CliRunner().invoke(
            calibrate_latency, [str(a) for a in arguments], standalone_mode=False
        )
        if result.exception is not None:
            raise result.exception
        return result.stdout, result.return_value

    return call


@pytest.fixture(scope="module")
def template(scene, tmp_path_factory):
    made = scene(seconds=32, delay_us=400, emg_delay_us=800, jumps=False)
    return made.write(tmp_path_factory.mktemp("data") / "m1" / "session")


@pytest.fixture
def session(template, root):
    return shutil.copytree(template, root / "m1" / "session")


def test_a_session_is_measured_and_kept(session, root, run):
    told, status = run(session)
    assert status == 0
    for words in ("cameras/cam", "LED", "test pulse", "by definition", "not measured"):
        assert words in told
    (path,) = (root / "calibrations" / "bench").iterdir()
    assert str(path) in told
    assert (session / "derived" / "calibration.png").stat().st_size > 20_000


@pytest.mark.slow
def test_alignment_takes_off_what_was_measured(session, run):
    run(session)
    with Recording.open(session) as recording:
        latencies = find_calibration(recording)
        aligned = align(recording, latencies=latencies, look=look_for_cues).alignment
    streams = {one.stream: one for one in aligned.streams}
    emg = streams["signals/daq/emg"].latency
    assert emg.rig_matches
    assert emg.delay_ns == pytest.approx(800_000, abs=5000)
    camera = streams["cameras/cam"].latency
    assert camera.delay_ns == pytest.approx(-400_000, abs=4 * camera.sd_ns)
    led = next(cue for cue in aligned.cues if cue.name == "led")
    assert abs(led.offset_ns) < 0.5 * camera.sd_ns


def test_a_dry_run_writes_nothing(session, root, run):
    told, status = run(session, "--dry-run")
    assert status == 0
    assert "cameras/cam" in told
    assert "wrote" not in told
    assert not (root / "calibrations").exists()
    assert not (session / "derived").exists()


@pytest.mark.slow
def test_json_is_all_that_is_printed(session, run):
    told, _ = run(session, "--json")
    found = json.loads(told)
    assert found["calibration"]["format"] == "springhare-latency/1"
    assert found["calibration"]["streams"].keys() >= {"cameras/cam", "signals/daq/emg"}
    assert "signals/daq/force_plate" in found["missing"]
    assert found["stored"].endswith(".json")
    assert found["picture"].endswith("calibration.png")


def test_nothing_measured_is_no_success(scene, root, run):
    made = scene(seconds=8, led_xy=None, pulse_uv=0, jumps=False)
    made.lines["sync"] = made.lines["sync"][:0]
    told, status = run(made.write(root / "m1" / "session"))
    assert status == 1
    assert "No delay could be measured" in told
    assert not (root / "calibrations").exists()


@pytest.mark.slow
def test_without_matplotlib_only_the_picture_is_missing(
    session, root, run, monkeypatch
):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    told, status = run(session)
    assert status == 0
    assert "no picture: Expected matplotlib" in told
    assert (root / "calibrations" / "bench").exists()


@pytest.mark.parametrize(
    "arguments", [(), ("SESSION", "--rig", "RIG"), ("SESSION", "--simulate")]
)
def test_one_of_session_and_rig(session, run, tmp_path, arguments):
    rig = tmp_path / "rig.yaml"
    rig.touch()
    places = {"SESSION": session, "RIG": rig}
    with pytest.raises(click.UsageError, match="expected"):
        run(*(places.get(word, word) for word in arguments))


def test_a_folder_that_is_no_session(run, tmp_path):
    with pytest.raises(SessionError, match="Expected a session"):
        run(tmp_path)


def test_a_rig_file_that_is_none(run, tmp_path):
    path = tmp_path / "rig.yaml"
    path.write_text("format: springhare-rig/1\nname: x\n")
    with pytest.raises(ConfigError, match="data_root"):
        run("--rig", path)


@pytest.mark.slow
def test_a_rig_that_does_not_run(scene, run, tmp_path):
    path = tmp_path / "rig.yaml"
    rig = scene().rig
    rig["data_root"] = str(tmp_path / "data")
    rig["devices"]["daq"]["port"] = str(tmp_path / "no-such-port")
    path.write_text(json.dumps({**rig, "devices": {"daq": rig["devices"]["daq"]}}))
    with pytest.raises(SessionError, match="springhare run"):
        run("--rig", path, "--seconds", 5)
    assert not (tmp_path / "data" / "calibrations").exists()
