"""The LED in recorded pictures against the recorded line that drives it."""

from pathlib import Path

import numpy as np
import pytest

from rig.config.examples import examples_folder
from rig.messages import EDGE_RISING
from rig.recording.reader import Recording
from rig.sim.twins.harp_truth import HarpTruth

pytestmark = pytest.mark.slow

EXPOSURE_NS = 2_000_000
DARK, LIGHT = 30.0, 190.0


def test_frames_show_the_led_while_the_recorded_line_was_high(springhare):
    folder = examples_folder()
    words = [f"--{kind}={folder / kind / 'demo.yaml'}" for kind in ("rig", "task")]
    result = springhare.result(
        "run",
        *words,
        f"--session={folder / 'session' / 'demo.yaml'}",
        "--simulate",
        "--slow=4",
        "--truth",
        "--seconds=5",
        "--out=out",
    )
    _check(result, frame_ns=40_000_000)


def test_so_do_the_pictures_that_baslers_emulator_plays(springhare):
    result = springhare.result("demo", "--headless", "--seconds=5", "--out=out")
    _check(result, frame_ns=10_000_000)


def _check(result, frame_ns):
    assert result["ledger"]["closes"], result["ledger"]["reason"]
    folder = Path(result["folder"])
    truth = HarpTruth.read(folder / "truth.json")
    with Recording.open(folder) as recording:
        high_ns = _line(recording)
        assert len(high_ns) > 15, "the first code alone has as many"
        for camera in ("left", "right"):
            _check_light(recording, camera, high_ns, frame_ns)
            _check_truth(recording, camera, truth, frame_ns)
    assert not list(folder.glob("*.frames"))


def _line(recording):
    """Return when the sync line was high, (n, 2), mapped to the host as recorded."""
    events, clock = recording.rows("events/daq"), recording.rows("clocks/daq")
    events = events[events["line"] == b"sync"]
    offset_ns = np.interp(events["device_ns"], clock["device_ns"], clock["offset_ns"])
    at_ns = events["device_ns"] + offset_ns.astype(np.int64)
    rising = events["edge"] == EDGE_RISING
    assert rising.tolist() == [True, False] * (len(rising) // 2)
    return at_ns.reshape(-1, 2)


def _check_light(recording, camera, high_ns, frame_ns):
    rows = recording.rows(f"cameras/{camera}")
    spots = recording.payload(f"cameras/{camera}")[:, 39:42, 599:602]
    lit = (spots.mean(axis=(1, 2)) - DARK) / LIGHT
    assert lit.min() > -0.05
    assert lit.max() == pytest.approx(1.0, abs=0.05)
    begin_ns = rows["exposure_ns"] - EXPOSURE_NS // 2
    wanted = _overlap(begin_ns, begin_ns + EXPOSURE_NS, high_ns)
    assert (wanted > 0.5).sum() >= 5
    # no frame is lit, or dark, a frame from where the recorded line says so
    near = _overlap(begin_ns - frame_ns, begin_ns + frame_ns, high_ns) > 0
    assert near[lit > 0.1].all()
    sure = _overlap(begin_ns - frame_ns // 4, begin_ns + frame_ns // 4, high_ns) == 1
    assert (lit[sure] > 0.95).all()
    # and nearly all are as bright as they should be, though the machine be busy
    assert np.median(np.abs(lit - wanted)[wanted > 0]) < 0.1
    assert np.mean(np.abs(lit - wanted) < 0.1) > 0.9


def _check_truth(recording, camera, truth, frame_ns):
    rows = recording.rows(f"cameras/{camera}")
    frames = truth.frames(camera)
    came = frames["arrival_ns"] > 0
    assert np.array_equal(frames["arrival_ns"][came], rows["host_ns"])
    assert np.array_equal(frames["frame_id"][came], rows["frame_id"])
    middle_ns = truth.frame_middle_ns(camera, rows["host_ns"])
    assert np.median(np.abs(rows["exposure_ns"] - middle_ns)) < frame_ns / 4
    # the light that was let in is that of the line's true edges
    edges = truth.boards["daq"]["edges"]
    mine = np.array(edges["line"]) == 25
    high_ns = np.array(edges["host_ns"])[mine].reshape(-1, 2)
    begin_ns = frames["middle_ns"] - EXPOSURE_NS // 2
    wanted = _overlap(begin_ns, begin_ns + EXPOSURE_NS, high_ns)
    np.testing.assert_allclose(frames["led_ppm"], 1e6 * wanted, atol=2)


def _overlap(begin_ns, end_ns, high_ns):
    """Return which part of each interval the line was high."""
    begins, ends = begin_ns[:, None], end_ns[:, None]
    shared = np.minimum(ends, high_ns[:, 1]) - np.maximum(begins, high_ns[:, 0])
    return shared.clip(0).sum(axis=1) / (end_ns - begin_ns)
