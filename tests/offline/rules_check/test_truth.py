"""Held against a truth that is known: the simulated mouse, and labels."""

import numpy as np
import pytest

from offline.rules_check.session import Asked, check_session
from rig.config.task import TaskConfig
from rig.errors import SessionError
from rig.recording.reader import Recording

MS = 1_000_000


@pytest.fixture
def check(plain):
    def check(made, folder=plain, **asked):
        with Recording.open(folder) as recording:
            task = TaskConfig.model_validate(made)
            return check_session(recording, task, Asked(**{"truths": {}, **asked}))

    return check


def test_the_condition_of_the_simulated_mouse(check, tasks, live):
    checked = check(tasks.of(tasks.take_off()))
    truth = checked.figures.rules[0].truth
    assert (truth.events, truth.found, truth.missed, truth.false) == (2, 2, 0, 0)
    assert truth.wrong_fraction == 0
    # pictures are 10 ms apart, the noise of some tenths of a pixel moves it little
    assert -1 < truth.seen.p5_ms <= truth.seen.p95_ms < 12
    age = checked.figures.rules[0].age
    assert truth.decided.median_ms == pytest.approx(
        truth.seen.median_ms + age.median_ms, abs=3
    )
    assert truth.action.median_ms == pytest.approx(truth.decided.median_ms + 1.2)
    assert checked.figures.landing_ms == 1.2
    # the feet leave the ground, then the hip rises over the line
    world = live({}).world
    after_ns = checked.truths["take_off"].events_ns - live({}).host_ns(world.take_off_s)
    assert (after_ns > 0).all()
    assert (after_ns < 40 * MS).all()
    assert abs(np.diff(after_ns)) <= MS


def test_a_moment_of_the_story(check, tasks, live):
    made = tasks.of(tasks.take_off())
    truths = {
        name: check(made, truths={"take_off": name}, within_ns=500 * MS)
        for name in ("take_off", "landing", "onset")
    }
    world = live({}).world
    found = {name: each.figures.rules[0].truth for name, each in truths.items()}
    assert found["take_off"].truth == "the mouse takes off"
    assert {each.found for each in found.values()} == {2}
    apart_ms = found["take_off"].decided.median_ms - found["landing"].decided.median_ms
    assert apart_ms == pytest.approx(
        (world.landing_s - world.take_off_s) * 1e3, abs=0.1
    )
    apart_ms = found["onset"].decided.median_ms - found["take_off"].decided.median_ms
    assert apart_ms == pytest.approx((world.take_off_s - world.onset_s) * 1e3, abs=0.1)


def test_a_later_threshold_is_later_and_a_debounce_too(check, tasks):
    def late(threshold, debounce):
        rule = tasks.take_off(debounce_frames=debounce)
        rule["when"]["threshold_px"] = threshold
        truths = {"take_off": "take_off"}
        checked = check(tasks.of(rule), truths=truths)
        return checked.figures.rules[0].truth.seen.median_ms

    assert late(280, 1) < late(240, 1) < late(200, 1)
    assert late(240, 3) == pytest.approx(late(240, 1) + 20, abs=0.1)


def test_what_is_missed_and_why(check, tasks):
    old = tasks.take_off(max_pose_age_ms=0.5)
    rare = tasks.take_off(name="rare", refractory_ms=5000)
    found = check(tasks.of(old, rare)).figures.rules
    truth = found[0].truth
    assert (truth.found, truth.missed, truth.missed_by) == (0, 2, {"age": 2})
    assert found[0].suppressed == {"age": 2}
    assert truth.seen is truth.decided is truth.action is None
    # the refractory time is a part of what the rule shall do
    assert (found[1].truth.events, found[1].truth.found) == (1, 1)


def test_false_fires(check, tasks):
    rule = tasks.take_off(name="down")
    rule["when"].update(direction="rising", threshold_px=290)
    found = check(tasks.of(rule), truths={"down": "take_off"}, within_ns=20 * MS)
    truth = found.figures.rules[0].truth
    assert truth.found == 0
    assert truth.false > 0
    assert truth.wrong_fraction == 1
    assert truth.missed_by == {"no_edge": 2}


def test_space_and_signals(check, tasks):
    made = tasks.of(
        tasks.high,
        {**tasks.drop, "sham_probability": 0},
        features=tasks.features,
        space={},
    )
    checked = check(made, truths={"drop": "take_off"})
    high, drop = (rule.truth for rule in checked.figures.rules)
    assert (high.events, high.found, high.false) == (2, 2, 0)
    assert -2 < high.seen.median_ms < 12
    assert (drop.events, drop.found, drop.false) == (2, 2, 0)
    assert 0 < drop.decided.p5_ms <= drop.decided.p95_ms < 25
    alone = check(tasks.of(tasks.drop, features=tasks.features))
    (remark,) = alone.figures.remarks
    assert "it asks a signal" in remark


def test_labels_in_seconds_and_frames(check, tasks, plain, tmp_path, live):
    made = live({})
    jumps = made.host_ns(made.world.take_off_s)
    with Recording.open(plain) as recording:
        exposures = recording.rows("cameras/left")["exposure_ns"]
    seconds, frames = tmp_path / "s.csv", tmp_path / "f.csv"
    rows = [f"{(at - tasks.start_ns) / 1e9:.9f},up" for at in jumps]
    seconds.write_text("time_s,event\n" + "\n".join([*rows, "", "0.5,early"]))
    near = [int(np.abs(exposures - at).argmin()) for at in jumps]
    frames.write_text("event, frame\n" + "\n".join(f"up, {k}" for k in near))
    task = tasks.of(tasks.take_off())
    story = check(task, truths={"take_off": "take_off"})
    one = check(task, labels=seconds, truths={"take_off": "up"})
    two = check(task, labels=frames)  # one rule, one event: they belong together
    found = [each.figures.rules[0].truth for each in (story, one, two)]
    assert [each.found for each in found] == [2, 2, 2]
    assert found[1].truth == "up in the labels"
    assert found[1].decided.median_ms == pytest.approx(found[0].decided.median_ms)
    assert found[2].decided.median_ms == pytest.approx(
        found[0].decided.median_ms, abs=5.1
    )
    # nobody says which of two events is meant
    assert check(task, labels=seconds).figures.rules[0].truth is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ":1: expected columns event and one of"),
        ("time_s,frame,event\n", ":1: expected columns event"),
        ("time_s,event\nx,up\n", ":2: expected a number for time_s, got 'x'"),
        ("time_s,event\n1,up\n2\n", ":3: expected 2 values, got '2'"),
        ("frame,event\n100000,up\n", ":2: expected a frame from 0 to"),
        ("frame,event,camera\n1,up,paw\n", r":2: expected a camera \(left, right\)"),
        ("scorer,a,a\nbodyparts,hip\n", "DeepLabCut's header of three rows"),
        ("scorer,a,a\nbodyparts,hip,hip\ncoords,x,z\n", ":3: expected columns x and y"),
        ("scorer,a,a\nbodyparts,hip,hip\ncoords,x,y\nimg.png,1,2\n", "frame's number"),
    ],
    ids=range(9),
)
def test_labels_that_are_wrong(check, tasks, tmp_path, text, words):
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(SessionError, match=words):
        check(tasks.of(tasks.take_off()), labels=path)


HEADERS = {
    "events": "event,time_s\n",
    "blank": "event,time_s\n\n , \n",
    "pictures": "scorer,me,me\nbodyparts,hip,hip\ncoords,x,y\n",
}


@pytest.mark.parametrize("text", HEADERS.values(), ids=HEADERS)
def test_labels_without_any(check, tasks, tmp_path, text):
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(SessionError, match=r"Expected a line for each .* got none"):
        check(tasks.of(tasks.take_off()), labels=path)


def test_labels_outside_the_recording(check, tasks, tmp_path):
    path = tmp_path / "labels.csv"
    task = tasks.of(tasks.take_off())
    path.write_text("event,time_s\ntake_off,6520\ntake_off,1210\n")
    words = (
        r"within the recording \(0\.\d+ to 5\.\d+ s after the session's start\) in "
        r".*labels.csv, got 1210 to 6520 s: time_s is in seconds"
    )
    with pytest.raises(SessionError, match=words):
        check(task, labels=path)
    path.write_text(f"event,host_ns\nup,{tasks.start_ns // 1000}\n")
    with pytest.raises(SessionError, match=r"got -[\d.]+ s: .* host_ns in nano"):
        check(task, labels=path)
    path.write_text("event,time_s\ntake_off,6520\ntake_off,2\ntake_off,-1\n")
    checked = check(task, labels=path)
    (remark,) = checked.figures.remarks
    assert remark.startswith("2 of 3 labelled events not judged: outside the recording")
    assert checked.figures.rules[0].truth.events == 1


def test_fires_that_the_board_would_refuse(check, tasks):
    """Two rules see the same take-off; the laser answers one of them."""
    low = tasks.take_off(name="low")
    low["when"] = {**low["when"], "threshold_px": 245}
    found = check(tasks.of(tasks.take_off(), low)).figures
    assert [rule.fired for rule in found.rules] == [2, 2]
    (remark,) = found.remarks
    assert "2 of 2 fires would be refused by laser (refused_rate)" in remark
    sham = tasks.take_off(name="sham", sham_probability=1)
    assert check(tasks.of(tasks.take_off(), sham)).figures.remarks == ()


def test_an_event_that_there_is_not(check, tasks, tmp_path):
    made = tasks.of(tasks.take_off())
    known = "condition, take_off, landing, onset for --truth take_off"
    with pytest.raises(SessionError, match=known):
        check(made, truths={"take_off": "jump"})
    path = tmp_path / "labels.csv"
    path.write_text("time_s,event\n1,up\n")
    with pytest.raises(SessionError, match="Expected one of up, condition"):
        check(made, labels=path, truths={"take_off": "jump"})


@pytest.mark.parametrize("folders", [False, True])
def test_labelled_frames(check, tasks, plain, tmp_path, folders):
    """Labels are the poses themselves, but for three that somebody sees elsewhere."""
    with Recording.open(plain) as recording:
        poses = recording.payload("poses/left")
        frames = recording.rows("poses/left")["frame_seq"]
        parts = recording.attributes("poses/left")["bodyparts"]
    hip = parts.index("hip")
    up = poses[:, hip, 1] <= 240
    up_at, down_at = np.flatnonzero(up)[:6], np.flatnonzero(~up)[::40]
    lines = []
    for k in [*up_at, *down_at]:
        x, y = poses[k, hip, :2]
        y = 300 if k == up_at[0] else y
        y = 100 if k in down_at[:2] else y
        cells = ["", ""] if k == up_at[1] else [f"{x}", f"{y}"]
        name = f"img{frames[k]:05d}.png"
        first = (
            ["labeled-data", "film", name] if folders else [f"labeled-data/f/{name}"]
        )
        lines.append([*first, *cells, "1", "2"])
    blank = [""] * (2 if folders else 0)
    head = [
        ["scorer", *blank, *["me"] * 4],
        ["bodyparts", *blank, "hip", "hip", "toe", "toe"],
        ["coords", *blank, "x", "y", "x", "y"],
    ]
    path = tmp_path / "CollectedData_me.csv"
    path.write_text("\n".join(",".join(row) for row in [*head, *lines]))
    checked = check(tasks.of(tasks.take_off()), labels=path)
    found = checked.figures.rules[0].frames
    assert found.frames == len(lines)
    assert (found.both, found.missed, found.false, found.untold) == (4, 2, 1, 1)
    assert found.neither == len(down_at) - 2


def test_labelled_frames_that_do_not_tell(check, tasks, tmp_path):
    path = tmp_path / "CollectedData_me.csv"
    head = "scorer,me,me\nbodyparts,hip,hip\ncoords,x,y\n"
    path.write_text(f"{head}labeled-data/film/img003.png,1,2\n")
    held = tasks.take_off(name="held", camera="right")
    nose = tasks.take_off(name="nose")
    nose["when"]["keypoint"] = "nose"
    course = tasks.take_off(name="course")
    course["when"] = {"kind": "held", "of": course["when"], "for_ms": 5}
    checked = check(tasks.of(held, nose, course), labels=path)
    assert [rule.frames for rule in checked.figures.rules] == [None] * 3
    told = " ".join(checked.figures.remarks)
    assert "they are of camera left" in told
    assert "they have no nose" in told
    assert "one frame does not tell of held" in told
