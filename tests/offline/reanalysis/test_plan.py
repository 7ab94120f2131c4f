"""What is to be done, where it goes, and in which blocks."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offline.reanalysis.plan import (
    blocks_of,
    file_name,
    fingerprint_of,
    place_of,
    plan,
    scorer_of,
)
from offline.reanalysis.poses_file import PosesInfo
from offline.reanalysis.sources import Source
from rig.errors import SessionError

FILM = Source("video", Path("a/left.mp4"), None, None, 9, 8, 6, False, 25.0, "d")
CAMERA = Source("session", Path("a/s1"), "s1", "cam/left", 9, 8, 6, False, 25.0, "e")
INFO = PosesInfo(
    model="m",
    model_sha256="0",
    engine="onnx",
    provider="cpu",
    resize=1.0,
    batch=1,
    springhare="0",
    source="s",
    source_xxh3="d",
    width_px=8,
    height_px=6,
    colour=False,
    frames=9,
    complete=True,
)


@given(st.integers(1, 5000), st.integers(1, 300))
def test_blocks_hold_every_frame_once_and_cut_no_batch(frames, batch):
    blocks = list(blocks_of(frames, batch))
    assert [k for block in blocks for k in range(*block)] == list(range(frames))
    assert all(start % batch == 0 for start, _ in blocks)


@pytest.mark.parametrize(
    ("source", "out", "place"),
    [
        (CAMERA, None, "a/s1/derived/poses/cam+left/m_1.h5"),
        (CAMERA, Path("o"), "o/s1_cam+leftDLC_m_1.h5"),
        (FILM, None, "a/leftDLC_m_1.h5"),
        (FILM, Path("o"), "o/leftDLC_m_1.h5"),
    ],
)
def test_where_poses_go(source, out, place):
    assert place_of(source, "m 1", out) == Path(place)


def test_names_that_no_file_can_have():
    assert file_name("../x/y z") == "_x_y_z"
    assert file_name("..") == "_"
    assert scorer_of("a/b") == "DLC_a_b"


@pytest.mark.parametrize(
    "other", [{"model_sha256": "1"}, {"resize": 0.5}, {"batch": 2}, {"engine": "torch"}]
)
def test_blocks_of_another_analysis_have_another_fingerprint(other):
    assert fingerprint_of(msgspec.structs.replace(INFO, **other)) != fingerprint_of(
        INFO
    )
    later = msgspec.structs.replace(INFO, analysed_utc="2026", fault="")
    assert fingerprint_of(later) == fingerprint_of(INFO)


def test_two_films_for_one_file(tmp_path):
    twins = [replace(FILM, path=tmp_path / name) for name in ("a.mp4", "a.avi")]
    with pytest.raises(SessionError, match="Expected a file of its own"):
        plan([(twin, INFO) for twin in twins], None, force=True)
