"""Stages of a session against its truth: mapped live, and aligned."""

import shutil

import numpy as np
import pytest

from offline.alignment.layout import ALIGNED_FILE
from offline.loop_latency import loop_latency, loop_times
from rig.config.latency import LatencyBudget
from rig.recording.latency import latencies
from rig.recording.ledger import Ledger
from rig.recording.reader import Recording

LIVE_EDGE_ERROR_NS = 80_000


@pytest.fixture(scope="module")
def by_alignment(aligned):
    with Recording.open(aligned[1]) as recording:
        return loop_times(recording)


def test_what_is_on_the_host_is_exact(recording):
    took = loop_times(recording).poses[0].stages.took_ns
    assert set(took["wait"]) == {400_000}
    assert set(took["decide"]) == {50_000}
    assert (took["network"] >= 5_000_000).all()
    took = loop_times(recording).rules[0].stages.took_ns
    assert set(took["send"]) == {800_000}


def test_pulses_by_hand_are_nobodys_rule(loop_scene, truth, recording, tmp_path):
    made = loop_scene(seconds=12, jumps=False)
    made.by_hand = True
    with Recording.open(made.write(tmp_path / "m1" / "session")) as asked:
        found = loop_times(asked)
        assert set(latencies(asked)) == {"cam"}
    [rule], [all_] = found.rules, loop_times(recording).rules
    assert rule.rule == "jump"
    assert rule.commands == {"done": all_.commands["done"] - 1}
    assert len(rule.stages.took_ns["total"]) == len(all_.stages.took_ns["total"]) - 1
    assert not any("by_hand" in remark for remark in found.remarks)


def test_stages_add_up_to_the_total(by_alignment):
    took = by_alignment.rules[0].stages.took_ns
    parts = ("camera", "wait", "network", "decide", "send", "board")
    assert np.array_equal(sum(took[part] for part in parts), took["total"])
    assert np.array_equal(took["pose"] + took["send"] + took["board"], took["total"])


def test_aligned_times_are_the_truth_within_what_they_say(aligned, by_alignment):
    scene, _ = aligned
    assert by_alignment.clocks == "aligned"
    assert not by_alignment.remarks
    stages = by_alignment.rules[0].stages
    error_ns = stages.took_ns["total"] - scene.true_total_ns
    sd_ns = stages.sd_ns["total"]
    assert (sd_ns < 20_000).all(), "of one clock to another, the host is not in between"
    assert (np.abs(error_ns) < 4 * sd_ns).all()
    assert np.abs(error_ns).max() < 5_000
    poses = by_alignment.poses[0].stages
    arrival_ns = scene.frames["host_ns"][by_alignment.poses[0].looked_at]
    error_ns = poses.took_ns["camera"] - (arrival_ns - scene.true_exposure_ns)
    assert (np.abs(error_ns) < 4 * poses.sd_ns["camera"]).all()


def test_live_times_are_as_they_were_mapped(truth, recording):
    scene, _ = truth
    found = loop_times(recording)
    assert found.clocks == "live"
    assert found.remarks == [
        "exposures and edges as they were mapped live: it is not aligned"
    ]
    stages = found.rules[0].stages
    assert set(stages.took_ns["board"]) == {200_000 + LIVE_EDGE_ERROR_NS}
    assert set(stages.sd_ns["board"]) == {50_000}, "of clocks/daq"
    # the camera has no clock of its own: nobody knows how well it was mapped
    assert np.isnan(stages.sd_ns["total"]).all()
    late_ns = scene.true_total_ns - stages.took_ns["total"]
    assert np.median(late_ns) > 200_000, "live it came by the arrival"


def test_an_alignment_of_another_recording_is_not_gone_by(truth, aligned, tmp_path):
    folder = shutil.copytree(truth[1], tmp_path / "m1" / "session")
    (folder / "derived").mkdir()
    (folder / ALIGNED_FILE).write_bytes(b"no HDF5")
    with Recording.open(folder) as recording:
        found = loop_times(recording)
    assert found.clocks == "live"
    assert "springhare align" in found.remarks[0]


def test_frames_that_were_never_looked_at_are_counted(recording):
    [camera] = loop_latency(loop_times(recording), None).cameras
    assert (camera.skipped, camera.most_skipped) == (4, 3)
    assert camera.frames == camera.poses + 4
    assert camera.skipped_fraction == pytest.approx(4 / camera.frames, abs=1e-6)


def test_what_was_not_carried_out_is_told_by_cause(loop_scene, tmp_path):
    made = loop_scene(seconds=6, jumps=False)
    made.unanswered = 2
    with Recording.open(made.write(tmp_path / "m1" / "s")) as recording:
        [rule] = loop_latency(loop_times(recording), None).rules
    assert (rule.rule, rule.camera) == ("jump", "cam")
    assert rule.edges == rule.fired - 2
    assert rule.commands == {"done": rule.edges, "stale": 2}
    held = rule.outcomes["suppressed_refractory"]
    assert rule.suppressed == {"suppressed_refractory": held, "stale": 2}
    assert rule.stages["total"].count == rule.edges


def test_what_was_answered_after_its_timeout_is_one_edge(loop_scene, tmp_path):
    made = loop_scene(seconds=6, jumps=False)
    made.late = 3
    with Recording.open(made.write(tmp_path / "m1" / "s")) as recording:
        [rule] = loop_latency(loop_times(recording), None).rules
        figures = latencies(recording)["cam"]
    assert rule.edges == rule.fired
    assert rule.commands == {"done": rule.edges - 3, "done_late": 3}
    assert set(rule.suppressed) == {"suppressed_refractory"}
    assert rule.late == 3
    assert rule.stages["total"].count == rule.fired
    assert rule.stages["board"].max_ms == (200_000 + LIVE_EDGE_ERROR_NS) / 1e6
    assert figures["total"].count == rule.fired


def test_what_was_said_live_is_told_again(recording):
    [breach] = loop_times(recording).breaches
    assert breach.endswith("s: network p99 9.0 ms, budget 8 ms")


def test_the_ledger_has_the_figures(recording):
    found = loop_latency(loop_times(recording), None)
    ledger = Ledger.from_json(recording.ledger)
    assert set(ledger.latency) == {"cam"}
    told = ledger.latency["cam"]["network"]
    ours = found.cameras[0].stages["network"]
    assert (told.count, told.p50_ms, told.max_ms) == (
        ours.count,
        ours.p50_ms,
        ours.max_ms,
    )
    assert ledger.latency["cam"]["total"].count == found.rules[0].edges
    assert any("over the latency budget once" in r for r in ledger.remarks)
    assert ledger.verdict != "PASS"


@pytest.mark.parametrize(
    ("budget", "over"),
    [
        ({"network": {"p99_ms": 8}}, []),
        ({"network": {"p99_ms": 6}}, [("camera cam", "network")]),
        ({"total": {"p50_ms": 2}, "send": {"max_ms": 1}}, [("rule jump", "total")]),
    ],
)
def test_each_limit_is_held_against_whom_it_concerns(recording, budget, over):
    found = loop_latency(loop_times(recording), LatencyBudget.model_validate(budget))
    assert [(judged.subject, judged.stage) for judged in found.over] == over
    assert len(found.budget) == sum(len(stage) for stage in budget.values())
