"""A folded session among the others: read, checked, drawn, and never written again."""

from __future__ import annotations

import shutil
import subprocess
import sys

import h5py
import pytest

from offline.archive.compress import Options, compress, plan_compression
from offline.archive.video import VideoOptions, write_videos
from rig.errors import SessionError
from rig.recording.count import ledger_from_recording
from rig.recording.finish import finish_session
from rig.recording.inspection import inspect_recording
from rig.recording.layout import RESERVE_FILE
from rig.recording.ledger import Ledger, Recovered
from rig.recording.reader import Recording
from rig.recording.writer import SessionWriter

SMALL = {"cameras/left", "events/daq"}


@pytest.fixture
def small(make_session, tmp_path):
    return make_session(tmp_path / "small", only=SMALL)


def _read_in_a_fresh_process(session, *before):
    code = "\n".join(
        [
            "import sys",
            *before,
            "from pathlib import Path",
            "from rig.recording.reader import Recording",
            "from rig.errors import SessionError",
            "with Recording.open(Path(sys.argv[1])) as recording:",
            "    print(len(recording.rows('cameras/left')), end=' ')",
            "    try:",
            "        print(int(recording.payload('cameras/left').sum()))",
            "    except SessionError as error:",
            "        print(error)",
        ]
    )
    return subprocess.run(
        [sys.executable, "-c", code, session],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def test_a_plugin_is_loaded_where_pixels_need_it_and_asked_for_where_it_is_not(small):
    with Recording.open(small) as recording:
        total = int(recording.payload("cameras/left").sum())
    compress(small, Options(filter="jpegls"))
    assert _read_in_a_fresh_process(small) == f"70 {total}"
    told = _read_in_a_fresh_process(small, "sys.modules['hdf5plugin'] = None")
    assert told.startswith("70 Expected HDF5 filter 32018 to unpack /cameras/left")
    assert told.endswith("pip install hdf5plugin")


def test_nothing_is_added_to_a_folded_session(small):
    compress(small, Options())
    before = (small / "session.h5").read_bytes()
    with Recording.open(small) as recording:
        ledger = ledger_from_recording(recording)
    with pytest.raises(SessionError, match="folded into one file: start a new one"):
        SessionWriter.reopen(small)
    with pytest.raises(SessionError, match="folded into one file: start a new one"):
        finish_session(small, ledger)
    assert (small / "session.h5").read_bytes() == before


@pytest.mark.parametrize("quick", [False, True])
def test_check_compares_the_pixels_of_a_folded_session_with_their_checksums(
    small, quick
):
    compress(small, Options(filter="none"))
    with Recording.open(small) as recording:
        found = inspect_recording(recording, quick=quick)
    assert (found.verdict, found.findings) == ("PASS", [])
    if quick:
        return
    with h5py.File(small / "session.h5", "r+") as file:
        file["cameras/left/frames"][33, 5, 7] ^= 1
    with Recording.open(small) as recording:
        found = inspect_recording(recording)
    assert found.verdict == "FAIL"
    assert "33" in found.reason
    assert "checksum" in found.reason


@pytest.fixture
def cut(small):
    """A session of which `recover` left the last ten frames out."""
    with Recording.open(small) as recording:
        ledger = ledger_from_recording(recording).to_dict()
        layouts, info = recording.layouts, recording.info
    recovered = Recovered(left_out={"cameras/left": 10})
    from rig.recording import finish
    from rig.recording.extents import committed_extent
    from rig.recording.hdf5 import Extent

    extents = {name: committed_extent(small, it) for name, it in layouts.items()}
    extents["cameras/left"] = Extent(60, 60)
    ledger = Ledger(**{**ledger, "streams": {}, "recovered": recovered})
    finish.settle(small, info, layouts, extents, ledger, "salvaged")
    (small / "session.before-recovery.h5").write_bytes(b"shows zeros")
    return small


def test_what_recover_left_out_is_not_removed(cut):
    for ask in (compress, plan_compression):
        with pytest.raises(SessionError, match=r"cut \(cameras/left\).*--keep-raw"):
            ask(cut, Options())
    compress(cut, Options(keep_raw=True))
    with pytest.raises(SessionError, match="--keep-raw"):
        compress(cut, Options())
    with Recording.open(cut) as recording:
        assert recording.folded
        assert recording.count("cameras/left") == 60
    assert len(list((cut / "segments").glob("cameras*"))) == 2


def test_what_only_shows_segments_goes_with_them(small):
    (small / "session.before-recovery.h5").write_bytes(b"shows zeros")
    (small / "segments" / RESERVE_FILE).write_bytes(bytes(10))
    compress(small, Options(keep_raw=True))
    assert (small / "session.before-recovery.h5").exists()
    compress(small, Options())
    assert sorted(p.name for p in small.iterdir()) == ["session.h5", "session.json"]


def test_a_missing_segment_is_no_film_of_zeros(small):
    (small / "segments" / "cameras+left-1.h5").unlink()
    with pytest.raises(SessionError, match="springhare check"):
        write_videos(small, VideoOptions("ffv1"))


def test_a_folder_that_cannot_be_written_is_said_in_words(small, monkeypatch):
    shutil.rmtree(small / "derived", ignore_errors=True)
    (small / "derived").write_bytes(b"")
    with pytest.raises(SessionError, match=r"Expected to make .*derived.*writable"):
        write_videos(small, VideoOptions("ffv1"))
