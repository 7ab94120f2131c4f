"""Cameras that look together, among real rings."""

import json

import numpy as np
import pytest

from rig.config.rig import RigConfig
from rig.config.task import TaskConfig
from rig.geometry import Calibration, look_at, write_calibration
from rig.messages import Pose, from_row

MS = 1_000_000


@pytest.fixture
def task(make_dials):
    def make(cameras, batch_model=True, **inference):
        return TaskConfig.model_validate(
            {
                "format": "springhare-task/1",
                "name": "test",
                "inference": {
                    "model": str(make_dials(batch=batch_model)),
                    "cameras": list(cameras),
                    **inference,
                },
            }
        ).model_dump(mode="json")

    return make


@pytest.fixture
def asked(monkeypatch):
    """How many frames the network was given each time."""
    from inference.runners.onnx import OnnxModel

    counts = []
    together, alone = OnnxModel.infer_together, OnnxModel.infer

    def infer_together(self, frames):
        counts.append(len(frames))
        return together(self, frames)

    def infer(self, frame):
        counts.append(1)
        return alone(self, frame)

    monkeypatch.setattr(OnnxModel, "infer_together", infer_together)
    monkeypatch.setattr(OnnxModel, "infer", infer)
    return counts


def poses(bench, camera):
    batch = bench.read(f"poses/{camera}")
    return [from_row(Pose, row) for row in batch.rows], batch.payload


CAMERAS = ("left", "right", "top")
SHAPES = dict.fromkeys(CAMERAS, (8, 8))


def publish(bench, ages_ms):
    for k, (camera, age_ms) in enumerate(ages_ms.items()):
        bench.publish(camera, [10 * k + 1, 2, 255, 3, 4, 255], age_ms=age_ms)


def test_one_moment_goes_through_the_network_at_once(make_bench, task, asked):
    bench = make_bench(task(CAMERAS, batch=True), SHAPES)
    asked.clear()
    publish(bench, {"left": 5.0, "right": 5.4, "top": 4.2})
    bench.node.step()
    assert asked == [3]
    for k, camera in enumerate(CAMERAS):
        (pose,), keypoints = poses(bench, camera)
        assert keypoints[0, 0, 0] == 10 * k + 1
        assert pose.frame_id == 1000
        assert bench.account(camera) == (1, 1, 0, 0)
    stamps = {poses(bench, camera)[0][0].inferred_ns for camera in CAMERAS}
    assert len(stamps) == 1


def test_another_moment_waits_for_its_turn(make_bench, task, asked):
    bench = make_bench(task(CAMERAS, batch=True), SHAPES)
    asked.clear()
    publish(bench, {"left": 5.0, "right": 7.5, "top": 4.2})
    bench.node.step()
    assert asked == [2]
    assert bench.account("right") == (1, 0, 0, 0)
    bench.node.step()
    assert asked == [2, 1]
    assert bench.account("right") == (1, 1, 0, 0)


def test_newest_wins_for_each_of_them(make_bench, task, asked):
    bench = make_bench(task(CAMERAS, batch=True), SHAPES)
    publish(bench, {"left": 25.0, "right": 25.0, "top": 25.0})
    publish(bench, {"left": 5.0, "right": 5.0})
    asked.clear()
    bench.node.step()
    assert asked == [2]
    assert bench.account("left") == (2, 1, 1, 0)
    assert bench.account("right") == (2, 1, 1, 0)
    bench.node.step()
    assert bench.account("top") == (1, 1, 0, 0)


@pytest.mark.parametrize(
    ("batch", "batch_model"), [(False, True), (True, False)], ids=["unasked", "cannot"]
)
def test_in_turn_where_not_wanted_or_not_possible(
    make_bench, task, asked, batch, batch_model
):
    bench = make_bench(task(CAMERAS, batch_model, batch=batch), SHAPES)
    asked.clear()
    publish(bench, {"left": 5.0, "right": 5.0, "top": 5.0})
    for _ in CAMERAS:
        bench.node.step()
        bench.clock.advance(MS)
    assert asked == [1, 1, 1]
    assert all(bench.account(camera) == (1, 1, 0, 0) for camera in CAMERAS)


def test_account_closes_after_a_stop(make_bench, task):
    bench = make_bench(task(CAMERAS, batch=True), SHAPES)
    publish(bench, {"left": 5.0, "right": 5.0, "top": 9.0})
    bench.node.step()
    publish(bench, {"left": 5.0})
    bench.node.stop()
    assert bench.account("left") == (2, 1, 1, 0)
    assert bench.account("top") == (1, 0, 1, 0)


DYNAMIC = {"body_px": 20, "margin_px": 40, "min_likelihood": 0.5}


def test_node_looks_through_a_dynamic_crop(make_bench, task, make_brightest, asked):
    """The brightest cell of 128 x 128 px is found from whole frames and from boxes."""
    plain = task(["left"])
    plain["inference"]["model"] = str(make_brightest(height=128, width=128))
    plain["inference"] |= {"crop_px": (64, 32, 192, 160)}
    bench = make_bench(plain, {"left": (240, 320)})
    pixels = np.zeros((240, 320), np.uint8)
    pixels[80:84, 100:104] = 255
    bench.publish("left", pixels.reshape(-1))
    bench.node.step()
    np.testing.assert_allclose(poses(bench, "left")[1][0, 0], [102, 82, 1])


def test_dynamic_crop_is_told_and_counted(make_bench, task):
    bench = make_bench(
        task(["left"], dynamic_crop=DYNAMIC), {"left": (240, 320)}, slots=64
    )
    spec = bench.streams.ring("poses/left").spec
    assert json.loads(spec.attributes["dynamic_crop"])["body_px"] == 20
    # these dials are at the corner of whatever is looked at: no box holds them
    for _ in range(3):
        bench.publish("left", [3, 4, 255, 6, 4, 255])
        bench.clock.advance(10 * MS)
        bench.node.step()
    metrics = bench.node.metrics()
    assert metrics["whole_looks_left"] == 1
    assert metrics["second_looks_left"] == 0
    bench.publish("left", [3, 4, 0, 6, 4, 0])
    bench.clock.advance(10 * MS)
    bench.node.step()
    assert bench.node.metrics()["second_looks_left"] == 1


def test_model_that_cannot_keep_up_is_told_before_the_start(
    make_bench, task, monkeypatch
):
    bench = make_bench(task(["left"]))
    node = bench.make_node()
    assert node.findings() == ()  # nothing is known of the cameras
    node.open()
    from inference.runners.onnx import OnnxModel

    infer = OnnxModel.infer

    def slow(self, frame):
        bench.clock.advance(35 * MS)
        return infer(self, frame)

    monkeypatch.setattr(OnnxModel, "infer", slow)
    monkeypatch.setattr(
        node,
        "_rig",
        RigConfig.model_validate(
            {
                "format": "springhare-rig/1",
                "name": "test",
                "data_root": "sessions",
                "devices": {
                    "left": {
                        "kind": "video",
                        "source": "none.mp4",
                        "width_px": 64,
                        "height_px": 48,
                        "rate_hz": 100,
                        "pixel_format": "Mono8",
                    }
                },
            }
        ),
    )
    (finding,) = node.findings()
    assert not finding.ok
    assert "frame every 10.0 ms and the model takes 35.0 ms" in finding.detail
    node.close()


@pytest.fixture
def make_space(tmp_path):
    """The section that makes points in space of some cameras."""

    def make(*names):
        cameras = [
            look_at(
                name,
                position_mm=(x, -300, 60),
                target_mm=(0, 0, 40),
                width_px=8,
                height_px=8,
                focal_px=9,
            )
            for name, x in zip(names, (-150, 150, 10), strict=False)
        ]
        path = tmp_path / "calibration.toml"
        write_calibration(path, Calibration(tuple(cameras)))
        return {"calibration": str(path), "cameras": list(names), "wait_ms": 5}

    return make


@pytest.fixture
def space(make_space):
    return make_space("left", "right")


@pytest.fixture
def rig():
    camera = {
        "kind": "video",
        "source": "none.mp4",
        "width_px": 8,
        "height_px": 8,
        "rate_hz": 100,
        "pixel_format": "Mono8",
    }
    return {
        "format": "springhare-rig/1",
        "name": "test",
        "data_root": "sessions",
        "devices": dict.fromkeys(CAMERAS, camera),
    }


@pytest.fixture
def gathered(make_bench, task, space, rig):
    return make_bench(task(CAMERAS, space=space), SHAPES, rig=rig)


def test_cameras_in_space_wait_for_each_other(gathered):
    publish(gathered, {"left": 5.0})
    gathered.node.step()
    assert gathered.account("left") == (1, 0, 0, 0)
    gathered.clock.advance(MS)
    gathered.publish("right", [9, 2, 255, 3, 4, 255], age_ms=6.0)
    gathered.node.step()
    assert gathered.account("left") == (1, 1, 0, 0)
    assert gathered.account("right") == (1, 1, 0, 0)
    assert len(gathered.read("points/space").rows) == 1
    assert gathered.node.metrics()["views_alone"] == 0


def test_a_camera_in_space_does_not_wait_for_ever(gathered):
    publish(gathered, {"left": 5.0})
    gathered.node.step()
    gathered.clock.advance(6 * MS)
    gathered.node.step()
    assert gathered.account("left") == (1, 1, 0, 0)
    gathered.clock.advance(6 * MS)
    gathered.node.step()
    assert gathered.node.metrics()["views_alone"] == 1
    assert len(gathered.read("points/space").rows) == 0


def test_of_two_moments_the_one_that_both_have_seen(gathered):
    """Left is a frame ahead: it waits until right has seen that one, too."""
    publish(gathered, {"left": 5.0, "right": 15.0})
    gathered.node.step()
    assert gathered.account("left") == gathered.account("right") == (1, 0, 0, 0)
    gathered.publish("right", [9, 2, 255, 3, 4, 255], age_ms=5.0)
    gathered.node.step()
    assert gathered.account("left") == (1, 1, 0, 0)
    assert gathered.account("right") == (2, 1, 1, 0)
    assert len(gathered.read("points/space").rows) == 1


def test_who_is_not_in_space_waits_for_nobody(gathered):
    publish(gathered, {"left": 5.0, "top": 5.0})
    gathered.node.step()
    assert gathered.account("top") == (1, 1, 0, 0)
    assert gathered.account("left") == (1, 0, 0, 0)


def test_in_space_each_is_looked_at_with_its_own_times(gathered, asked, monkeypatch):
    from inference.runners.onnx import OnnxModel

    infer = OnnxModel.infer

    def slow(self, frame):
        gathered.clock.advance(20 * MS)
        return infer(self, frame)

    monkeypatch.setattr(OnnxModel, "infer", slow)
    asked.clear()
    publish(gathered, {"left": 5.0, "right": 5.0})
    gathered.node.step()
    assert asked == [1, 1]
    took_ms = []
    for camera in ("left", "right"):
        (pose,), _ = poses(gathered, camera)
        took_ms.append((pose.inferred_ns - pose.dequeued_ns) // MS)
    assert took_ms == [20, 20]
    assert len(gathered.read("points/space").rows) == 1


def test_in_space_all_are_looked_at_at_once_where_it_is_wanted(
    make_bench, task, space, asked, rig
):
    bench = make_bench(task(CAMERAS, space=space, batch=True), SHAPES, rig=rig)
    asked.clear()
    publish(bench, {"left": 5.0, "right": 5.0})
    bench.node.step()
    assert asked == [2]


def test_nobody_waits_longer_for_a_partner_than_is_agreed(gathered, monkeypatch):
    """The other's frame is lost: after 5 ms this one is looked at, in the same turn."""
    waited_ms = []

    def wait(self, timeout_ms):
        waited_ms.append(timeout_ms)
        gathered.clock.advance(timeout_ms * MS)
        return False

    monkeypatch.setattr(type(gathered.node._attached.waiter), "wait", wait)
    publish(gathered, {"left": 5.0})
    gathered.node.step()
    assert waited_ms == [5]
    assert gathered.account("left") == (1, 1, 0, 0)


def test_a_dead_camera_does_not_part_the_others(make_bench, task, make_space, rig):
    bench = make_bench(task(CAMERAS, space=make_space(*CAMERAS)), SHAPES, rig=rig)
    for _ in range(6):  # top is dead
        publish(bench, {"left": 1.0, "right": 1.0})
        bench.node.step()
        assert bench.account("left")[1] == bench.account("right")[1]
        bench.clock.advance(6 * MS)
        bench.node.step()
        assert bench.account("left")[1] == bench.account("right")[1]
        bench.clock.advance(4 * MS)
    assert bench.account("left")[1] == 6


def test_a_network_that_is_slower_than_a_moment_waits(
    make_bench, task, make_space, rig, monkeypatch
):
    from inference.runners.onnx import OnnxModel

    bench = make_bench(task(CAMERAS, space=make_space(*CAMERAS)), SHAPES, rig=rig)
    infer = OnnxModel.infer

    def slow(self, frame):
        bench.clock.advance(20 * MS)
        return infer(self, frame)

    monkeypatch.setattr(OnnxModel, "infer", slow)
    publish(bench, dict.fromkeys(CAMERAS, 5.0))
    bench.node.step()
    (row,) = bench.read("points/space").rows
    assert row["host_ns"] == poses(bench, "top")[0][0].host_ns
    assert bench.node.metrics()["views_alone"] == 0
