"""`springhare doctor --loop`: its plan, its levels, its verdict."""

import json

import numpy as np
import pytest
from msgspec import structs
from ruamel.yaml import YAML

from offline.loop_latency import doctor
from offline.loop_latency.loop_back import judge_loop
from offline.loop_latency.loop_task import loop_rig, loop_task, plan_loop
from offline.loop_latency.spot import Levels, host_line, learn_levels, spot_levels
from rig.config.latency import LatencyBudget
from rig.config.rig import RigConfig
from rig.config.session import SessionConfig
from rig.config.task import TaskConfig
from rig.config.together import check_together
from rig.errors import ConfigError, SessionError
from rig.recording.count import ledger_from_recording
from rig.recording.finish import finish_session
from rig.recording.reader import Recording

LEVELS = Levels(45.0, 165.0, 2.0)


@pytest.fixture
def rig(scene):
    return RigConfig.model_validate(scene(seconds=1).rig)


@pytest.fixture(scope="module")
def light(light_scene, tmp_path_factory):
    made = light_scene(seconds=14, jumps=False)
    folder = made.write(tmp_path_factory.mktemp("light") / "m1" / "session")
    return made, folder


def learnt(recording, plan):
    _, line = host_line(recording, "daq", "sync")
    level = spot_levels(recording, plan.camera, plan.box)
    exposure_ns = recording.rows("cameras/cam")["exposure_ns"].astype(np.int64)
    return learn_levels(level, exposure_ns, line, 2e6)


def judged(folder, rig, **options):
    plan = plan_loop(rig, camera=None, line=None)
    with Recording.open(folder) as recording:
        levels = learnt(recording, plan)
        wanted = {"budget": None, "network_ns": None, **options}
        return judge_loop(recording, plan, levels, **wanted)


def test_the_task_closes_the_loop_on_the_leds_pixels(rig):
    plan = plan_loop(rig, camera="cam", line="laser")
    budget = LatencyBudget.model_validate({"total": {"p99_ms": 30}})
    wish = TaskConfig(format="springhare-task/1", name="t", latency_budget=budget)
    made = TaskConfig.model_validate(loop_task(plan, LEVELS, wish))
    [rule] = made.rules
    # a third of the way from dark to lit, within the square inside the spot
    assert plan.box == (48, 10, 53, 15)
    assert rule.when.threshold_px == pytest.approx(48 + 5 * (45 + 0.3 * 120) / 256)
    assert (rule.action.line, rule.action.pulse_width_us) == ("laser", 1000)
    assert rule.refractory_ms >= 1000 / 40
    assert made.latency_budget == budget
    session = {"format": "springhare-session-plan/1", "subject": "m1"}
    check_together(rig, made, SessionConfig.model_validate(session))
    assert "rules" not in loop_task(plan, None, wish)


@pytest.mark.parametrize(
    ("change", "given", "words"),
    [
        (lambda d: d["cam"].pop("led"), {}, "write where under the camera"),
        (lambda d: None, {"camera": "daq"}, "Expected a camera that sees an LED"),
        (lambda d: d["daq"].pop("actuator"), {}, "an actuator line to fire"),
        (lambda d: d["cam"]["led"].update(line="laser"), {}, "on a sync line"),
        (lambda d: None, {"line": "lamp"}, r"a line of the actuator \(laser\)"),
    ],
)
def test_a_rig_that_cannot_be_tested_is_told_why(scene, change, given, words):
    plain = scene(seconds=1).rig
    change(plain["devices"])
    rig = RigConfig.model_validate(plain)
    with pytest.raises(ConfigError, match=words):
        plan_loop(rig, **{"camera": None, "line": None, **given})


def test_dark_and_lit_are_learnt_from_the_pixels(light, rig):
    plan = plan_loop(rig, camera=None, line=None)
    with Recording.open(light[1]) as recording:
        levels = learnt(recording, plan)
    assert levels.dark == pytest.approx(45, abs=5)
    assert levels.lit - levels.dark == pytest.approx(114, abs=3)


def test_a_place_without_an_led_is_refused(loop_scene, rig, tmp_path):
    made = loop_scene(seconds=6, jumps=False, led_xy=None)
    plan = plan_loop(rig, camera=None, line=None)
    with (
        Recording.open(made.write(tmp_path / "m1" / "s")) as recording,
        pytest.raises(SessionError, match="Expected an LED that brightens its spot"),
    ):
        learnt(recording, plan)


def test_light_to_edge_is_the_boards_own_truth(light, rig):
    scene, folder = light
    found = judged(folder, rig)
    assert found.go
    assert found.missed == found.false == 0
    assert found.answered == found.seen == len(scene.rises) >= 20
    rise = scene.line("sync").rise_ns
    edge = scene.true_edge_ns
    true = edge - rise[np.searchsorted(rise, edge - 5_000_000, side="right") - 1]
    told = found.light_to_edge
    ordered = np.sort(true) / 1e6
    assert told.max_ms == pytest.approx(ordered[-1], abs=0.002)
    assert told.p50_ms == pytest.approx(np.median(ordered), abs=0.3)
    assert found.stages["send"].p50_ms == 0.8
    assert 0 < found.light_to_frame.p50_ms < 12


def test_a_session_that_lost_frames_is_no_go(light_scene, rig, tmp_path):
    folder = light_scene(seconds=26, jumps=False).write(tmp_path / "m1" / "s")

    def judged_with(**fields):
        with Recording.open(folder) as recording:
            ledger = ledger_from_recording(recording)
        finish_session(folder, structs.replace(ledger, **fields))
        return judged(folder, rig)

    assert judged_with(verdict="PASS").go
    found = judged_with(verdict="FAIL", reason="cameras/left lost 157 (15.5 %)")
    assert not found.go
    assert found.reasons == (
        "the test's own session is FAIL: cameras/left lost 157 (15.5 %)",
    )
    found = judged_with(verdict="WARN", reason="recorder died")
    assert found.go
    assert "the test's own session is WARN: recorder died" in found.remarks


def test_lights_held_back_are_no_edges(light_scene, rig, tmp_path):
    made = light_scene(seconds=26, jumps=False)
    made.hurried = True
    found = judged(made.write(tmp_path / "m1" / "s"), rig)
    assert found.seen >= 20 > found.answered
    assert found.held_back == found.seen - found.answered
    assert found.held_by == {"suppressed_refractory": found.held_back}
    [reason] = found.reasons
    assert reason.startswith(f"{found.answered} edges were measured, at least 20 are")
    assert "laser may be fired every 25 ms only" in reason
    assert "run longer (--seconds)" in reason


def test_lights_are_apart_and_fires_within_the_boards_limits(scene):
    plain = scene(seconds=1).rig
    laser = plain["devices"]["daq"]["actuator"]["lines"]["laser"]

    def planned(**limits):
        laser.update(limits)
        rig = RigConfig.model_validate(plain)
        plan = plan_loop(rig, camera=None, line=None)
        made = RigConfig.model_validate(loop_rig(plan, rig))
        line = made.harp_devices["daq"].sync_line
        assert (line.barcode, line.pulse_width_ms) == (None, 10)
        assert made.cameras == rig.cameras
        return plan.width_us, plan.apart_ms, plan.refractory_ms

    assert planned() == (1000, 25, 65)
    assert planned(max_duty=0.01) == (250, 25, 65), "narrower, not less often"
    assert planned(max_rate_hz=2, max_duty=0.5) == (1000, 500, 550)
    assert planned(max_rate_hz=1000, max_duty=0.001) == (100, 100, 110)
    assert planned(max_width_us=50, max_duty=0.5) == (50, 1, 41)


def test_a_miss_is_no_go(light_scene, rig, tmp_path):
    made = light_scene(seconds=14, jumps=False)
    made.asleep, made.ghosts = (3, 8), (900,)
    found = judged(made.write(tmp_path / "m1" / "s"), rig)
    assert not found.go
    assert (found.missed, found.false) == (2, 1)
    assert len(found.reasons) == 2
    assert "2 of" in found.reasons[0]


def test_commands_that_made_no_edge_are_no_go(light_scene, rig, tmp_path):
    made = light_scene(seconds=14, jumps=False)
    made.unanswered = 3
    found = judged(made.write(tmp_path / "m1" / "s"), rig)
    assert found.reasons == ("3 commands without an edge: stale",)
    assert found.answered == found.seen - 3


def test_an_answer_after_the_timeout_is_an_edge(light_scene, rig, tmp_path):
    made = light_scene(seconds=14, jumps=False)
    made.late = 3
    found = judged(made.write(tmp_path / "m1" / "s"), rig)
    assert found.go
    assert found.refused == {}
    assert found.answered == found.seen


def test_too_little_light_is_no_go(light_scene, rig, tmp_path):
    made = light_scene(seconds=5, jumps=False)
    made.lines["sync"] = made.lines["sync"][:24]
    found = judged(made.write(tmp_path / "m1" / "s"), rig)
    assert not found.go
    assert "at least 20 are needed" in found.reasons[0]


@pytest.mark.parametrize(
    ("budget", "network_ms", "go"),
    [
        ({"total": {"p99_ms": 12}}, None, True),
        ({"total": {"p99_ms": 4}}, None, False),
        ({"total": {"p99_ms": 12}}, 9.0, False),
        ({"network": {"p50_ms": 9.5}}, 9.0, True),
        ({"network": {"p50_ms": 8.5}}, 9.0, False),
    ],
)
def test_the_budget_counts_with_the_tasks_own_network(
    light, rig, budget, network_ms, go
):
    took = None if network_ms is None else np.full(100, round(network_ms * 1e6))
    found = judged(
        light[1],
        rig,
        budget=LatencyBudget.model_validate(budget),
        network_ns=took,
    )
    assert found.go == go
    stages = {one.stage: one for one in found.budget}
    if "total" in stages:  # light may come on just after an exposure
        assert stages["light"].limit_ms == stages["total"].limit_ms + 10


@pytest.fixture
def recorded(monkeypatch, loop_scene, light, tmp_path):
    """Let sessions that are there already be what is recorded."""
    calls = []

    def record(rig_file, task_file, **options):
        calls.append((task_file and json.loads(task_file.read_text("utf-8")), options))
        if task_file is None:
            made = loop_scene(seconds=8, jumps=False)
            return made.write(tmp_path / "out" / "learning")
        return light[1]

    monkeypatch.setattr(doctor, "record_session", record)
    return calls


@pytest.fixture
def files(scene, tmp_path):
    rig, task = tmp_path / "rig.yaml", tmp_path / "task.yaml"
    with rig.open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(scene(seconds=1).rig, file)
    task.write_text(
        "format: springhare-task/1\nname: t\nlatency_budget: {total: {p99_ms: 12}}\n",
        "utf-8",
    )
    return {"rig_file": rig, "task_file": task}


def ask(**options):
    usual = {
        "simulate": False,
        "camera": None,
        "line": "laser",
        "seconds": 14.0,
        "out": None,
        "as_json": True,
    }
    return doctor.loop(**{**usual, **options})


def test_the_whole_visit(recorded, files, light, tmp_path, capsys):
    assert ask(**files) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["go"]
    assert told == json.loads((light[1] / doctor.REPORT_FILE).read_text("utf-8"))
    (nothing, first), (task, second) = recorded
    assert nothing is None
    assert first["seconds"] < second["seconds"] == 14
    assert task["latency_budget"] == {"total": {"p99_ms": 12.0}}
    assert not (tmp_path / "out" / "learning").exists(), "of no use any more"
    assert ask(**files, as_json=False) == 0
    text = capsys.readouterr().out
    for words in ("LED on daq sync, seen by cam; fired: daq laser", "light to edge",
                  "0 held back, 0 missed", "GO\n", "frame period more"):  # fmt: skip
        assert words in text


def test_without_a_budget_go_says_so(recorded, files, capsys):
    assert ask(rig_file=files["rig_file"], task_file=None, as_json=False) == 0
    text = capsys.readouterr().out
    assert "GO (no latency budget in the task: light to edge p99 " in text


def test_no_line_of_a_real_rig_is_fired_unasked(recorded, files):
    with pytest.raises(ConfigError, match="--line NAME"):
        ask(**files, line=None)
    assert recorded == []
    assert ask(**files, line=None, simulate=True) == 0


def test_a_rig_must_be_named():
    with pytest.raises(ConfigError, match="--rig FILE"):
        ask(rig_file=None, task_file=None)
