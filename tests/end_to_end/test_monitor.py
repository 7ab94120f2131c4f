"""The window on a simulated rig that really runs: what is drawn is what is true."""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt

from rig.geometry import project
from rig.monitor.health import Level
from rig.monitor.live.link import LocalLink, find_session
from rig.recording.reader import Recording
from rig.sim.cameras import cameras_for
from rig.sim.picture_code import read_code
from rig.sim.pictures import PictureSet
from rig.sim.world import World

pytestmark = pytest.mark.slow


@pytest.fixture
def here(springhare, monkeypatch):
    """This process sees the sessions of the command's shared memory."""
    monkeypatch.setenv("SPRINGHARE_SHM", str(springhare.shm))


@pytest.fixture
def window(qtbot, here, monkeypatch):
    from rig.monitor.window.app import application
    from rig.monitor.window.live_window import LiveWindow

    application()

    def find():
        streams = find_session()
        return None if streams is None else LocalLink(streams)

    window = LiveWindow(find)
    window.resize(1280, 720)
    window.show()
    yield window
    window.asks_before_closing = False
    window.close()


def test_the_window_shows_the_worlds_mouse_and_the_ledgers_numbers(
    springhare, window, qtbot
):
    process = springhare.start(
        "demo", "--seconds=12", "--fps=50", "--headless", "--json", "--out=out"
    )
    qtbot.waitUntil(lambda: window.feed is not None, timeout=90_000)
    looks = {}

    def collect():
        look = window.tiles.tiles["left"].canvas.look
        if look is not None and look.keypoints is not None:
            looks[look.frame_id] = (
                look,
                window.tiles.tiles["left"].canvas.grab().toImage(),
                window.tiles.tiles["left"].canvas.place,
            )

    window.ticked.connect(collect)
    qtbot.waitUntil(lambda: len(looks) > 40, timeout=90_000)
    window.ticked.disconnect(collect)
    qtbot.waitUntil(lambda: window.feed.link.gone, timeout=90_000)
    result = json.loads(springhare.finish(process).stdout)
    # it has let the session go, and looked at its ledger
    qtbot.waitUntil(lambda: not window.asks_before_closing, timeout=30_000)
    assert window.feed.health.of("session")[0].cells[0].startswith("ended")

    _assert_drawn_on_the_world(looks)
    _assert_numbers_are_the_ledgers(window, result)
    assert result["verdict"] in window.banner.text or result["verdict"] == "PASS"


def _assert_drawn_on_the_world(looks):
    """Each sure keypoint is drawn, in its colour, where the world has it."""
    from rig.monitor.window.style import part_colour

    world, camera = World(1, "jump", 4.0), cameras_for("jump", 2)[0]
    pictures = PictureSet(Path(), 200, 50.0, 0.002)
    off_px, drawn = [], []
    for look, image, place in looks.values():
        code = look.frame_id % 200
        assert look.step > 1 or read_code(look.picture) == code
        truth = project(
            camera, world.keypoints_mm(np.array([pictures.time_s(code)]))[0]
        )
        sure = look.keypoints[:, 2] > 0.8
        off_px += np.linalg.norm(look.keypoints[:, :2] - truth, axis=1)[sure].tolist()
        ratio = image.devicePixelRatio()
        for part in np.flatnonzero(sure):
            at = place.point(*look.keypoints[part, :2].tolist()) * ratio
            seen = image.pixelColor(round(at.x()), round(at.y()))
            drawn.append(_near(seen.name(), part_colour(part)))
    assert np.median(off_px) < 3
    assert np.mean(drawn) > 0.7  # others lie under another keypoint's dot


def _near(one, other):
    return bool(np.abs(_rgb(one) - _rgb(other)).max() < 60)


def _rgb(name):
    return np.array([int(name[k : k + 2], 16) for k in (1, 3, 5)])


def _assert_numbers_are_the_ledgers(window, result):
    lights = {light.subject: light for light in window.feed.health.of("streams")}
    streams = result["ledger"]["streams"]
    for name in lights.keys() & streams.keys():
        missing = sum(one["count"] for one in streams[name].get("missing", []))
        assert int(lights[name].cells[2]) == missing, name
    assert {"cameras/left", "signals/daq/emg", "decisions"} <= lights.keys()
    looked = window.feed.health.of("inference")[0]
    with Recording.open(Path(result["folder"])) as recording:
        count = recording.count("poses/left")
    assert int(looked.cells[0]) == count


RIG = """\
format: springhare-rig/1
name: faulty
data_root: {place}/data
devices:
  left:
    kind: basler
    serial: "24000001"
    width_px: 320
    height_px: 240
    exposure_us: 1000
    trigger: {{mode: software, source: daq}}
    on_death: continue
  daq:
    kind: harp
    port: /dev/ttyACM0
    emg: {{rate_hz: 2000, channels: [GL, TA, VL, BF, GL2, TA2, VL2, BF2]}}
    camera_trigger: {{rate_hz: 50}}
    actuator:
      arm_line: key
      lines: {{laser: {{pin: 1, max_width_us: 50000, max_rate_hz: 40}}}}
    inputs: {{lines: {{key: {{pin: 3, edges: both}}}}}}
  scope:
    kind: harp
    port: /dev/ttyACM1
    inputs: {{lines: {{frame_clock: {{pin: 0, edges: rising, rate_hz: 30}}}}}}
ledger: {{fail_lost_fraction: 1}}
"""
TASK = """\
format: springhare-task/1
name: jump
inference: {model: "bundled:mouse", cameras: [left], on_death: continue}
rules:
  - name: up
    camera: left
    when: {kind: crosses, keypoint: hip, axis: y, direction: falling, threshold_px: 125}
    action: {line: laser, pulse_width_us: 5000}
"""
FAULTS = [
    "{device: left, at_s: 4.0, fault: lost_frame, count: 3}",
    "{device: left, at_s: 4.5, fault: failed_grab, count: 2}",
    "{device: daq, at_s: 5.0, fault: key_off, seconds: 2}",
    "{device: scope, at_s: 6.0, fault: drop_message, count: 2}",
    "{device: daq, at_s: 7.5, fault: corrupt_bytes, count: 3}",
    "{device: scope, at_s: 9.0, fault: clock_reset}",
    "{device: inference, at_s: 10.0, fault: stall, seconds: 4}",
    "{device: scope, at_s: 15.0, fault: unplug, seconds: 2}",
    "{device: recorder, at_s: 19.0, fault: kill}",
    "{device: left, at_s: 23.0, fault: kill}",
]
SHOWN = [
    ("streams", "cameras/left", Level.WATCH, "5 lost"),
    ("loop", "loop", Level.WATCH, "the key is off"),
    ("streams", "events/scope", Level.WATCH, "lost"),
    ("streams", "signals/daq/emg", Level.WATCH, "lost"),
    ("clocks", "scope", Level.WATCH, "jumped"),
    ("nodes", "inference", Level.BAD, "silent for"),
    ("nodes", "scope", Level.BAD, "unplugged"),
    ("nodes", "recorder", Level.BAD, "died"),
    ("nodes", "recorder", Level.WATCH, "restarted"),
    ("nodes", "left", Level.BAD, "died"),
    ("streams", "cameras/left", Level.BAD, "nothing has come for"),
]


def test_each_fault_of_the_script_turns_its_light(springhare, window, qtbot):
    place = springhare.place
    (place / "rig.yaml").write_text(RIG.format(place=place))
    (place / "task.yaml").write_text(TASK)
    (place / "session.yaml").write_text(
        "format: springhare-session-plan/1\nsubject: m1\nplanned_minutes: 1\n"
    )
    faults = "".join(f"  - {fault}\n" for fault in FAULTS)
    (place / "faults.yaml").write_text(
        f"format: springhare-faults/1\nfaults:\n{faults}"
    )
    files = [f"--{name}={name}.yaml" for name in ("rig", "task", "session", "faults")]
    process = springhare.start("run", *files, "--simulate", "--seconds=28", "--json")
    qtbot.waitUntil(lambda: window.feed is not None, timeout=90_000)
    seen = set()

    def collect():
        seen.update(window.feed.health.lights)
        shown = window.lights.health.worst
        if shown is not None:
            assert shown.sentence in window.banner.text or window.feed.health.lights

    window.ticked.connect(collect)
    qtbot.waitUntil(lambda: window.feed.link.gone, timeout=120_000)
    window.ticked.disconnect(collect)
    result = json.loads(springhare.finish(process).stdout)
    for group, subject, level, words in SHOWN:
        assert [
            light
            for light in seen
            if (light.group, light.subject, light.level) == (group, subject, level)
            and words in light.reason
        ], (group, subject, level, words)
    # it has let the session go, and looked at its ledger
    qtbot.waitUntil(lambda: not window.asks_before_closing, timeout=30_000)
    assert window.feed.health.of("session")[0].cells[0].startswith("ended")
    _assert_numbers_are_the_ledgers(window, result)


@pytest.fixture
def screen():
    """A screen that nobody sees: a real X server."""
    program = shutil.which("Xvfb")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("expected Xvfb: apt-get install xvfb")
        pytest.skip("needs Xvfb")
    ours, theirs = os.pipe()
    size = ["-screen", "0", "1920x1080x24"]
    process = subprocess.Popen(
        [program, "-displayfd", str(theirs), *size, "-nolisten", "tcp"],
        pass_fds=[theirs],
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    with os.fdopen(ours) as told:
        yield f":{told.readline().strip()}"
    process.terminate()
    process.wait()


def test_windows_that_die_or_freeze_harm_no_recording(springhare, screen, until):
    place = springhare.place
    on_screen = {"DISPLAY": screen, "QT_QPA_PLATFORM": "xcb"}
    session = springhare.start(
        "demo", "--seconds=20", "--fps=50", "--headless", "--json", "--out=out"
    )
    until(lambda: list(place.glob("out/*/*/session.h5")), "a recording")
    springhare.env.update(on_screen)
    dies = springhare.start("monitor", "--terminal")
    freezes = springhare.start("monitor")
    taken = springhare("monitor", "--screenshot=window.png", "--after=4")
    assert taken.returncode == 0, taken.stderr
    dies.send_signal(signal.SIGKILL)
    freezes.send_signal(signal.SIGSTOP)
    result = json.loads(springhare.finish(session).stdout)
    freezes.kill()
    assert result["ledger"]["closes"]
    for name, stream in result["ledger"]["streams"].items():
        lost = [one for one in stream.get("missing", []) if one["stage"] == "recorder"]
        assert not lost, name
    assert _looks_alive(place / "window.png")


def _looks_alive(path):
    """A picture of the window has the mouse's keypoints and many greys."""
    import av

    from rig.monitor.window.style import part_colour

    with av.open(str(path)) as picture:
        pixels = next(picture.decode(video=0)).to_ndarray(format="rgb24").astype(int)
    height, width = pixels.shape[:2]
    assert (width, height) >= (1200, 700)
    pictures = pixels[: height * 6 // 10].reshape(-1, 3)
    parts = [
        np.abs(pictures - _rgb(part_colour(part))).max(axis=1).min() < 40
        for part in range(10)
    ]
    return sum(parts) >= 6 and len(np.unique(pictures[:, 0])) > 100


def test_the_window_is_used_by_keyboard_alone(springhare, window, qtbot):
    process = springhare.start(
        "demo", "--seconds=14", "--fps=50", "--headless", "--json", "--out=out"
    )
    qtbot.waitUntil(lambda: window.traces is not None, timeout=90_000)
    window.activateWindow()

    def press(key, modifier=Qt.KeyboardModifier.NoModifier):
        qtbot.keyClick(window, key, modifier)

    press(Qt.Key.Key_P)
    assert window.traces.paused
    press(Qt.Key.Key_PageUp)
    looked_back_s = window.traces.end_s
    press(Qt.Key.Key_Home)
    qtbot.waitUntil(lambda: window.traces.end_s > looked_back_s)
    press(Qt.Key.Key_Minus)
    assert window.traces.span_s == 20
    press(Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    assert not window.tiles.tiles["left"].isVisible()
    press(Qt.Key.Key_0, Qt.KeyboardModifier.ControlModifier)
    assert window.tiles.tiles["left"].isVisible()
    qtbot.waitUntil(lambda: window.controls.loop.isEnabled(), timeout=30_000)
    press(Qt.Key.Key_3)
    press(Qt.Key.Key_A, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: "note 3" in _events(window), timeout=30_000)
    result = json.loads(springhare.finish(process).stdout)
    with Recording.open(Path(result["folder"])) as recording:
        states = recording.rows("node_events")["state"].tolist()
    assert b"note 3" in states


def _events(window):
    marks = window.feed.happened(0.0, 1e9)
    return " ".join(f"{mark.kind} {mark.text}" for mark in marks)
