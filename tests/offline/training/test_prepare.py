"""A training before it begins: the plan, and the project to train in."""

import json
import shutil

import numpy as np
import pytest

from offline.dataset.project import open_project
from offline.dataset.tables import read_table
from offline.training.prepare import TrainingTerms, plan_training, prepare
from offline.training.working_project import in_order
from offline.training_plan import read_plan
from rig import cli
from rig.errors import ModelError


def terms(parameters, **changes):
    usual = {"start": "scratch", "test_share": 0.25, "seed": 1, "device": "cpu"}
    return TrainingTerms(
        parameters=str(parameters()), **{**usual, "minutes": None, **changes}
    )


def test_the_plan_names_all_that_makes_a_model_what_it_is(project, parameters):
    opened = open_project(project)
    plan = plan_training(opened, terms(parameters))
    assert len(plan.test) == 6
    assert sorted(plan.train + plan.test) == list(range(24))
    assert plan.bodyparts == ["nose", "hip"]
    assert plan.start == "scratch"
    same = plan_training(opened, terms(parameters))
    assert same == plan
    opened.labels.xy_px[3, 0, 0] += 1
    assert plan_training(opened, terms(parameters)).labels_sha256 != plan.labels_sha256


def test_animals_are_known_by_the_sessions_that_frames_came_from(project, parameters):
    sources = {
        f"img{k:04d}.png": {"subject": f"m{k // 8}", "session": "s"} for k in range(24)
    }
    place = project / "labeled-data" / "left" / "springhare.json"
    place.write_text(json.dumps(sources))
    plan = plan_training(open_project(project), terms(parameters))
    assert plan.split_by == "animal"
    assert {k // 8 for k in plan.test}.isdisjoint({k // 8 for k in plan.train})


def test_the_working_project_is_of_links_and_the_labels(project, parameters, tmp_path):
    opened = open_project(project)
    before = {p: p.read_bytes() for p in project.rglob("*") if p.is_file()}
    out = tmp_path / "training"
    plan = plan_training(opened, terms(parameters))
    prepare(out, opened, plan)
    assert read_plan(out) == plan
    working = open_project(out / "project")
    assert working.labels.images == in_order(opened.labels).images
    assert np.array_equal(working.labels.xy_px, in_order(opened.labels).xy_px)
    assert all((working.folder / image).is_symlink() for image in working.pictures)
    table = read_table(out / "project/labeled-data/left/CollectedData_me.h5")
    assert len(table.images) == 24
    assert {p: p.read_bytes() for p in before} == before


def test_a_training_is_never_written_over(project, parameters, tmp_path):
    opened = open_project(project)
    plan = plan_training(opened, terms(parameters))
    prepare(tmp_path / "training", opened, plan)
    with pytest.raises(ModelError, match=r"got a training in .*--resume"):
        prepare(tmp_path / "training", opened, plan)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(ModelError, match="got other files in"):
        prepare(tmp_path / "full", opened, plan)


def test_weights_that_are_not_there(project, parameters, tmp_path):
    asked = terms(parameters, start=str(tmp_path / "none.pt"))
    with pytest.raises(ModelError, match=r"Expected start weights at .*none\.pt"):
        plan_training(open_project(project), asked)


def test_a_dry_run_tells_the_plan_and_writes_nothing(project, parameters, capsys):
    words = ["train", str(project), "--start=scratch", "--dry-run", "--json"]
    assert cli.main([*words, f"--parameters={parameters()}"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert len(plan["test"]) == 5
    assert not (project / "trainings").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none"], "Expected a DeepLabCut project"),
        (["--resume"], "Expected a training in"),
        (["--parameters=heavy"], "one of deeplabcut, light, or a file, got heavy"),
    ],
)
def test_what_cannot_be_trained_is_said(project, words, said, capsys):
    where = [] if words == ["none"] else [str(project)]
    assert cli.main(["train", *where, *words]) != 0
    assert said in capsys.readouterr().err


def test_a_training_goes_on_by_its_folder_alone(project, parameters, tmp_path, capsys):
    """PROJECT may be left out; another one is refused."""
    out = tmp_path / "training"
    opened = open_project(project)
    prepare(out, opened, plan_training(opened, terms(parameters)))
    words = ["train", f"--out={out}", "--resume", "--dry-run"]
    assert cli.main(words) == 0
    assert cli.main(["train", str(project), *words[1:]]) == 0
    other = tmp_path / "other"
    shutil.copytree(project, other)
    capsys.readouterr()
    assert cli.main(["train", str(other), *words[1:]]) == 2
    assert "leave PROJECT out" in capsys.readouterr().err
    for lacking in (["--resume"], [f"--out={out}"]):
        assert cli.main(["train", *lacking]) == 2
        assert "expected PROJECT" in capsys.readouterr().err
