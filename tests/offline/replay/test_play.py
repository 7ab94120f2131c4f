"""A session's own task decides as it did; another one as it would have."""

import pytest

from offline.replay import play, recorded_session, sameness
from rig.config.task import TaskConfig
from rig.errors import ConfigError, SessionError
from rig.recording.reader import Recording


@pytest.fixture(scope="module")
def opened(whole):
    with Recording.open(whole) as recording:
        yield recording, recorded_session(recording)


@pytest.fixture(scope="module")
def replayed(opened):
    recording, session = opened
    return play(recording, session, session.task)


def test_the_own_task_decides_the_same(opened, replayed):
    recording, session = opened
    replay = replayed
    assert replay.own
    assert replay.armed == "recorded"
    found = {each.stream: each for each in sameness(recording, session, replay.played)}
    assert set(found) == {
        "decisions",
        "estimates/left",
        "estimates/right",
        "points/space",
    }
    assert all(each.whole for each in found.values()), found
    outcomes = {
        (each.rule, each.outcome.partition("_")[0]) for each in replay.played.decisions
    }
    # of each rule, and of what holds it back, there is something to be the same
    rules = {"ahead", "drop", "high", "quick"}
    assert {rule for rule, _ in outcomes} == {*rules, "by_hand"}
    assert {outcome for _, outcome in outcomes} >= {"fired", "sham", "disarmed"}
    assert found["points/space"].recorded > 300


def test_what_was_asked_for_by_hand_was_so_under_any_task(opened, replayed):
    """It stands at its place, and takes its number; no rule is told of it."""
    recording, session = opened
    recorded = [
        (row["host_ns"], row["outcome"].decode(), row["cause"].decode())
        for row in recording.rows("decisions")
        if row["rule"] == b"by_hand"
    ]
    assert [outcome for _, outcome, _ in recorded] == [
        *["fired"] * 4,
        "disarmed",
        "fired",
    ]
    assert {cause for _, _, cause in recorded} == {"asked by a müller"}
    plain = session.task.model_dump(mode="json")
    plain["rules"] = plain["rules"][:1]
    plain["rules"][0]["sham_probability"] = 0
    other = play(recording, session, TaskConfig.model_validate(plain))
    assert other.armed == "always"
    for replay in (replayed, other):
        made = replay.played.decisions
        assert [d.decision_id for d in made] == list(range(len(made)))
        mine = [d for d in made if d.rule == "by_hand"]
        assert [(d.host_ns, d.outcome, d.cause) for d in mine] == recorded
    without = {"ahead", "by_hand"}
    assert {d.rule for d in other.played.decisions} == without


def test_a_dead_node_begins_anew(opened):
    recording, session = opened
    assert len(session.begins_ns) == 2
    numbers = recording.rows("decisions")["decision_id"]
    assert numbers.tolist() == list(range(len(numbers)))


def test_watching_changes_nothing(opened, replayed):
    recording, session = opened
    watched = play(recording, session, session.task, watch=True)
    assert watched.played.decisions == replayed.played.decisions
    poses = len(session.poses["left"].rows)
    (trace,) = watched.watches["ahead"].parts
    assert len(trace.at_ns) == len(watched.watches["ahead"].whole.at_ns) == poses
    assert len(watched.watches["quick"].parts) == 2
    assert trace.spec.threshold == 240


def test_another_task_decides_otherwise(opened):
    recording, session = opened
    plain = session.task.model_dump(mode="json")
    for rule in plain["rules"]:
        rule["refractory_ms"] = 10_000
        rule["sham_probability"] = 0
    replay = play(recording, session, TaskConfig.model_validate(plain))
    assert not replay.own
    assert replay.armed == "always"
    for rule in plain["rules"]:
        mine = [each for each in replay.played.decisions if each.rule == rule["name"]]
        outcomes = [each.outcome for each in mine]
        # the node dies in between, and remembers no fire after that
        assert outcomes.count("fired") == 2, rule
        assert not {"sham", "disarmed"} & set(outcomes)


def test_never_armed_is_as_recorded_only_where_that_is_asked(live, tasks, tmp_path):
    folder = live(tasks.of(tasks.take_off()), disarmed_s=(0, 60)).write(tmp_path / "s")
    with Recording.open(folder) as recording:
        session = recorded_session(recording)
        outcomes = {
            how: [
                each.outcome
                for each in play(
                    recording, session, session.task, armed=how
                ).played.decisions
            ]
            for how in ("recorded", "always", None)
        }
    assert outcomes["recorded"] == outcomes[None] == ["disarmed", "disarmed"]
    assert outcomes["always"] == ["fired", "fired"]


def test_a_processors_poses_are_what_rules_see(live, tasks, tmp_path):
    processor = {"use": "nowhere.py:Nothing"}
    made = tasks.of(tasks.take_off(), processor=processor)
    folder = live(made).write(tmp_path / "s")
    with Recording.open(folder) as recording:
        session = recorded_session(recording)
        replay = play(recording, session, session.task)
        assert all(each.whole for each in sameness(recording, session, replay.played))
        others = session.task.model_dump(mode="json")
        others["inference"]["processor"]["use"] = "elsewhere.py:Other"
        other = play(recording, session, TaskConfig.model_validate(others))
    assert not replay.remarks
    (remark,) = other.remarks
    assert "elsewhere.py:Other is not run" in remark
    assert other.played.decisions != replay.played.decisions


def test_prediction_goes_over_what_the_session_has_shown(live, plain, tasks, tmp_path):
    rule = tasks.take_off()
    rule["when"]["points"] = "predicted"
    made = live(tasks.of(tasks.take_off()), answered=False, seconds=2.2)
    silent = made.write(tmp_path / "t")
    landings = []
    for place, prediction in (
        (plain, {}),
        (silent, {}),
        (silent, {"landing_ms": 21.0}),
    ):
        with Recording.open(place) as recording:
            asked = tasks.of(rule, prediction=prediction)
            session = recorded_session(recording)
            replay = play(recording, session, TaskConfig.model_validate(asked))
        landings.append(replay.landing_ns)
        told = [each for each in replay.remarks if "nothing was acknowledged" in each]
        assert bool(told) == (replay.landing_ns == 3_000_000)
        latencies = {each.latency_ns for each in replay.played.decisions}
        assert latencies == {replay.landing_ns}
    assert landings == [1_200_000, 3_000_000, 21_000_000]


def test_further_prediction_fires_no_later(live, tasks, tmp_path):
    made = live(tasks.of(tasks.take_off()), noise_px=0.1, seconds=2.2)
    folder = made.write(tmp_path / "s")
    first = []
    with Recording.open(folder) as recording:
        session = recorded_session(recording)
        for landing_ms in (1.0, 20.0, 40.0):
            rule = tasks.take_off()
            rule["when"]["points"] = "predicted"
            asked = tasks.of(rule, prediction={"landing_ms": landing_ms})
            replay = play(recording, session, TaskConfig.model_validate(asked))
            first.append(replay.played.decisions[0].exposure_ns)
    assert first == sorted(first, reverse=True)
    assert first[0] > first[-1]


def test_what_does_not_fit_is_said(opened, tasks):
    recording, session = opened

    def error(kind, made, words):
        with pytest.raises(kind, match=words):
            play(recording, session, TaskConfig.model_validate(made))

    elsewhere = tasks.of(tasks.take_off(camera="paw"), cameras=["paw"])
    error(SessionError, elsewhere, r"poses of paw \(for take_off\).*of left, right")
    rule = tasks.take_off()
    rule["when"]["keypoint"] = "hipp"
    error(ConfigError, tasks.of(rule), "did you mean 'hip'")
    emg = {"emg": {**tasks.features["weight"], "stream": "daq/emg"}}
    drop = {**tasks.drop, "when": {**tasks.drop["when"], "feature": "emg"}}
    error(SessionError, tasks.of(drop, features=emg), "signals/daq/emg.*force_plate")
    lacking = {"weight": {**tasks.features["weight"], "channels": ["Fq"]}}
    error(SessionError, tasks.of(tasks.drop, features=lacking), "got Fq")
    none = {**tasks.of(), "inference": None}
    error(ConfigError, none, "an inference section")


def test_a_session_without_poses(live, tasks, tmp_path):
    made = live(tasks.of(tasks.take_off()), seconds=1.5)
    made._frames = lambda: setattr(made, "arrivals", [])
    folder = made.write(tmp_path / "s")
    with Recording.open(folder) as recording:
        session = recorded_session(recording)
        with pytest.raises(SessionError, match="no model looked at it"):
            play(recording, session, session.task)
