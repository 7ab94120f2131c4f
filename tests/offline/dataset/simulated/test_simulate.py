"""Frames of simulated animals, labelled, in DeepLabCut projects."""

import json

import numpy as np
import pytest
from PIL import Image
from ruamel.yaml import YAML

from offline.dataset.project import open_project
from offline.dataset.simulated import making
from offline.dataset.simulated.making import make
from offline.dataset.simulated.plan import Terms, plan
from offline.dataset.sources import animals_of
from offline.training.split import split_frames
from rig import cli
from rig.config.examples import examples_folder
from rig.config.loading import load_rig
from rig.errors import LabelError
from rig.sim.picture_code import read_code
from rig.sim.world import BODY_PARTS


@pytest.fixture(scope="module")
def rig():
    return load_rig(examples_folder() / "rig" / "demo.yaml")


@pytest.fixture
def simulate(tmp_path, capsys):
    """Run the command; return its status, what it said, and its errors."""

    def run(*words, project=None):
        place = project or tmp_path / "project"
        status = cli.main(["frames", "simulate", "--project", str(place), *words])
        told = capsys.readouterr()
        return status, told.out, told.err

    return run


def terms(**changed):
    found = {"animals": 3, "count": 12, "cameras": (), "stories": (), "seed": 0}
    return Terms(**{**found, **changed})


def content(folder):
    return {
        p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


class TestPlan:
    def test_each_animal_before_each_camera(self, rig):
        planned = plan(rig, terms(count=20))
        assert len({one.name for one in planned}) == 6
        assert {one.camera for one in planned} == {"left", "right"}
        assert sum(len(one.numbers) for one in planned) == 20
        assert {len(one.numbers) for one in planned} == {3, 4}
        assert min(one.seed for one in planned) >= 1_000_000

    def test_a_recording_does_not_depend_on_the_others(self, rig):
        alone = plan(rig, terms(animals=1, count=4, cameras=("right",)))
        among = plan(rig, terms(animals=2, count=32, stories=("reach", "jump")))
        [one] = [two for two in among if two.name == alone[0].name]
        np.testing.assert_array_equal(one.numbers, alone[0].numbers)
        shots = [r.record().shots(one.numbers.tolist()) for r in (one, *alone)]
        for two, other in zip(*shots, strict=True):
            np.testing.assert_array_equal(two.pixels, other.pixels)

    def test_what_is_named_twice_counts_once(self, rig):
        twice = terms(animals=1, cameras=("left", "left"), stories=("walk", "walk"))
        assert [one.name for one in plan(rig, twice)] == ["sim851624225_walk_left"]

    def test_another_seed_gives_other_animals(self, rig):
        found = [{one.seed for one in plan(rig, terms(seed=k))} for k in (0, 1)]
        assert not found[0] & found[1]

    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            ({"cameras": ("top",)}, "got top; there are: left, right"),
            ({"count": 5}, "Expected a picture of each recording, got 5 for 6"),
            ({"count": 4000}, "Expected at most 400 pictures of an animal"),
        ],
    )
    def test_what_cannot_be(self, rig, changed, message):
        with pytest.raises(LabelError, match=message):
            plan(rig, terms(**changed))

    def test_a_camera_that_looks_past_the_animal(self, rig):
        plain = rig.model_dump(mode="json")
        plain["devices"]["left"]["calibration"]["translation_mm"] = [3000.0, 0.0, 400.0]
        with pytest.raises(LabelError, match=r"Expected camera left .* a view past it"):
            plan(type(rig).model_validate(plain), terms())


class TestMake:
    def test_nothing_half_made_is_left(self, rig, tmp_path, simulate):
        assert simulate("--animals=1", "--count=1", "--camera=left")[0] == 0
        project = tmp_path / "project"
        before = content(project)
        [one] = plan(rig, terms(animals=1, count=3, cameras=("left",), seed=1))

        def stop():
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            make(project, one, bodyparts=BODY_PARTS, scorer="me", advance=stop)
        assert content(project) == before
        assert not list(project.glob(".simulated-*"))


class TestCommand:
    def test_a_new_project(self, simulate, tmp_path):
        words = ("--animals=3", "--count=9", "--camera=left", "--json")
        status, told, error = simulate(*words)
        assert status == 0, error
        project = open_project(tmp_path / "project")
        assert project.bodyparts == BODY_PARTS
        assert (project.task, project.scorer) == ("demo", "simulation")
        labels = project.require_labels()
        assert len(labels.images) == 9
        assert labels.is_labelled.mean() > 0.95
        recordings = json.loads(told)["recordings"]
        assert {one["folder"] for one in recordings} == set(labels.videos)
        for image in labels.images:
            pixels = np.asarray(Image.open(project.folder / image))
            assert pixels.shape == (480, 640)
            assert read_code(pixels) == int(image.stem.removeprefix("img"))
        settings = YAML(typ="safe").load(project.folder / "config.yaml")
        assert len(settings["video_sets"]) == 3

    def test_training_keeps_whole_animals_for_the_test(self, simulate, tmp_path):
        assert simulate("--animals=4", "--count=8")[0] == 0
        project = open_project(tmp_path / "project")
        labels = project.require_labels()
        animals = animals_of(project.folder, labels.images)
        split = split_frames(labels.videos, animals, 0.25, 0)
        assert split.by == "animal"
        assert len(set(animals)) == 4

    def test_labels_are_the_truth_that_was_drawn(self, rig, simulate, tmp_path):
        assert simulate("--animals=1", "--count=4", "--camera=right")[0] == 0
        labels = open_project(tmp_path / "project").labels
        [one] = plan(rig, terms(animals=1, count=4, cameras=("right",)))
        shots = one.record().shots(one.numbers.tolist())
        for xy_px, shot in zip(labels.xy_px, shots, strict=True):
            np.testing.assert_allclose(xy_px, shot.keypoints_px)

    def test_the_same_seed_gives_the_same_frames(self, simulate, tmp_path):
        words = ("--animals=1", "--count=3", "--camera=left", "--seed=3")
        for name in ("one", "other"):
            assert simulate(*words, project=tmp_path / name)[0] == 0
        one, other = (
            content(tmp_path / name / "labeled-data") for name in ("one", "other")
        )
        assert one.keys() == other.keys()
        for path, found in one.items():
            if path.suffix != ".h5":  # which has the time in it
                assert other[path] == found
        labels = [open_project(tmp_path / name).labels for name in ("one", "other")]
        np.testing.assert_array_equal(labels[0].xy_px, labels[1].xy_px)

    def test_a_project_that_is_there_keeps_what_it_has(
        self, simulate, project_of, labels_of
    ):
        parts = ("tail_base", "nose", "whisker")
        folder = project_of(labels_of("left", bodyparts=parts), bodyparts=parts)
        before = content(folder)
        status, told, error = simulate(
            "--animals=1", "--count=2", "--camera=left", project=folder
        )
        assert status == 0, error
        assert "2 labelled pictures of 1 simulated animal went into" in told
        after = content(folder)
        changed = {path for path in before if after[path] != before[path]}
        assert {str(path) for path in changed} <= {"config.yaml"}
        project = open_project(folder)
        assert (project.bodyparts, project.scorer) == (parts, "me")
        made = project.labels.of([v != "left" for v in project.labels.videos])
        assert made.is_labelled.all(axis=0).tolist() == [True, True, False]

    def test_nothing_is_made_twice(self, simulate, tmp_path):
        words = ("--animals=1", "--count=2", "--camera=left")
        assert simulate(*words)[0] == 0
        before = content(tmp_path / "project")
        status, _, error = simulate(*words)
        assert status != 0
        assert "they are kept; another --seed gives other animals" in error
        assert content(tmp_path / "project") == before
        assert simulate(*words, "--seed=1")[0] == 0
        assert len(open_project(tmp_path / "project").labels.images) == 4

    def test_a_dry_run_writes_nothing(self, simulate, tmp_path):
        status, told, _ = simulate("--dry-run")
        assert status == 0
        assert "400 labelled pictures of 8 simulated animals would go into" in told
        assert not (tmp_path / "project").exists()

    def test_a_project_of_other_animals(self, simulate, project_of, labels_of):
        folder = project_of(labels_of("left", bodyparts=("wing",)), bodyparts=["wing"])
        status, _, error = simulate(project=folder)
        assert status != 0
        assert "Expected some of the simulated mouse's parts" in error

    def test_a_disk_that_is_full(self, simulate, tmp_path, monkeypatch):
        def full(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(making, "write_table", full)
        status, _, error = simulate("--animals=1", "--count=1", "--camera=left")
        assert status != 0
        assert "got No space left on device" in error
        assert not list((tmp_path / "project" / "labeled-data").iterdir())

    @pytest.mark.slow
    def test_a_check_finds_nothing_wrong(self, simulate, tmp_path, capsys):
        assert simulate("--animals=4", "--count=80")[0] == 0
        words = ["frames", "check", str(tmp_path / "project"), "--strict"]
        assert cli.main(words) == 0, capsys.readouterr().out
