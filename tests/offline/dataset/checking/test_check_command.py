import json

import numpy as np
import pytest
from PIL import Image

from offline.dataset.checking import drawing
from offline.dataset.checking.sheets import window_of
from rig import cli


@pytest.fixture
def frames_check(capsys):
    """Run the command; return its status, what it said, and its errors."""

    def run(*words):
        status = cli.main(["frames", "check", *map(str, words)])
        told = capsys.readouterr()
        return status, told.out, told.err

    return run


def spoil(mouse):
    mouse.xy_px[4, [1, 2]] = mouse.xy_px[4, [2, 1]]
    return mouse


def content(folder):
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_suspects_are_told_and_drawn(frames_check, mouse, written):
    folder = written(spoil(mouse))
    before = content(folder)
    status, told, _ = frames_check(folder)
    assert status == 0
    assert "\n1 suspect in 1 of 24 labelled pictures: swapped 1" in told
    [sheet] = (folder / "springhare-check").iterdir()
    assert sheet.name == "suspects-01.png"
    with Image.open(sheet) as picture:
        assert min(picture.size) > 400
    after = content(folder)
    assert {path: after[path] for path in before} == before
    assert len(after) == len(before) + 1


def test_strict_ends_with_one(frames_check, mouse, written):
    assert frames_check(written(spoil(mouse)), "--strict")[0] == 1


def test_a_clean_project(frames_check, mouse, written):
    folder = written(mouse)
    status, told, _ = frames_check(folder, "--strict")
    assert status == 0
    assert "nothing suspect in any of 24 labelled pictures" in told
    assert not (folder / "springhare-check").exists()


def test_sheets_elsewhere_and_of_all(frames_check, mouse, written, tmp_path):
    folder, out = written(spoil(mouse)), tmp_path / "look.png"
    status, told, _ = frames_check(folder, "--out", out, "--all", "--json")
    assert status == 0
    found = json.loads(told)
    assert found["sheets"] == [str(out), str(tmp_path / "look-all-01.png")]
    assert [f["kind"] for f in found["findings"]] == ["swapped"]
    assert found["counts"]["nose"] == 24
    assert not (folder / "springhare-check").exists()
    status, _, error = frames_check(folder, "--out", out)
    assert status != 0
    assert "replace it with --force" in error


def test_what_is_on_no_sheet_is_said(frames_check, mouse, written, monkeypatch):
    monkeypatch.setattr(drawing, "PER_SHEET", 1)
    monkeypatch.setattr(drawing, "_MOST_SHEETS", 1)
    folder = written(mouse)
    for image in mouse.labels.images[:3]:
        (folder / image).write_bytes(b"no picture")
    status, told, _ = frames_check(folder)
    assert status == 0
    assert "3 suspects in 3 of 24" in told
    assert "2 more suspect pictures are on no sheet" in told
    sheets = [sheet.name for sheet in (folder / "springhare-check").iterdir()]
    assert sheets == ["suspects-01.png"]
    assert json.loads(frames_check(folder, "--json")[1])["left_out_of_sheets"] == 2


def test_a_picture_that_cannot_be_read_is_found(frames_check, mouse, written):
    folder = written(mouse)
    (folder / mouse.image(3)).write_bytes(b"no picture")
    status, told, _ = frames_check(folder, "--json")
    assert status == 0
    assert [f["kind"] for f in json.loads(told)["findings"]] == ["unreadable"]


def test_no_project(frames_check, tmp_path):
    status, _, error = frames_check(tmp_path)
    assert status != 0
    assert "Expected a DeepLabCut project" in error


def test_all_labels_are_in_view():
    xy_px = np.array([[10.0, 20], [110, 60], [np.nan, np.nan]])
    left, right, top, bottom = window_of(xy_px, (640, 480))
    assert left < 10 < 110 < right
    assert top < 20 < 60 < bottom
    assert right - left == bottom - top
    assert window_of(xy_px[2:], (64, 48)) == (-0.5, 63.5, -0.5, 47.5)
