"""`springhare compress`, as its user has it."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from offline.archive.chunks import pack_pixels
from offline.archive.filters import FILTERS
from offline.archive.measure import sample_frames
from offline.archive.trial import try_packing
from offline.commands.sessions import compress
from rig.errors import SessionError


@pytest.fixture
def run():
    """Run the command; return what it printed and its exit status."""

    def call(*arguments):
        result = CliRunner().invoke(
            compress, [str(a) for a in arguments], standalone_mode=False
        )
        if result.exception is not None:
            raise result.exception
        return result.stdout, result.return_value

    return call


def _is_folded(session):
    with h5py.File(session / "session.h5") as file:
        return file.attrs.get("storage") == "folded"


def test_a_session_is_folded_and_the_user_told(session, run):
    told, status = run(session, "--workers", 1)
    assert status == 0
    assert _is_folded(session)
    for words in ("/cameras/left/frames", "gzip", "Every bit was compared", "removed"):
        assert words in told
    told, status = run(session)
    assert "was folded before, with gzip" in told


def test_a_dry_run_only_tells(session, run):
    told, _ = run(session, "--dry-run", "--filter", "szip")
    assert "Nothing was changed" in told
    assert "about" in told
    assert not _is_folded(session)


def test_json_is_all_that_is_printed(session, run):
    told, _ = run(session, "--json", "--keep-raw", "--workers", 1, "--filter", "jpegls")
    report = json.loads(told)
    assert (report["outcome"], report["filter"]) == ("folded", "jpegls")
    assert not report["raw_removed"]
    assert {"path", "filter", "raw_bytes", "stored_bytes"} == set(report["datasets"][0])
    assert (session / "segments").is_dir()


def test_videos_can_be_had_without_folding(session, run):
    told, _ = run(session, "--video-only", "--workers", 1)
    assert "left.mkv: 70 frames" in told
    assert "compared bit for bit" in told
    assert not _is_folded(session)


def test_a_session_is_folded_after_its_videos_were_made(make_session, tmp_path, run):
    session = make_session(tmp_path / "s", only={"cameras/left", "events/daq"})
    told, _ = run(session, "--video", "h264", "--crf", 30, "--workers", 1, "--json")
    report = json.loads(told)
    assert [video["codec"] for video in report["videos"]] == ["h264"]
    assert _is_folded(session)


def test_a_codec_that_cannot_is_refused_before_anything_is_done(session, run):
    with pytest.raises(Exception, match="8-bit"):
        run(session, "--video", "h264")
    assert not _is_folded(session)
    assert not (session / "derived").exists()


def test_a_folder_without_session_is_refused(tmp_path, run):
    with pytest.raises(SessionError, match="give the folder of a session"):
        run(tmp_path)


def test_filters_are_compared_on_a_sessions_own_frames(make_session, tmp_path, run):
    session = make_session(tmp_path / "s", rows=20, only={"cameras/left"})
    told, _ = run(session, "--measure")
    assert "unpack MB/s" in told
    assert "NOT EXACT" not in told
    assert not _is_folded(session)


@pytest.mark.slow
def test_filters_are_compared_also_with_noise_and_as_json(make_session, tmp_path, run):
    session = make_session(tmp_path / "s", rows=20, only={"cameras/left"})
    found = json.loads(run(session, "--measure", "--noise", 2, "--json")[0])
    assert {one["frames"] for one in found} == {
        "cameras/left",
        "cameras/left + noise 2",
    }
    assert all(one["exact"] for one in found)
    offered = {one["filter"] for one in found if one["offered"]}
    assert offered == {"gzip", "szip", "jpegls", "bitshuffle", "none"}
    assert {one["needs"] for one in found} == {"nothing", "libaec", "hdf5plugin"}


@pytest.mark.slow
def test_the_order_of_the_filters_on_a_film_with_noise(shared):
    film = shared / "data" / "openfield" / "videos" / "m3v1mp4.mp4"
    (frames,) = sample_frames(film).values()
    noise = np.random.default_rng(1).normal(0, 3, (6, *frames.shape[1:]))
    frames = np.clip(np.rint(frames[:6] + noise), 0, 255).astype(np.uint8)
    trials = {
        name: try_packing(frames, pack_pixels(filter_, frames.dtype, 6, (480, 640)))
        for name, filter_ in FILTERS.items()
    }
    assert all(trial.exact for trial in trials.values())
    ratios = {name: trial.ratio for name, trial in trials.items()}
    assert ratios["jpegls"] > ratios["szip"] > ratios["gzip"] > ratios["bitshuffle"] > 1
