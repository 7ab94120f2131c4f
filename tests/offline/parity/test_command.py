"""`springhare parity`, as it is called."""

import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from offline.reanalysis.poses_file import sidecar_path

SHIFT = {"left": range(108, 113)}


@pytest.fixture(scope="module")
def recorded(session_of, tasks):
    return session_of(tasks.take_off(), skipped=SHIFT, cameras=("left", "right"))


@pytest.fixture
def session(recorded, tmp_path):
    """A session for a test's own, in which frames were skipped at the first jump."""
    return Path(shutil.copytree(recorded, tmp_path / "session"))


def test_what_it_says(parity, session, tmp_path):
    picture = tmp_path / "parity.png"
    status, out, err = parity(session, "--camera=left", "--picture", picture)
    assert status == 0, err
    assert "skipped 5 (" in out
    assert "longest run of skipped frames: 5, blind for 60.0 ms" in out
    assert re.search(r"shifted \+40\.0 ms +skipped", out)
    assert "skipped: frames were skipped live" in out
    with Image.open(picture) as drawn:
        assert drawn.size[0] > 1000
    status, _, err = parity(session, "--picture", picture)
    assert (status, "--force" in err) == (2, True)


def test_the_figures(parity, session):
    _, found, _ = parity(session, "--json")
    left, right = found["cameras"]
    assert (left["camera"], right["camera"]) == ("left", "right")
    assert left["rules"][0]["causes"] == {"skipped": 1}
    assert left["differences"][0]["cause"] == "skipped"
    assert (left["same_model"], left["live"]["name"]) == (None, "m")
    assert right["rules"] == []
    assert right["coverage"]["skipped"] == 0
    _, found, _ = parity(session, "--json", "--shift-ms=50")
    assert found["cameras"][0]["rules"][0]["found"] == 2


def test_without_offline_poses_it_says_how_to_make_them(parity, session_of, tasks):
    folder = session_of(tasks.take_off(), offline=False)
    status, _, err = parity(folder)
    assert status == 2
    assert f"springhare analyse {folder} --model bundled:mouse" in err


def test_a_camera_without_offline_poses(parity, session_of, tasks):
    folder = session_of(tasks.take_off())
    _, found, _ = parity(folder, "--json")
    assert [camera["camera"] for camera in found["cameras"]] == ["left"]
    assert "right is left out" in found["remarks"][0]
    status, _, err = parity(folder, "--camera=right")
    assert (status, "Expected poses of right" in err) == (2, True)


def test_which_offline_poses(parity, session, write_offline):
    _, _, err = parity(session, "--model=nobody")
    assert "Expected poses of left by nobody, got those by other" in err
    poses = [[[1.0, 2.0, 0.9], [3.0, 4.0, 0.9]]] * 560
    later = "2027-01-01T00:00:00+00:00"
    path = write_offline(
        session, "left", poses, ("hip", "tail"), "new", "cd" * 32, analysed_utc=later
    )
    _, found, _ = parity(session, "--json", "--camera=left")
    [camera] = found["cameras"]
    assert (camera["offline"]["name"], camera["file"]) == ("new", str(path))
    assert [each["bodypart"] for each in camera["pixels"]] == ["all", "hip"]
    _, found, _ = parity(session, "--json", "--camera=left", "--model=ababab")
    assert found["cameras"][0]["offline"]["name"] == "other"


def test_poses_of_other_parts(parity, session, write_offline):
    poses = [[[1.0, 2.0, 0.9]]] * 560
    write_offline(session, "left", poses, ("paw",), "paw")
    status, _, err = parity(session, "--camera=left", "--model=paw")
    assert status == 2
    assert "Expected a body part of the live model" in err
    write_offline(session, "left", poses, ("toe",), "toe")
    _, found, _ = parity(session, "--camera=left", "--model=toe", "--json")
    assert "cannot be asked of the offline poses" in found["remarks"][0]
    assert found["cameras"][0]["rules"] == []


def test_poses_of_other_frames(parity, session, write_offline):
    poses = [[[1.0, 2.0, 0.9]]] * 560
    path = write_offline(session, "left", poses, ("hip",), "else", source_xxh3="0" * 32)
    for words in (("--poses", path), ("--model=else",)):
        status, _, err = parity(session, "--camera=left", *words)
        assert status == 2
        assert "got those of others" in err
        assert f"springhare analyse {session} --model bundled:mouse --force" in err
    assert "name it with --camera" in parity(session, "--poses", path)[2]


def test_a_file_of_deeplabcut_is_taken_at_its_word(parity, session, write_offline):
    poses = [[[1.0, 2.0, 0.9]]] * 560
    path = write_offline(session, "left", poses, ("hip",), "bare")
    sidecar_path(path).unlink()
    status, out, _ = parity(session, "--camera=left", "--poses", path)
    assert status == 0
    assert "unknown whether the same model" in out
    assert "nobody has noted who saw" in out


def test_a_file_that_was_cut_off(parity, session, write_offline, tmp_path):
    path = write_offline(session, "left", [[[1.0, 2.0, 0.9]]] * 560, ("hip",), "whole")
    cut = tmp_path / "cut.h5"
    cut.write_bytes(path.read_bytes()[:3000])
    status, _, err = parity(session, "--camera=left", "--poses", cut)
    assert status == 2
    assert "Expected poses as DeepLabCut keeps them" in err
    assert "Traceback" not in err


def test_no_session(parity, tmp_path):
    status, out, err = parity(tmp_path)
    assert status == 2
    assert "Expected a session" in err
    assert not out
