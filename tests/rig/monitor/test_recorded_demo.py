"""A session of the simulated world, looked at again: what is drawn is what was true."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

pytest.importorskip("PySide6")

from PySide6.QtGui import QColor

from rig.geometry.cameras import project
from rig.monitor.recorded import RecordedFeed
from rig.monitor.recorded.clip import ClipRequest, write_clip
from rig.monitor.window.clip import painter_of
from rig.monitor.window.style import part_colour
from rig.recording.reader import Recording
from rig.sim.cameras import cameras_for
from rig.sim.picture_code import read_code
from rig.sim.pictures import PictureSet
from rig.sim.world import World
from rig.sim.world.body import BODY_PARTS
from sync.clock import ManualClock

pytestmark = pytest.mark.slow

FPS = 50.0
PERIOD_S = 4.0
ERROR_PX = 4.0
"""So far off, at the median, the bundled model may be; it is trained for less."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    place = tmp_path_factory.mktemp("demo")
    shm = Path(f"/dev/shm/sprh-review-{os.getpid()}")
    command = [sys.executable, "-m", "rig.cli", "demo", "--seconds=6", "--headless"]
    command += [f"--fps={FPS:g}", "--out=out"]
    env = os.environ | {"SPRINGHARE_SHM": str(shm), "OMP_WAIT_POLICY": "passive"}
    try:
        done = subprocess.run(
            command, cwd=place, env=env, capture_output=True, text=True, timeout=200
        )
    finally:
        subprocess.run(["rm", "-rf", str(shm)], check=True)
    assert done.returncode == 0, done.stderr + done.stdout
    (session,) = (place / "out").glob("*/*/session.h5")
    return session.parent


@pytest.fixture
def feed(demo):
    feed = RecordedFeed(demo, ManualClock())
    yield feed
    feed.close()


@pytest.fixture(scope="module")
def truth_px():
    """Where the body parts are in a picture of the left camera."""
    world = World(1, "jump", PERIOD_S)
    (camera, *_) = cameras_for("jump", 2)
    pictures = PictureSet(Path(), round(PERIOD_S * FPS), FPS, 0.002)

    def at(picture):
        points_mm = world.keypoints_mm(np.array([pictures.time_s(read_code(picture))]))
        return project(camera, points_mm[0])

    return at


def test_what_is_shown_is_what_was_recorded_and_true(demo, feed, truth_px):
    with Recording.open(demo) as recording:
        rows = recording.rows("poses/left")
        poses = recording.payload("poses/left")
    shown = feed.shown.camera("left")
    assert shown.bodyparts == tuple(BODY_PARTS)
    off_px = []
    for k in range(0, len(rows), 5):
        feed.seek((int(rows["exposure_ns"][k]) - feed.shown.started_host_ns) / 1e9)
        look = feed.look("left")
        assert look.frame_id == rows["frame_id"][k]
        np.testing.assert_array_equal(look.keypoints, poses[k])
        off = np.linalg.norm(look.keypoints[:, :2] - truth_px(look.picture), axis=1)
        off_px += off[look.keypoints[:, 2] > 0.5].tolist()
    assert len(off_px) > 100
    assert np.median(off_px) < ERROR_PX


def test_its_clip_has_the_colours_where_the_body_is(feed, truth_px, tmp_path, qapp):
    feed.look_everywhere()
    fire = feed.jumps.of("fire")[0]
    request = ClipRequest(
        tmp_path / "clip.mp4", fire.at_s, fire.at_s + 0.2, ("left",), 1.0, FPS
    )
    painter = painter_of(feed, request.cameras)
    write_clip(feed, request, painter)
    with av.open(str(request.path)) as film:
        pictures = [f.to_ndarray(format="rgb24") for f in film.decode(video=0)]
    assert len(pictures) == 10
    found = 0
    for k, picture in enumerate(pictures):
        look = feed.look_at("left", fire.at_s + k / FPS)
        if look.keypoints is None:
            continue
        nose = truth_px(look.picture)[0] + painter.border
        x, y = np.rint(nose).astype(int)
        around = picture[y - 8 : y + 9, x - 8 : x + 9].astype(int)
        away = np.abs(around - QColor(part_colour(0)).getRgb()[:3]).max(axis=2)
        found += int(away.min() < 50)
    assert found >= 5
    border = pictures[0][:3, 100:200].mean(axis=(0, 1))
    assert border[0] > 150  # the fire


def test_its_streams_are_all_there(feed):
    end_s = feed.end_s
    for signal in feed.shown.signals:
        series = feed.samples(signal.name, 0.0, end_s)
        assert (np.diff(series.times_s) >= 0).all()
        rate_hz = 1 / np.median(np.diff(series.times_s))
        assert rate_hz == pytest.approx(signal.rate_hz, rel=1e-3)
    (line,) = feed.shown.pulses
    pulses = feed.pulses(line.device, line.line, 0.0, end_s)
    assert 1 / np.median(pulses.values[1:]) == pytest.approx(line.rate_hz, rel=1e-3)
    assert feed.health.of("session")[0].cells[0].startswith("ended: ")
    assert {light.group for light in feed.health.lights} >= {
        "session",
        "streams",
        "loop",
        "latency",
        "inference",
        "clocks",
    }


def test_a_folded_session_shows_the_same(demo, feed, tmp_path):
    folder = shutil.copytree(demo, tmp_path / "session")
    command = [sys.executable, "-m", "rig.cli", "compress", folder]
    subprocess.run(command, check=True, capture_output=True, timeout=200)
    folded = RecordedFeed(folder, ManualClock())
    for at_s in np.linspace(feed.begin_s, feed.end_s, 9):
        feed.seek(at_s)
        folded.seek(at_s)
        one, other = feed.look("left"), folded.look("left")
        assert one.frame_id == other.frame_id
        np.testing.assert_array_equal(one.picture, other.picture)
        assert (one.keypoints is None) == (other.keypoints is None)
    series = folded.samples("daq/emg", 0.0, feed.end_s)
    expected = feed.samples("daq/emg", 0.0, feed.end_s)
    np.testing.assert_array_equal(series.values, expected.values)
    assert folded.health.level == feed.health.level
    folded.close()
