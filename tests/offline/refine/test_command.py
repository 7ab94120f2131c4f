"""`springhare refine`, from sessions to frames in a project and a sheet."""

import json

import numpy as np
import pytest
from PIL import Image

from offline.dataset.project import open_project
from offline.reanalysis.poses_file import session_poses
from rig.recording.reader import Recording

AWAY = (0, 300, 0)


@pytest.fixture(scope="module")
def wrong(session_of, tasks, crossings):
    """A session of which the live model missed a jump and leapt once, elsewhere."""
    first = crossings[0]
    moved = dict.fromkeys(range(first - 2, first + 60), AWAY) | {
        first + 250: (80, 0, 0)
    }
    folder = session_of(tasks.take_off(), moved=moved)
    return folder, first


def test_the_worst_frames_are_the_first(refine, wrong, tmp_path):
    folder, first = wrong
    status, found, _ = refine(folder, "--json", "--count=4", "--camera=left")
    assert status == 0
    best = found["frames"][0]
    assert first - 3 <= best["frame"] <= first
    assert "live and offline are 300 px apart" in best["reasons"]
    assert any(
        "take_off was missed: hip was 300.0 px apart" in r for r in best["reasons"]
    )
    frames = [each["frame"] for each in found["frames"]]
    assert first + 250 in frames
    at_s = sorted(each["at_s"] for each in found["frames"])
    assert (np.diff(at_s) >= 0.25).all()
    scores = [each["score"] for each in found["frames"]]
    assert scores == sorted(scores, reverse=True)
    project = open_project(tmp_path / "project")
    assert len(project.pictures) == len(frames) == 4
    notes = (tmp_path / "project" / project.pictures[0]).parent / "springhare.json"
    criteria = {n["criterion"] for n in json.loads(notes.read_text()).values()}
    assert criteria <= {"disagreement", "fires", "jumps", "likelihood"}
    [sheet] = found["sheets"]
    assert sheet.endswith("project/springhare-refine/001.png")
    with Image.open(sheet) as drawn:
        assert drawn.size[0] > 1000


def test_asked_again_it_finds_others_and_keeps_the_sheet(refine, wrong, tmp_path):
    folder, _ = wrong
    _, once, _ = refine(folder, "--json", "--count=3", "--camera=left")
    _, again, _ = refine(folder, "--json", "--count=3", "--camera=left")
    frames = [{each["frame"] for each in found["frames"]} for found in (once, again)]
    assert not frames[0] & frames[1]
    assert [found["sheets"][0][-7:] for found in (once, again)] == [
        "001.png",
        "002.png",
    ]
    assert len(open_project(tmp_path / "project").pictures) == 6


def test_a_dry_run_writes_only_the_sheet_that_is_asked_for(refine, wrong, tmp_path):
    folder, _ = wrong
    before = sorted(folder.rglob("*"))
    status, out, _ = refine(folder, "--dry-run", "--count=3", "--camera=left")
    assert status == 0
    assert "3 frames would go in" in out
    assert "springhare label" not in out
    sheet = tmp_path / "sheet.png"
    assert refine(folder, "--dry-run", "--count=3", f"--out={sheet}")[0] == 0
    assert sheet.exists()
    assert not (tmp_path / "project").exists()
    assert sorted(folder.rglob("*")) == before
    status, _, err = refine(folder, "--dry-run", f"--out={sheet}")
    assert (status, "--force" in err) == (2, True)
    assert refine(folder, "--dry-run", f"--out={sheet}", "--force")[0] == 0


def test_it_says_what_comes_next(refine, wrong, tmp_path):
    _, out, _ = refine(wrong[0], "--count=2", "--camera=left")
    assert f"next: springhare label {tmp_path / 'project'}" in out
    assert f"then: springhare train {tmp_path / 'project'}" in out


def test_without_offline_poses_the_live_ones_are_ranked(refine, session_of, tasks):
    moved = {200: (80, 0, 0)}
    folder = session_of(tasks.take_off(), moved=moved, offline=False)
    _, found, _ = refine(folder, "--json", "--count=1", "--camera=left", "--dry-run")
    assert found["frames"][0]["frame"] == 200
    assert found["frames"][0]["reasons"][0] == "a part leapt by 80 px"
    assert f"springhare analyse {folder} --model bundled:mouse" in found["remarks"][0]


def test_more_frames_than_a_sheet_takes(refine, wrong, tmp_path):
    sheet = tmp_path / "sheet.png"
    words = ("--count=25", "--apart=0.02", "--camera=left", f"--out={sheet}")
    _, found, _ = refine(wrong[0], "--json", "--dry-run", *words)
    assert len(found["frames"]) == 25
    assert found["sheets"] == [str(sheet), str(tmp_path / "sheet-2.png")]


def test_poses_of_the_live_model_do_not_disagree(
    refine, session_of, tasks, write_offline
):
    folder = session_of(tasks.take_off(), moved={200: (80, 0, 0)}, offline=False)
    with Recording.open(folder) as recording:
        poses = recording.payload("poses/left")
        parts = tuple(recording.attributes("poses/left")["bodyparts"])
    write_offline(folder, "left", list(poses), parts, "m", "")
    _, found, _ = refine(folder, "--json", "--count=1", "--camera=left", "--dry-run")
    assert found["frames"][0]["reasons"] == ["a part leapt by 80 px"]


def test_a_camera_that_no_model_saw(refine, session, tmp_path):
    _, found, _ = refine(session, "--json", "--count=2", "--dry-run")
    assert f"{session.name}_right is left out: no model saw it" in found["remarks"]
    status, _, err = refine(session, "--camera=right")
    assert status == 2
    assert f"springhare analyse {session} --model MODEL" in err
    assert not (tmp_path / "project").exists()


def test_what_is_in_the_way_is_told_before_any_work(refine, wrong, tmp_path):
    place = tmp_path / "thesis"
    place.mkdir()
    (place / "thesis.txt").write_text("mine")
    words = (wrong[0], "--model=nowhere.onnx")
    status, _, err = refine(*words, project=place)
    assert status == 2
    assert "Expected an empty folder or a DeepLabCut project" in err


@pytest.mark.slow
def test_a_model_looks_first_where_it_has_not(refine, session, tmp_path):
    words = ("--model=bundled:mouse", "--count=2")
    status, found, _ = refine(session, "--json", "--dry-run", *words)
    assert status == 0
    assert f"{session.name} left would be analysed first" in found["remarks"]
    assert session_poses(session) == []
    status, found, _ = refine(session, "--json", *words)
    assert status == 0
    assert len(session_poses(session)) == 2
    assert len(open_project(tmp_path / "project").pictures) == 2
    status, _, err = refine(session, "--model=nowhere.onnx")
    assert (status, "nowhere.onnx" in err) == (2, True)
