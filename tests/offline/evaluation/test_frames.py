import json
from pathlib import PurePosixPath

import pytest

from offline.dataset.sources import SOURCES_FILE, animals_of
from offline.evaluation.frames import read_names, read_split, rows_of
from offline.evaluation.models import names_for
from offline.evaluation.training import TRAINING_FILE, doubt, read_training
from rig.errors import LabelError

IMAGES = tuple(
    PurePosixPath("labeled-data", video, name)
    for video, name in (("a", "img1.png"), ("a", "img2.png"), ("b", "img2.png"))
)
PLAN = {
    "project": "/somewhere/reaching",
    "images": [str(image) for image in IMAGES],
    "train": [0, 2],
    "test": [1],
    "split_remark": "tested on frames of recordings it learnt from",
}


def test_pictures_are_found_by_any_of_their_names():
    names = ["img1.png", r"D:\x\labeled-data\b\img2.png", "labeled-data/a/img1.png"]
    assert rows_of(names, IMAGES).tolist() == [0, 2]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "empty list"),
        (["b/img9.png"], "got b/img9.png, which the project has not labelled"),
        (["img2.png"], "several folders have"),
    ],
)
def test_names_that_mean_no_picture(names, message):
    with pytest.raises(LabelError, match=message):
        rows_of(names, IMAGES)


def test_lists_of_names(tmp_path):
    path = tmp_path / "list"
    path.write_text("# held out\na/img1.png\n\n b/img2.png \n")
    assert read_names(path) == ["a/img1.png", "b/img2.png"]
    path.write_text(json.dumps(["a/img1.png"]))
    assert read_names(path) == ["a/img1.png"]
    for wrong in ('{"a": 1}', "[1, 2]", "[1,"):
        path.write_text(wrong)
        with pytest.raises(LabelError, match="Expected"):
            read_names(path)


def test_a_split_has_names_or_numbers(tmp_path):
    path = tmp_path / "split.json"
    path.write_text(json.dumps(PLAN))
    assert read_split(path) == {
        "test": ["labeled-data/a/img2.png"],
        "train": ["labeled-data/a/img1.png", "labeled-data/b/img2.png"],
    }
    path.write_text(json.dumps({"train": ["a"], "test": ["b"]}))
    assert read_split(path) == {"test": ["b"], "train": ["a"]}
    for wrong in ({"train": ["a"]}, {"train": [7], "test": [0], "images": ["a"]}, []):
        path.write_text(json.dumps(wrong))
        with pytest.raises(LabelError, match="train and test"):
            read_split(path)


def test_animals_are_those_that_were_noted(tmp_path):
    place = tmp_path / "labeled-data" / "a"
    place.mkdir(parents=True)
    notes = {"img1.png": {"subject": "m7"}, "img2.png": {}}
    (place / SOURCES_FILE).write_text(json.dumps(notes))
    assert animals_of(tmp_path, IMAGES) == ["m7", "", ""]


def test_what_a_model_was_trained_on(tmp_path):
    model = tmp_path / "run" / "export" / "best.onnx"
    model.parent.mkdir(parents=True)
    unknown = read_training("best.onnx", model, {})
    assert unknown.images is None
    assert "may have learnt" in doubt(unknown, IMAGES)
    (model.parent.parent / TRAINING_FILE).write_text(json.dumps(PLAN))
    known = read_training("best.onnx", model, {})
    assert doubt(known, IMAGES) == "it was trained on 2 of these 3 frames"
    assert doubt(known, IMAGES[1:2]) is None
    assert "project reaching" in known.words
    assert "/somewhere" not in known.words
    within = read_training(
        "x.onnx", tmp_path / "x.onnx", {"training": json.dumps(PLAN)}
    )
    assert within.images == known.images
    said = read_training("x.onnx", tmp_path / "x.onnx", {"training": "2 hours"})
    assert (said.images, "2 hours" in said.words) == (None, True)


def test_the_bundled_model_knows_no_project(tmp_path):
    trained = read_training("bundled:mouse", tmp_path / "mouse.onnx", {})
    assert doubt(trained, IMAGES) is None


def test_models_have_names_of_their_own():
    assert names_for(["a/x.onnx", "b/y.pt"]) == ["x.onnx", "y.pt"]
    assert names_for(["a/x.onnx", "a/x.onnx"]) == ["a/x.onnx (1)", "a/x.onnx (2)"]
