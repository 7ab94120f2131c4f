import numpy as np
import pytest

from offline.dataset.project import open_project
from offline.dataset.tables import write_table
from rig.errors import LabelError


def test_a_project_is_taken_as_it_is(project_of, labels_of):
    left, right = labels_of("left"), labels_of("right")
    folder = project_of(left, right)
    (folder / "labeled-data" / "right" / "img0099.png").touch()
    (folder / "labeled-data" / "right" / "notes.txt").touch()
    for path in (folder, folder / "config.yaml"):
        project = open_project(path)
        assert project.folder == folder
        assert (project.task, project.scorer) == ("reach", "me")
        assert project.labels.images == left.images + right.images
        assert len(project.pictures) == 7
        assert project.skeleton == (("nose", "hip"),)
        assert project.remarks == ()


def test_the_real_project_is_read(shared):
    project = open_project(shared / "data" / "openfield")
    assert project.bodyparts == ("snout", "leftear", "rightear", "tailbase")
    labels = project.require_labels()
    assert labels.xy_px.shape == (97, 4, 2)
    assert np.allclose(labels.xy_px[0, 0], (21.521, 265.428))


def test_pictures_without_labels_are_no_labels(project_of, labels_of):
    labels = labels_of()
    labels.xy_px[0] = np.nan
    project = open_project(project_of(labels))
    assert project.require_labels().images == labels.images[1:]


def test_no_labels_at_all_are_asked_for(project_of, labels_of):
    project = open_project(project_of(labels_of(), table=False))
    assert len(project.pictures) == 3
    with pytest.raises(LabelError, match="got none of 3 labelled by me: label them"):
        project.require_labels()


def test_another_persons_labels_are_left_aside_and_it_is_said(project_of, labels_of):
    folder = project_of(labels_of("left"), scorer="you")
    write_table(folder / "labeled-data" / "left", labels_of("left"), "you")
    right = labels_of("right")
    for image in right.images:
        (folder / image).parent.mkdir(exist_ok=True)
        (folder / image).touch()
    write_table(folder / "labeled-data" / "right", right, "me")
    project = open_project(folder)
    assert set(project.labels.videos) == {"left"}
    [remark] = project.remarks
    assert remark.startswith("right: labelled by me, not by you")


def test_parts_that_came_later_are_unlabelled_before(project_of, labels_of):
    project = open_project(project_of(labels_of(), bodyparts=("nose", "hip", "tail")))
    assert not project.labels.is_labelled[:, 2].any()


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda p: (p / "config.yaml").unlink(), "Expected a DeepLabCut project with"),
        (lambda p: (p / "config.yaml").write_text("a: [1"), "got no YAML"),
        (lambda p: (p / "config.yaml").write_text("- 1"), "settings in .*, got list"),
        (
            lambda p: (p / "config.yaml").write_text("scorer: me"),
            "a list of bodyparts in .*, got None",
        ),
        (
            lambda p: (p / "config.yaml").write_text(
                "multianimalproject: true\nbodyparts: MULTI!"
            ),
            "of one animal, got one of several",
        ),
        (
            lambda p: (p / "config.yaml").write_text("scorer: me\nbodyparts: [nose]"),
            "labels of nose only, got also hip",
        ),
        (
            lambda p: (p / "labeled-data" / "left" / "img0003.png").unlink(),
            r"the picture of each label .*, got none of labeled-data/left/img0003.png",
        ),
    ],
)
def test_what_is_wrong_is_said(project_of, labels_of, break_it, words):
    folder = project_of(labels_of())
    break_it(folder)
    with pytest.raises(LabelError, match=words):
        open_project(folder)
