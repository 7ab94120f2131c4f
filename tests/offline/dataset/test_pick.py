"""Frames of a small session, chosen and put into projects."""

import json
from collections import Counter

import numpy as np
import pytest
from PIL import Image
from ruamel.yaml import YAML

from offline.dataset.pick import Terms, pick
from offline.dataset.project import open_project
from offline.dataset.views import views_of
from offline.reanalysis.poses_file import PosesInfo, poses_folder, write_poses
from offline.reanalysis.sources import frames_digest
from rig import cli
from rig.errors import LabelError
from rig.recording.reader import Recording

LEAP, UNSURE = 61, 120
NAME = "m1_2026-01-02_10-00-00_reach_"


def terms(count=6, *criteria, apart_s=0.1, every_camera=False):
    return Terms(
        count=count,
        criteria=criteria or ("appearance", "likelihood", "jumps"),
        apart_s=apart_s,
        every_camera=every_camera,
        seed=0,
    )


@pytest.fixture
def frames_pick(session, tmp_path, capsys):
    """Run the command; return its status, what it said, and its errors."""

    def run(*words, project=None):
        place = project or tmp_path / "project"
        command = ["frames", "pick", str(session), "--project", str(place), *words]
        status = cli.main(command)
        told = capsys.readouterr()
        return status, told.out, told.err

    return run


class TestViews:
    def test_what_a_camera_recorded(self, views, picture):
        left, right = views
        assert (left.camera, right.camera) == ("left", "right")
        assert (left.count, right.count) == (200, 180)
        assert left.bodyparts == ("nose", "hip")
        assert LEAP in left.pose_frames
        assert right.bodyparts == ()
        assert left.size_px == (32, 24)
        assert np.array_equal(right.frame(130), picture("right", 150))

    def test_an_unknown_camera(self, views):
        with pytest.raises(LabelError, match="got top; there are: left, right"):
            views_of(views[0].recording, ["top"])


class TestPick:
    def test_each_criterion_finds_what_it_is_for(self, views, tmp_path):
        [unsure] = pick(views, terms(1, "likelihood"), tmp_path)
        assert (unsure.view, unsure.frame) == (f"{NAME}left", UNSURE)
        assert unsure.score == pytest.approx(0.8)
        assert unsure.at_s == pytest.approx(0.5 + 0.01 * UNSURE)
        [leap] = pick(views, terms(1, "jumps"), tmp_path)
        assert leap.frame == LEAP
        assert leap.score == pytest.approx(15, abs=0.1)

    def test_every_look_is_among_the_first(self, views, tmp_path):
        chosen = pick(views, terms(10, "appearance"), tmp_path)
        assert Counter(c.view for c in chosen) == {f"{NAME}left": 5, f"{NAME}right": 5}
        left = [c for c in chosen if c.view.endswith("left")]
        assert {c.frame // 20 % 5 for c in left} == set(range(5))

    def test_a_frame_brings_what_the_other_camera_saw(self, views, tmp_path):
        chosen = pick(views, terms(2, "likelihood", every_camera=True), tmp_path)
        assert [c.criterion for c in chosen] == ["likelihood", "instant"]
        assert chosen[1].frame == UNSURE - 20, "the right one missed 20 frames"
        assert chosen[1].at_s - chosen[0].at_s == pytest.approx(1e-3)

    def test_what_the_other_camera_missed_comes_alone(self, views, tmp_path):
        left, right = views
        gone = np.arange(100, 120)
        left.poses[np.isin(left.pose_frames, gone[4:16]), :, 2] = 0.01
        chosen = pick(views, terms(1, "likelihood", every_camera=True), tmp_path)
        [alone] = chosen
        assert alone.frame in gone
        assert right.count == 180

    def test_fewer_where_there_are_not_so_many_apart(self, views, tmp_path):
        chosen = pick(views, terms(50, apart_s=0.5), tmp_path)
        assert 4 <= len(chosen) < 10
        for view in {c.view for c in chosen}:
            at_s = sorted(c.at_s for c in chosen if c.view == view)
            assert (np.diff(at_s) >= 0.5).all()


@pytest.fixture
def offline(session):
    """Poses made after the session: as the live ones, but in frames 40 and 150."""

    def write(*far):
        with Recording.open(session) as recording:
            digest = frames_digest(recording, "left")
        poses = np.ones((200, 2, 3), np.float32)
        poses[:, :, 0] = 5 + 0.1 * np.arange(200)[:, None]
        poses[LEAP, 1, 1] += 15
        poses[UNSURE, :, 2] = 0.2
        for frame, part, px in far:
            poses[frame, part, 1] += px
        path = poses_folder(session, "left") / "m2.h5"
        path.parent.mkdir(parents=True)
        info = PosesInfo(
            model="m2",
            model_sha256="2",
            engine="onnx",
            provider="cpu",
            resize=1.0,
            batch=1,
            springhare="0",
            source="s",
            source_xxh3=digest,
            width_px=32,
            height_px=24,
            colour=False,
            frames=200,
            complete=True,
        )
        write_poses(path, ("nose", "hip"), poses, scorer="DLC_m2", info=info)

    return write


class TestDisagreement:
    def test_where_the_two_are_apart(self, frames_pick, offline):
        offline((40, 1, 30), (150, 0, 50), (UNSURE, 0, 99), (51, 0, 99))
        _, told, _ = frames_pick("--by=disagreement", "--json", "--dry-run")
        found = json.loads(told)
        assert found["left_out"] == []
        assert [(f["frame"], f["score"]) for f in found["frames"]] == [
            (40, pytest.approx(30)),
            (150, pytest.approx(50)),
        ]
        _, told, _ = frames_pick("--by=disagreement", "--count=1")
        assert "live and offline are 50 px apart" in told

    def test_it_takes_its_turn(self, frames_pick, offline):
        offline((40, 1, 30))
        _, told, _ = frames_pick("--json", "--dry-run", "--count=8", "--apart=0.02")
        criteria = {f["criterion"] for f in json.loads(told)["frames"]}
        assert criteria == {"appearance", "likelihood", "jumps", "disagreement"}

    def test_without_offline_poses_it_is_left_out(self, frames_pick, session):
        status, _, error = frames_pick("--count=4", "--dry-run")
        assert status == 0
        assert f"disagreement is left out: no offline poses of {NAME}left" in error
        assert f"springhare analyse {session} --model MODEL" in error

    def test_alone_it_is_refused(self, frames_pick, session, tmp_path):
        status, _, error = frames_pick("--by=disagreement")
        assert status == 2
        assert f"springhare analyse {session} --model MODEL" in error
        assert not (tmp_path / "project").exists()
        assert (
            "got no live poses" in frames_pick("--by=disagreement", "--camera=right")[2]
        )


class TestCommand:
    def test_a_new_project_has_the_frames_as_they_were(
        self, frames_pick, tmp_path, picture
    ):
        status, told, _ = frames_pick("--count=8", "--scorer=me")
        assert status == 0
        assert "8 frames are in" in told
        project = open_project(tmp_path / "project")
        assert (project.task, project.scorer) == ("reach", "me")
        assert project.bodyparts == ("nose", "hip")
        assert len(project.pictures) == 8
        for image in project.pictures:
            camera = image.parent.name.removeprefix(NAME)
            number = int(image.stem.removeprefix("img"))
            at = number if camera == "left" or number < 100 else number + 20
            seen = np.asarray(Image.open(project.folder / image))
            assert np.array_equal(seen, picture(camera, at))
        settings = YAML(typ="safe").load(project.folder / "config.yaml")
        assert len(settings["video_sets"]) == len({i.parent for i in project.pictures})
        folder = project.folder / project.pictures[0].parent
        sources = json.loads((folder / "springhare.json").read_text())
        assert {
            i.name for i in project.pictures if i.parent.name == folder.name
        } == set(sources)

    def test_asked_again_it_adds_others(self, frames_pick, tmp_path):
        assert frames_pick("--count=4")[0] == 0
        project = tmp_path / "project"
        before = {p: p.read_bytes() for p in project.rglob("*.png")}
        status, told, _ = frames_pick("--count=4", "--json")
        assert status == 0
        frames = json.loads(told)["frames"]
        after = set(project.rglob("*.png"))
        assert len(after) == 4 + len(frames)
        assert {p: p.read_bytes() for p in before} == before

    def test_a_dry_run_writes_nothing(self, frames_pick, tmp_path):
        status, told, _ = frames_pick("--dry-run", "--json", "--count=3")
        assert status == 0
        found = json.loads(told)
        assert not found["written"]
        assert len(found["frames"]) == 3
        assert not (tmp_path / "project").exists()

    def test_a_project_that_is_there_keeps_its_settings(
        self, frames_pick, project_of, labels_of
    ):
        folder = project_of(labels_of("other"))
        before = YAML(typ="safe").load(folder / "config.yaml")
        assert frames_pick("--count=2", "--camera=left", project=folder)[0] == 0
        after = YAML(typ="safe").load(folder / "config.yaml")
        videos = after.pop("video_sets")
        assert next(iter(videos)) in before.pop("video_sets")
        assert len(videos) == 2
        assert after == before
        assert len(open_project(folder).labels.images) == 3

    def test_what_is_in_the_way_is_kept(self, frames_pick, tmp_path):
        place = tmp_path / "project"
        place.mkdir()
        (place / "thesis.txt").write_text("mine")
        status, _, error = frames_pick()
        assert status != 0
        assert "Expected an empty folder or a DeepLabCut project" in error
        assert [p.name for p in place.iterdir()] == ["thesis.txt"]

    def test_a_session_twice(self, session, tmp_path, capsys):
        words = ["frames", "pick", str(session), str(session)]
        assert cli.main([*words, "--project", str(tmp_path / "p")]) != 0
        assert "each session once" in capsys.readouterr().err

    def test_no_live_model_and_no_parts(self, frames_pick):
        status, _, error = frames_pick("--camera=right", "--by=appearance")
        assert status != 0
        assert "Expected body parts for a new project" in error
        words = ("--camera=right", "--bodypart=paw", "--bodypart=tail")
        assert frames_pick(*words)[0] == 0
