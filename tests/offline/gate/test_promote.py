"""The command as a whole, with models whose errors are known."""

import json
import re

import pytest

from offline.gate import gate
from offline.gate.checks import Check
from offline.gate.command import show_outcome
from offline.gate.gate import Outcome
from rig import cli
from rig.config.loading import load_experiment, load_rig

RIG = """\
# our rig
format: springhare-rig/1
name: bench
data_root: data   # a fast disk
{model}devices:
  cam:
    kind: basler
    serial: "1"
    width_px: 64
    height_px: 48
    exposure_us: 1000
    trigger: {{mode: free_running, rate_hz: 100}}
  daq:
    kind: harp
    port: /dev/null
    actuator: {{lines: {{laser: {{pin: 1, max_width_us: 5000, max_rate_hz: 10}}}}}}
"""
TASK = """\
format: springhare-task/1
name: t
inference: {{model: {model}, engine: {engine}, cameras: [{camera}]}}
{budget}rules:
  - name: up
    camera: {camera}
    when: {{kind: crosses, keypoint: {part}, axis: y, direction: falling,
           threshold_px: 20}}
    max_pose_age_ms: 100000
    action: {{line: laser, pulse_width_us: 1000}}
"""
SESSION = "format: springhare-session-plan/1\nsubject: m1\n"


@pytest.fixture
def place(tmp_path):
    """Write the files of a rig."""

    def write(model=None, task_model="rig", engine="onnx", part="nose", camera="cam",
              budget=""):  # fmt: skip
        line = f"model: {model}  # the best so far\n" if model else ""
        (tmp_path / "rig.yaml").write_text(RIG.format(model=line))
        task = TASK.format(
            model=task_model, engine=engine, part=part, camera=camera, budget=budget
        )
        (tmp_path / "task.yaml").write_text(task)
        return tmp_path

    return write


@pytest.fixture
def promote(tmp_path, capsys, monkeypatch, make_project):
    """Promote; gives status, what was printed and the errors."""
    monkeypatch.setattr("offline.evaluation.looking._TIMED", 10)
    project = make_project()

    def run(*words, on=True):
        files = [f"--rig={tmp_path / 'rig.yaml'}"]
        if "--back" not in words:
            files.append(f"--task={tmp_path / 'task.yaml'}")
            files += [f"--on={project}"] if on else []
        status = cli.main(["promote", *map(str, words), *files])
        out, err = capsys.readouterr()
        told = out if "--json" in words else " ".join(out.split())
        return status, told, err

    return run


def model_at(folder):
    return load_rig(folder / "rig.yaml").model


def test_a_first_model_is_put_in_place_and_taken_back(
    place, promote, model_of, tmp_path
):
    place()
    status, out, err = promote(model_of("a.onnx"), "--json")
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert {check["name"]: check["state"] for check in found["checks"]} == {
        "task": "PASS",
        "parity": "WARN",
        "frames": "WARN",
        "accuracy": "WARN",
        "latency": "PASS",
    }
    assert found["was"] is None
    assert model_at(tmp_path) == found["model"]
    text = (tmp_path / "rig.yaml").read_text()
    kept = [line for line in text.splitlines() if not line.startswith("model")]
    assert kept == RIG.format(model="").splitlines()
    assert text.count("\n") == RIG.format(model="").count("\n") + 1
    (tmp_path / "session.yaml").write_text(SESSION)
    files = [tmp_path / f"{name}.yaml" for name in ("rig", "task", "session")]
    assert load_experiment(*files).task.inference.model == found["model"]
    assert promote("--back")[0] == 0
    assert model_at(tmp_path) is None


def test_the_better_one_replaces_and_the_worse_one_does_not(
    place, promote, model_of, tmp_path
):
    good, bad = model_of("good.onnx"), model_of("bad.onnx", shift_px=2.0)
    place(bad)
    status, out, _ = promote(good)
    assert status == 0
    assert "PASS accuracy" in out
    promoted = model_at(tmp_path)
    assert promoted.startswith(str(tmp_path / "models" / "bench" / "good-"))
    assert "# the best so far" in (tmp_path / "rig.yaml").read_text()
    before = (tmp_path / "rig.yaml").read_bytes()
    status, out, _ = promote(bad)
    assert status == 1
    assert "it is worse" in out
    assert f"stays {promoted}" in out
    assert (tmp_path / "rig.yaml").read_bytes() == before
    pages = sorted(p.name for p in (tmp_path / "models" / "bench").glob("*.html"))
    assert len(pages) == 2, "the page of what was refused stays too"
    refused = (tmp_path / "models" / "bench" / pages[0]).read_text()
    assert "bad may not be the model of bench" in refused
    assert "it is worse" in refused
    status, out, _ = promote("--back")
    assert (status, model_at(tmp_path)) == (0, str(bad))
    history = (tmp_path / "models" / "bench" / "promotions.jsonl").read_text()
    assert [json.loads(line)["back"] for line in history.splitlines()] == [False, True]


def test_an_old_model_is_still_there_after_two_promotions(
    place, promote, model_of, tmp_path
):
    place(model_of("worst.onnx", shift_px=4.0))
    assert promote(model_of("worse.onnx", shift_px=2.0))[0] == 0
    second = model_at(tmp_path)
    assert promote(model_of("good.onnx"))[0] == 0
    assert promote("--back", "--dry-run")[0] == 0
    assert promote("--back", "--json")[0] == 0
    assert model_at(tmp_path) == second
    assert promote("--back")[0] == 0
    assert model_at(tmp_path) == str(tmp_path / "worst.onnx")
    status, _, err = promote("--back")
    assert status == 2
    assert "nothing in" in err


def test_the_same_model_is_no_change(place, promote, model_of, tmp_path):
    model = model_of("a.onnx")
    place(model)
    before = (tmp_path / "rig.yaml").read_bytes()
    status, out, _ = promote(model)
    assert (status, "already" in out) == (0, True)
    assert (tmp_path / "rig.yaml").read_bytes() == before
    assert not (tmp_path / "models").exists()


def test_a_dry_run_changes_nothing(place, promote, model_of, tmp_path):
    place(model_of("bad.onnx", shift_px=2.0))
    model_of("good.onnx")
    before = sorted(p.name for p in tmp_path.rglob("*"))
    status, out, _ = promote(tmp_path / "good.onnx", "--dry-run")
    assert (status, "would be promoted" in out) == (0, True)
    assert sorted(p.name for p in tmp_path.rglob("*")) == before
    assert model_at(tmp_path) == str(tmp_path / "bad.onnx")


def test_frames_that_it_has_learnt_are_no_test(place, promote, model_of):
    place()
    images = [f"labeled-data/m1/img{k:03d}.png" for k in range(3)]
    learnt = {"images": images, "train": [0, 1], "test": [2]}
    model = model_of("a.onnx", metadata={"training": json.dumps(learnt)})
    status, out, _ = promote(model)
    assert status == 1
    assert "trained on 2 of these 6 frames" in out


def test_only_the_frames_of_a_split(place, promote, model_of, tmp_path):
    place()
    split = tmp_path / "split.json"
    names = [f"m2/img{k:03d}.png" for k in range(3)]
    split.write_text(json.dumps({"train": [], "test": names}))
    status, out, _ = promote(model_of("a.onnx"), "--split", split)
    assert (status, "3 frames of project" in out) == (0, True)
    assert (
        "so few say little"
        in promote(
            model_of(
                "b.onnx", metadata={"training": json.dumps({"train": [], "test": []})}
            ),
            "--split",
            split,
        )[1]
    )


def test_what_is_told_is_no_markup(capsys):
    told = "the rig's bundled:mouse: [red]not[/] there"
    show_outcome(Outcome(0, (Check("frames", "WARN", told),), told, {}))
    assert capsys.readouterr().out.count(told) == 2


def test_a_lost_current_model_is_said(place, promote, model_of, tmp_path):
    place(tmp_path / "gone.onnx")
    status, out, _ = promote(model_of("a.onnx"))
    assert (status, "is not there any more" in out) == (0, True)


def test_a_current_model_that_does_not_work_is_no_obstacle(
    place, promote, model_of, tmp_path
):
    """Of another animal, torn, or of colours: it is what is to be replaced."""
    (tmp_path / "torn.onnx").write_bytes(b"torn")
    fly = model_of("fly.onnx", bodyparts=("wing",))
    why = {fly: "has none of these", tmp_path / "torn.onnx": "cannot be asked"}
    for current, words in why.items():
        place(current)
        status, out, _ = promote(model_of("a.onnx"))
        assert (status, f"the rig's model {current} {words}" in out) == (0, True)
        assert "WARN accuracy" in out


def test_frames_that_are_named_beside_the_model_as_learnt(
    place, promote, model_of, tmp_path
):
    """Somebody has converted a training's model by hand: it has still learnt them."""
    place()
    other = json.dumps({"train": ["elsewhere/img000.png"], "test": []})
    model = model_of("training/fast.onnx", metadata={"training": other})
    images = [f"labeled-data/m1/img{k:03d}.png" for k in range(3)]
    told = {"images": images, "train": [0, 1], "test": [2]}
    (model.parent / "springhare-training.json").write_text(json.dumps(told))
    status, out, _ = promote(model)
    assert (status, "trained on 2 of these 6 frames" in out) == (1, True)
    status, out, _ = promote(
        model, "--split", model.parent / "springhare-training.json"
    )
    assert (status, "1 frames of project" in out) == (0, True)


def test_nobody_is_overrun(place, promote, model_of, tmp_path, monkeypatch):
    """Another model has come on the rig while this one was tried."""
    place()
    model, real = model_of("a.onnx"), gate.try_model

    def slow(*words):
        found = real(*words)
        place("other.onnx")
        return found

    monkeypatch.setattr(gate, "try_model", slow)
    status, _, err = promote(model)
    assert (status, "promote again, against that one" in err) == (2, True)
    assert model_at(tmp_path) == "other.onnx"
    assert not (tmp_path / "models" / "bench" / "promotions.jsonl").exists()


def test_a_place_that_is_none_is_told_before_any_work(
    place, promote, model_of, tmp_path
):
    place()
    (tmp_path / "models").write_text("")
    status, _, err = promote(model_of("a.onnx"))
    assert (status, "Expected the history" in err) == (2, True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"part": "paw"}, "expected a keypoint of the model"),
        ({"budget": "latency_budget: {network: {p50_ms: 0.000001}}\n"}, "allows 1e-06"),
    ],
    ids=["body part", "budget"],
)
def test_what_the_task_cannot_have_is_refused(place, promote, model_of, change, words):
    folder = place(**change)
    status, out, _ = promote(model_of("a.onnx"))
    assert (status, model_at(folder)) == (1, None)
    assert words in out


def test_a_median_beyond_the_limit_is_refused(place, promote, model_of):
    place()
    assert promote(model_of("a.onnx"), "--most", "2.9")[0] == 1
    assert promote(model_of("b.onnx"), "--most", "3.1")[0] == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"task_model": "bundled:mouse"},
            "a task that takes the rig's model, got bund",
        ),
        ({"engine": "torch"}, "inference.engine onnx, got torch"),
        ({"camera": "kam"}, "cameras of bench in .*, got kam; there are: cam"),
    ],
)
def test_files_that_no_model_is_promoted_for(place, promote, model_of, change, words):
    place(**change)
    status, _, err = promote(model_of("a.onnx"))
    assert status == 2
    assert re.search(words, err)


def test_mistakes_are_told(place, promote, model_of, tmp_path):
    place()
    training = tmp_path / "training"
    training.mkdir()
    (training / "springhare-training.json").write_text("{}")
    for model, words in (
        (tmp_path / "no.onnx", "Expected a pose model at"),
        (training, "a training that has ended"),
        (tmp_path / "project" / "config.yaml", "Expected an .onnx file"),
    ):
        status, _, err = promote(model)
        assert (status, words in err) == (2, True), err
        assert "Traceback" not in err
    status, _, err = promote(model_of("a.onnx"), on=False)
    assert (status, "name a DeepLabCut project with --on" in err) == (2, True)
    assert promote("--back", "x")[0] == 2
    assert promote()[0] == 2


def test_the_examples_are_not_written_to(model_of, make_project, capsys):
    from rig.config.examples import examples_folder

    folder = examples_folder()
    words = [f"--rig={folder / 'rig/demo.yaml'}", f"--task={folder / 'task/demo.yaml'}"]
    status = cli.main(["promote", str(model_of("a.onnx")), *words])
    assert (status, "springhare init" in capsys.readouterr().err) == (2, True)
