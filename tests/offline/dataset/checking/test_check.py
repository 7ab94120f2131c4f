"""Errors that are known, each found where it was made and nowhere else."""

import numpy as np
import pytest

from offline.dataset.checking.check import check
from offline.dataset.project import open_project


@pytest.fixture
def told(mouse, written):
    """Check the mouse as it is now: kinds of findings with their pictures and parts."""

    def run(*bare):
        report = check(open_project(written(mouse, *bare)))
        return [
            (f.kind, [i.name for i in f.images], set(f.parts)) for f in report.findings
        ], report

    return run


def parts(mouse, *names):
    return [mouse.labels.bodyparts.index(name) for name in names]


def test_a_clean_project_has_no_findings(told):
    found, report = told()
    assert found == []
    assert report.remarks == ()
    assert set(report.counts.values()) == {24}


@pytest.mark.parametrize(
    "pairs",
    [
        [("leftear", "rightear")],
        [("hip_L", "hip_R")],
        [("leftear", "rightear"), ("hip_L", "hip_R")],
    ],
)
def test_exchanged_sides(mouse, told, pairs):
    for left, right in pairs:
        a, b = parts(mouse, left, right)
        mouse.xy_px[[4, 17]] = _exchanged(mouse.xy_px[[4, 17]], a, b)
    found, _ = told()
    names = {name for pair in pairs for name in pair}
    assert sorted(found) == [
        ("swapped", ["img004.png"], names),
        ("swapped", ["img017.png"], names),
    ]


def _exchanged(xy_px, a, b):
    made = xy_px.copy()
    made[:, [a, b]] = xy_px[:, [b, a]]
    return made


def test_exchanged_sides_where_parts_are_missing(mouse, told):
    mouse.xy_px[6, parts(mouse, "hip_L", "hip_R", "tailtip")] = np.nan
    a, b = parts(mouse, "leftear", "rightear")
    mouse.xy_px[[6]] = _exchanged(mouse.xy_px[[6]], a, b)
    mouse.xy_px[9, [0, 2]] = np.nan
    found, _ = told()
    assert found == [("swapped", ["img006.png"], {"leftear", "rightear"})]


def test_a_part_far_from_its_place(mouse, told):
    [k] = parts(mouse, "leftear")
    # where the tail is: on the animal, but no ear
    mouse.xy_px[8, k] = mouse.xy_px[8, parts(mouse, "tailbase")[0]] + 4
    found, report = told()
    assert found == [("outlier", ["img008.png"], {"leftear"})]
    assert "usually less than" in report.findings[0].text
    assert report.findings[0].severity == "wrong"


def test_two_parts_at_one_place(mouse, told):
    a, b = parts(mouse, "hip_L", "hip_R")
    mouse.xy_px[3, a] = mouse.xy_px[3, b]
    found, _ = told()
    assert ("same place", ["img003.png"], {"hip_L", "hip_R"}) in found
    assert {images[0] for _, images, _ in found} == {"img003.png"}


def test_a_part_off_the_picture(mouse, told):
    [k] = parts(mouse, "tailtip")
    mouse.xy_px[5, k] = (-7, 20)
    found, report = told()
    assert ("off the picture", ["img005.png"], {"tailtip"}) in found
    assert {images[0] for _, images, _ in found} == {"img005.png"}
    assert any("(-7, 20), which is 360 x 280 px" in f.text for f in report.findings)


def test_a_part_off_the_animal(mouse, told):
    nose, tip = (mouse.xy_px[11, k].copy() for k in parts(mouse, "nose", "tailbase"))
    along = (nose - tip) / np.linalg.norm(nose - tip)
    mouse.xy_px[11, 0] = nose + 25 * along
    found, _ = told()
    assert ("off the animal", ["img011.png"], {"nose"}) in found
    assert {images[0] for _, images, _ in found} == {"img011.png"}


def test_labels_copied_to_the_next_picture(mouse, told):
    mouse.xy_px[14] = mouse.xy_px[13] + 0.1
    found, _ = told()
    assert ("copied", ["img014.png", "img013.png"], set()) in found
    assert {images[0] for _, images, _ in found} == {"img014.png"}


def test_an_animal_that_stays_may_have_the_same_labels(mouse, told):
    mouse.xy_px[14] = mouse.xy_px[13]
    rng = np.random.default_rng(3)
    again = mouse.pictures[13] + rng.normal(0, 2, mouse.pictures[13].shape)
    mouse.pictures[14] = np.clip(again, 0, 255).astype(np.uint8)
    assert told()[0] == []


def test_the_same_picture_with_other_labels(mouse, told):
    mouse.pictures[20] = mouse.pictures[2]
    mouse.xy_px[20] = mouse.xy_px[2]
    mouse.xy_px[20, 0] += (6, 0)
    found, report = told()
    assert found == [("same picture", ["img002.png", "img020.png"], {"nose"})]
    assert "labelled differently: nose, up to 6 px" in report.findings[0].text


def test_the_same_picture_without_labels(mouse, told):
    found, report = told(("img900.png", mouse.pictures[2]))
    assert found == [
        ("same picture", ["img002.png", "img900.png"], set()),
        ("unlabelled", ["img900.png"], set()),
    ]
    assert "only one is labelled" in report.findings[0].text


def test_what_is_labelled_seldom_or_never(mouse, told):
    mouse.xy_px[3:, parts(mouse, "tailtip")] = np.nan
    mouse.xy_px[:, parts(mouse, "nose")] = np.nan
    mouse.xy_px[23] = np.nan
    found, report = told()
    assert {(kind, *names) for kind, _, names in found} == {
        ("never", "nose"),
        ("seldom", "tailtip"),
        ("unlabelled",),
    }
    assert [f.kind for f in report.suspects] == ["never"]


@pytest.mark.slow
def test_the_one_real_error_of_the_real_project(shared):
    report = check(open_project(shared / "data" / "openfield"))
    [finding] = report.findings
    assert finding.kind == "swapped"
    assert finding.images[0].name == "img0102.png"
    assert finding.parts == ("leftear", "rightear")
