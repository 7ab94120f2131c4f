import dataclasses

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inference.rules import compile_rules
from inference.step import StepConfig, StepInputs, begin, step
from rig.config.task import TaskConfig
from rig.errors import ConfigError, ModelError, StreamError
from rig.messages import Decision, Loss, PayloadSpec, Pose, StreamSpec, from_row

MS = 1_000_000


@pytest.fixture
def task(make_dials):
    """A task on a model whose keypoints are the first pixels of the frame."""

    def make(cameras=("left",), rules=(), **inference):
        task = {
            "format": "springhare-task/1",
            "name": "test",
            "inference": {
                "model": str(make_dials()),
                "cameras": list(cameras),
                **inference,
            },
            "rules": list(rules),
            "seed": 3,
        }
        return TaskConfig.model_validate(task).model_dump(mode="json")

    return make


FALLS = {
    "name": "falls",
    "camera": "left",
    "when": {
        "kind": "crosses",
        "keypoint": "tail",
        "axis": "y",
        "direction": "falling",
        "threshold_px": 100,
    },
    "action": {"line": "laser", "pulse_width_us": 500},
}


def tail(y, likelihood=255):
    """The first pixels of a frame with the tail at height y."""
    return [7, 8, 255, 50, y, likelihood]


def poses(bench, camera="left"):
    batch = bench.read(f"poses/{camera}")
    return [from_row(Pose, row) for row in batch.rows], batch.payload


def decisions(bench):
    return [from_row(Decision, row) for row in bench.read("decisions").rows]


def closes(bench, camera="left"):
    published, inferred, skipped, lost = bench.account(camera)
    return published == inferred + skipped + lost


def test_declares_what_it_will_write(make_bench, task):
    bench = make_bench(task(["left", "right"]), {"left": (8, 8), "right": (6, 6)})
    spec = bench.streams.ring("poses/right").spec
    assert bench.streams.names() == [
        "cameras/left",
        "cameras/right",
        "decisions",
        "losses/inference",
        "poses/left",
        "poses/right",
    ]
    assert spec.payload == PayloadSpec("<f4", (2, 3))
    assert spec.counters == ("skipped", "lost")
    sha256 = spec.attributes["model_sha256"]
    assert isinstance(sha256, str)
    assert len(sha256) == 64
    assert spec.attributes == {
        "bodyparts": ["nose", "tail"],
        "model": "tiny",
        "model_sha256": sha256,
        "engine": "onnx",
        "provider": "CPUExecutionProvider",
        "threads": 1,
        "resize": 1.0,
    }


def test_pose_has_keypoints_and_all_stamps(make_bench, task):
    bench = make_bench(task())
    bench.publish("left", tail(200, 51), age_ms=7)
    published_ns = bench.clock.now()
    bench.clock.advance(2 * MS)
    bench.node.step()
    (pose,), keypoints = poses(bench)
    np.testing.assert_allclose(keypoints[0], [[7, 8, 1], [50, 200, 0.2]], rtol=1e-6)
    assert pose == Pose(
        seq=0,
        host_ns=published_ns + 2 * MS,
        frame_seq=0,
        frame_id=1000,
        exposure_ns=published_ns - 7 * MS,
        arrival_ns=published_ns - MS,
        dequeued_ns=published_ns + 2 * MS,
        inferred_ns=published_ns + 2 * MS,
        box_x0_px=0,
        box_y0_px=0,
        box_x1_px=16,
        box_y1_px=12,
    )


@pytest.mark.parametrize("crop", [None, [4, 2, 16, 12]])
def test_pose_says_what_the_network_looked_at(make_bench, task, crop):
    bench = make_bench(task(crop_px=crop))
    bench.publish("left", tail(200))
    bench.node.step()
    (pose,), _ = poses(bench)
    box = [pose.box_x0_px, pose.box_y0_px, pose.box_x1_px, pose.box_y1_px]
    assert box == (crop or [0, 0, 16, 12])


def test_newest_wins_and_the_rest_is_counted(make_bench, task):
    bench = make_bench(task())
    for y in (1, 2, 3):
        bench.publish("left", tail(y))
    bench.node.step()
    bench.publish("left", tail(4))
    bench.node.step()
    found, keypoints = poses(bench)
    assert [pose.frame_seq for pose in found] == [2, 3]
    assert keypoints[:, 1, 1].tolist() == [3, 4]
    assert bench.account("left") == (4, 2, 2, 0)
    assert bench.streams.ring("poses/left").counters == {"skipped": 2, "lost": 0}


def test_frames_of_a_whole_ring_passed_over_are_skipped_not_lost(make_bench, task):
    bench = make_bench(task(), slots=16)
    for _ in range(100):
        bench.publish("left", tail(9))
    bench.node.step()
    assert bench.account("left") == (100, 1, 99, 0)


def test_cameras_take_turns(make_bench, task):
    cameras = ["left", "right", "top"]
    bench = make_bench(task(cameras), dict.fromkeys(cameras, (8, 8)))
    served = []
    for _ in range(7):
        for camera in cameras:
            bench.publish(camera)
        bench.clock.advance(MS)
        before = {camera: len(poses(bench, camera)[0]) for camera in cameras}
        bench.node.step()
        served += [c for c in cameras if len(poses(bench, c)[0]) > before[c]]
    assert served == ["left", "right", "top"] * 2 + ["left"]


def test_a_camera_without_news_costs_no_turn(make_bench, task):
    bench = make_bench(task(["left", "right"]), {"left": (8, 8), "right": (8, 8)})
    for _ in range(3):
        bench.publish("right")
        bench.clock.advance(MS)
        bench.node.step()
    assert bench.account("right") == (3, 3, 0, 0)


class Overtaken:
    """A model during whose look the camera overtakes the ring."""

    def __init__(self, model, publish, times):
        self._model, self._publish, self._times = model, publish, times

    def infer(self, frame):
        keypoints = self._model.infer(frame)
        for _ in range(self._times):
            self._publish("left", tail(33))
        return keypoints

    def close(self):
        self._model.close()


def test_overwritten_while_in_use_is_lost_and_said(make_bench, task, monkeypatch):
    bench = make_bench(task(rules=[FALLS]), slots=16)
    model = bench.node._model
    bench.publish("left", tail(120))
    viewer = bench.node._attached.eyes.viewers["left"]
    monkeypatch.setattr(viewer, "model", Overtaken(model, bench.publish, 16))
    bench.node.step()
    assert bench.account("left") == (17, 0, 0, 1)
    assert len(poses(bench)[0]) == 0
    (row,) = bench.read("losses/inference").rows
    loss = from_row(Loss, row)
    assert (loss.stream, loss.stage) == ("cameras/left", "inference")
    assert (loss.first_id, loss.count) == (0, 1)
    assert "overwritten" in loss.cause

    monkeypatch.setattr(viewer, "model", model)
    bench.node.step()
    assert bench.account("left") == (17, 1, 15, 1)
    assert decisions(bench) == []


def test_frames_that_came_meanwhile_do_not_spoil_the_pose(
    make_bench, task, monkeypatch
):
    bench = make_bench(task(), slots=16)
    bench.publish("left", tail(120))
    overtaken = Overtaken(bench.node._model, bench.publish, 14)
    monkeypatch.setattr(bench.node._attached.eyes.viewers["left"], "model", overtaken)
    bench.node.step()
    assert poses(bench)[1][0, 1, 1] == 120


def test_decides_right_after_the_pose(make_bench, task):
    bench = make_bench(task(rules=[FALLS]))
    for y in (120, 90):
        bench.publish("left", tail(y))
        bench.node.step()
        bench.clock.advance(10 * MS)
    (decision,) = decisions(bench)
    (_, pose), _ = poses(bench)
    assert decision.outcome == "fired"
    assert decision.pose_seq == pose.seq == 1
    assert decision.frame_id == pose.frame_id
    assert decision.host_ns == pose.host_ns
    assert bench.node.metrics()["decided"] == 1


def test_counts_the_fires_that_came_too_late(make_bench, task):
    bench = make_bench(task(rules=[FALLS]))
    for y in (120, 90):
        bench.publish("left", tail(y))
        bench.clock.advance(1000 * MS)
        bench.node.step()
    (decision,) = decisions(bench)
    assert decision.outcome == "suppressed_age"
    metrics = bench.node.metrics()
    assert (metrics["too_old"], metrics["decided"]) == (1, 0)


def test_arms_and_disarms_on_request(make_bench, task):
    bench = make_bench(task(rules=[FALLS]))

    def jump():
        for y in (120, 90):
            bench.publish("left", tail(y))
            bench.node.step()
            bench.clock.advance(10 * MS)

    jump()
    assert bench.node.handle("disarm", {}) == {"armed": False}
    jump()
    assert bench.node.metrics()["armed"] == 0
    assert bench.node.handle("arm", {}) == {"armed": True}
    jump()
    found = [(d.outcome, d.armed) for d in decisions(bench)]
    assert found == [("fired", 1), ("disarmed", 0), ("fired", 1)]
    with pytest.raises(StreamError, match=r"Expected arm, disarm .* got 'fire'"):
        bench.node.handle("fire", {})


def test_stop_counts_what_nobody_looked_at(make_bench, task):
    bench = make_bench(task())
    bench.publish("left")
    bench.node.step()
    for _ in range(5):
        bench.publish("left")
    bench.node.stop()
    assert bench.account("left") == (6, 1, 5, 0)
    for name in ("poses/left", "decisions", "losses/inference"):
        assert bench.streams.ring(name).closed
    bench.node.close()
    bench.node.close()
    assert bench.account("left") == (6, 1, 5, 0)


def test_stop_before_start_is_harmless(make_bench, task):
    bench = make_bench(task())
    bench.node.stop()
    assert bench.account("left") == (0, 0, 0, 0)


def test_a_node_that_is_started_again_goes_on_with_the_account(make_bench, task):
    bench = make_bench(task(rules=[FALLS]))
    for y in (120, 90, 80):
        bench.publish("left", tail(y))
        bench.node.step()
    killed = bench.node  # it takes nothing back: what it wrote is all there is
    for _ in range(4):
        bench.publish("left", tail(130))
    bench.node = bench.make_node()
    bench.node.open()
    bench.node.attach(bench.streams)
    bench.node.step()
    bench.publish("left", tail(70))
    bench.node.step()
    assert bench.account("left") == (8, 5, 3, 0)
    assert [d.decision_id for d in decisions(bench)] == [0, 1]
    killed.close()


def test_metrics_have_units_and_truth(make_bench, task):
    bench = make_bench(task(["left", "right"]), {"left": (8, 8), "right": (8, 8)})
    assert bench.node.metrics()["pose_hz_left"] == 0
    for _ in range(50):
        bench.publish("left", age_ms=8)
        bench.clock.advance(2 * MS)
        bench.node.step()
        bench.clock.advance(8 * MS)
    metrics = bench.node.metrics()
    assert metrics["pose_p50_ms"] == pytest.approx(10)
    assert metrics["camera_p99_ms"] == pytest.approx(7)
    assert metrics["network_p50_ms"] == 0  # the clock stood still meanwhile
    assert metrics["pose_hz_left"] == pytest.approx(100, rel=0.03)
    assert metrics["pose_hz_right"] == 0
    assert metrics["pose_age_ms_left"] == pytest.approx(18)
    assert "pose_age_ms_right" not in metrics
    assert all(isinstance(value, float) for value in metrics.values())


def test_comes_back_when_nothing_comes(make_bench, task):
    bench = make_bench(task())
    bench.node.step()
    assert bench.account("left") == (0, 0, 0, 0)


def test_a_notice_wakes_it_and_the_frame_is_seen_in_the_same_turn(
    make_bench, task, monkeypatch
):
    bench = make_bench(task())
    waiter = bench.node._attached.waiter

    class FrameWhileWaiting:
        close = staticmethod(waiter.close)

        def wait(self, timeout_ms):
            bench.publish("left", tail(5))
            return waiter.wait(10_000)

    monkeypatch.setattr(
        bench.node,
        "_attached",
        dataclasses.replace(bench.node._attached, waiter=FrameWhileWaiting()),
    )
    bench.node.step()
    assert bench.account("left") == (1, 1, 0, 0)


def test_refuses_a_rule_on_an_unknown_body_part(make_bench, task):
    rule = {**FALLS, "when": {**FALLS["when"], "keypoint": "tails"}}
    with pytest.raises(ConfigError, match="did you mean 'tail'"):
        make_bench(task(rules=[rule]))


def test_refuses_deep_pixels(make_bench, task, shm, tmp_path):
    bench = make_bench(task())
    bench.streams.create_ring(
        StreamSpec(
            name="cameras/deep",
            kind="frames",
            node="deep",
            payload=PayloadSpec("<u2", (8, 8)),
            slots=16,
        )
    )
    bench.task = task(["deep"])
    node = bench.make_node()
    bench.streams.create_ring(
        msgspec.structs.replace(
            bench.streams.ring("poses/left").spec, name="poses/deep"
        )
    )
    node.open()
    with pytest.raises(ModelError, match=r"8-bit pixels .* got <u2: set the camera's"):
        node.attach(bench.streams)


def test_refuses_a_camera_without_stream(make_bench, task):
    with pytest.raises(StreamError, match="cameras/right"):
        make_bench(task(["right"]), {"left": (8, 8)})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    turns=st.lists(
        st.tuples(st.sampled_from(["left", "right"]), st.integers(0, 20)), max_size=40
    )
)
def test_account_closes_whatever_comes(turns, task, make_bench):
    shapes = {"left": (6, 6), "right": (6, 6)}
    bench = make_bench(task(["left", "right"]), shapes)
    for camera, frames in turns:
        for _ in range(frames):
            bench.publish(camera)
        bench.clock.advance(MS)
        if any(feed.waiting for feed in bench.node._attached.feeds):
            bench.node.step()
    bench.node.stop()
    assert closes(bench, "left")
    assert closes(bench, "right")
    for camera in shapes:
        seqs = [pose.frame_seq for pose in poses(bench, camera)[0]]
        assert seqs == sorted(set(seqs))
    bench.close()


def test_replay_of_what_was_published_decides_the_same(make_bench, task):
    rules = [
        {**FALLS, "sham_probability": 0.5},
        {
            **FALLS,
            "name": "runs",
            "camera": "right",
            "when": {"kind": "speed", "keypoint": "nose", "above_px_per_s": 2000},
            "refractory_ms": 30,
            "debounce_frames": 2,
        },
    ]
    bench = make_bench(
        task(["left", "right"], rules), {"left": (8, 8), "right": (8, 8)}
    )
    rng = np.random.default_rng(1)
    for k in range(400):
        if k % 100 == 50:
            bench.node.handle("disarm" if k % 200 == 50 else "arm", {})
        for camera in ("left", "right"):
            if rng.random() < 0.7:
                bench.publish(
                    camera, rng.integers(0, 256, 6), age_ms=rng.uniform(2, 60)
                )
                bench.node.step()
            bench.clock.advance(5 * MS)
    bench.node.stop()

    recorded = decisions(bench)
    armed = {(d.camera, d.pose_seq): bool(d.armed) for d in recorded}
    rows = sorted(
        (pose.host_ns, camera, pose, keypoints)
        for camera in ("left", "right")
        for pose, keypoints in zip(*poses(bench, camera), strict=True)
    )
    config = StepConfig(
        compile_rules(
            TaskConfig.model_validate(bench.task).rules, ("nose", "tail"), seed=3
        )
    )
    state, replayed = begin(config), []
    for _, camera, pose, keypoints in rows:
        inputs = StepInputs.of_pose(
            camera, pose, armed=armed.get((camera, pose.seq), False)
        )
        result = step(keypoints, inputs, state, config)
        state = result.state
        replayed += [
            msgspec.structs.replace(d, seq=d.decision_id) for d in result.decisions
        ]
    assert len(recorded) > 50
    assert {d.outcome for d in recorded} >= {"fired", "sham", "disarmed"}
    assert repr(replayed) == repr(recorded)  # NaN is not equal to itself
