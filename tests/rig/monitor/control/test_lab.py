import shutil

import pytest

from rig.config.examples import examples_folder
from rig.config.loading import load_session
from rig.config.session import SessionConfig
from rig.errors import ConfigError
from rig.monitor.control.lab import fault_of, find_lab


@pytest.fixture
def folder(tmp_path):
    """A lab of one's own, as `springhare init` makes it."""
    return shutil.copytree(examples_folder(), tmp_path / "lab")


@pytest.fixture
def plan():
    return SessionConfig(
        format="springhare-session-plan/1", subject="M17", notes="null: # yes"
    )


def test_without_a_folder_the_examples_are_taken_and_never_written(
    tmp_path, monkeypatch, plan
):
    monkeypatch.chdir(tmp_path)
    lab = find_lab()
    assert lab.read_only
    assert "demo" in {path.stem for path in lab.rigs}
    before = lab.plans
    path = lab.save_plan(plan, tmp_path / "data")
    assert lab.plans == before
    assert path.is_relative_to(tmp_path / "data")
    assert load_session(path) == plan


@pytest.mark.parametrize("inside", ["", "configs"])
def test_the_working_folder_is_taken_where_it_is_a_lab(
    folder, tmp_path, monkeypatch, inside
):
    place = tmp_path / "here" / inside
    shutil.copytree(folder, place)
    monkeypatch.chdir(tmp_path / "here")
    lab = find_lab()
    assert lab.folder == place
    assert not lab.read_only


def test_a_folder_that_is_no_lab_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"Expected a folder with rig/.* init DIR"):
        find_lab(tmp_path)


def test_a_plan_is_written_beside_the_others_and_over_none(folder, plan, tmp_path):
    lab = find_lab(folder)
    paths = [lab.save_plan(plan, tmp_path) for _ in range(3)]
    assert len(set(paths)) == 3
    assert set(paths) <= set(lab.plans)
    assert all(path.name.startswith("M17_") for path in paths)
    later = plan.model_copy(update={"notes": "another"})
    lab.save_plan(later, tmp_path)
    assert {load_session(path).notes for path in paths} == {plan.notes}


def test_a_folder_that_takes_no_plan_says_so(folder, plan, tmp_path):
    shutil.rmtree(folder / "session")
    (folder / "session").write_text("in the way", encoding="utf-8")
    with pytest.raises(ConfigError, match="Expected to write a session plan into"):
        find_lab(folder).save_plan(plan, tmp_path)


def test_tasks_that_do_not_go_with_a_rig_are_told_with_their_faults(folder, plan):
    lab = find_lab(folder)
    misfits = lab.misfits(folder / "rig" / "demo.yaml", plan)
    assert folder / "task" / "demo.yaml" not in misfits
    assert "expected a camera" in misfits[folder / "task" / "reach-2p.yaml"]


def test_three_files_make_a_session_or_say_why_not(folder):
    rig, task, plan = (folder / k / "demo.yaml" for k in ("rig", "task", "session"))
    assert not fault_of(rig, task, plan)
    other = folder / "task" / "reach-2p.yaml"
    fault = fault_of(rig, other, plan)
    assert f"{other}:" in fault
    assert "expected a camera of the rig" in fault


def test_each_data_root_is_listed_once_and_a_broken_rig_has_none(folder):
    lab = find_lab(folder)
    before = lab.data_roots
    assert len(set(before)) == len(before) < len(lab.rigs)
    (folder / "rig" / "broken.yaml").write_text("format: 1", encoding="utf-8")
    assert lab.data_roots == before
