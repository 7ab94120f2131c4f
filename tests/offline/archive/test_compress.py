"""A folded session is the same one, and nothing is removed before that is proved."""

from __future__ import annotations

import errno
import filecmp
import os
import resource
import shutil
import subprocess
import sys

import h5py
import pytest

from offline.archive import compress as module
from offline.archive.compress import Options, compress, plan_compression
from offline.archive.draft import drafts_folder
from offline.archive.filters import FILTERS
from rig.errors import BusyError, SessionError
from rig.recording import disk
from rig.recording.reader import Recording
from rig.recording.sidecar import read_sidecar
from rig.recording.writer import SessionWriter

SMALL = Options(piece_bytes=60_000)


@pytest.fixture
def whole_draft():
    """Compress a session up to the moment when its draft takes its place."""

    def make(session):
        with h5py.File(session / "session.h5"), pytest.raises(BusyError):
            compress(session, SMALL)

    return make


def _assert_untouched(raw, session):
    """Every file of a session is as it was, and there is no other."""
    names = [
        sorted(path.relative_to(f) for path in f.rglob("*")) for f in (raw, session)
    ]
    assert names[0] == names[1]
    files = [name for name in names[0] if (raw / name).is_file()]
    assert filecmp.cmpfiles(raw, session, files, shallow=False)[0] == files


def _names(session):
    return sorted(path.name for path in session.iterdir())


@pytest.mark.parametrize("name", list(FILTERS))
def test_a_folded_session_is_the_same_bit_for_bit(session, raw, assert_same, name):
    report = compress(session, Options(filter=name, piece_bytes=60_000))
    assert_same(raw, session)
    assert _names(session) == ["session.h5", "session.json"]
    assert report.outcome == "folded"
    (frames,) = (o for o in report.datasets if o.path == "/cameras/left/frames")
    assert frames.ratio > (0.99 if name == "none" else 1.2)
    assert report.raw_removed
    assert report.raw_bytes == sum(one.raw_bytes for one in report.datasets)
    assert report.stored_bytes == (session / "session.h5").stat().st_size
    with h5py.File(session / "session.h5") as file:
        assert file.attrs["storage"] == "folded"
        assert file.attrs["storage_filter"] == name
        assert file.attrs["storage_needs"] == FILTERS[name].needs


@pytest.mark.slow
def test_rows_are_the_segments_own_bytes_with_what_lies_between_fields(session, raw):
    compress(session, SMALL)
    segment = raw / "segments" / "events+daq-0.h5"
    with h5py.File(segment) as file:
        offset, dtype = file["index"].id.get_offset(), file["index"].dtype
    wanted = segment.read_bytes()[offset : offset + 70 * dtype.itemsize]
    with h5py.File(session / "session.h5") as file:
        assert file["events/daq"][:].tobytes() == wanted
    fields = sum(dtype[name].itemsize for name in dtype.names)
    assert fields == dtype.itemsize or b"\xa5" in wanted


def test_a_folded_session_is_read_like_any_other(session, raw):
    compress(session, SMALL)
    with Recording.open(session) as new, Recording.open(raw) as old:
        assert new.folded
        assert dict(new.streams) == dict(old.streams)
        assert (new.info, new.ledger) == (old.info, old.ledger)
        for name, spec in old.streams.items():
            assert new.count(name) == old.count(name)
            assert new.rows(name).tobytes() == old.rows(name).tobytes()
            assert new.checksums(name).tobytes() == old.checksums(name).tobytes()
            assert new.attributes(name) == old.attributes(name)
            if spec.payload is not None:
                assert new.payload(name).tobytes() == old.payload(name).tobytes()


def test_gzip_opens_in_plain_h5py(session, raw):
    compress(session, SMALL)
    code = (
        "import sys, h5py, hashlib\n"
        "frames = h5py.File(sys.argv[1])['cameras/left/frames'][:]\n"
        "assert 'hdf5plugin' not in sys.modules\n"
        "print(hashlib.sha256(frames.tobytes()).hexdigest())"
    )
    told = [
        subprocess.run(
            [sys.executable, "-c", code, folder / "session.h5"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for folder in (session, raw)
    ]
    assert told[0] == told[1] != ""


def test_running_again_changes_nothing(session):
    compress(session, SMALL)
    before = (session / "session.h5").read_bytes()
    report = compress(session, Options(filter="szip"))
    assert (report.outcome, report.filter) == ("already folded", "gzip")
    assert plan_compression(session, SMALL).outcome == "already folded"
    assert (session / "session.h5").read_bytes() == before


def test_the_raw_is_kept_on_request_and_goes_after_another_proof(
    session, raw, assert_same
):
    report = compress(session, Options(keep_raw=True, piece_bytes=60_000))
    assert not report.raw_removed
    assert _names(session) == ["segments", "session.h5", "session.json"]
    assert_same(raw, session)
    again = compress(session, SMALL)
    assert (again.outcome, again.raw_removed) == ("already folded", True)
    assert again.datasets
    assert _names(session) == ["session.h5", "session.json"]


def test_kept_raw_stays_when_the_folded_file_has_decayed(session):
    compress(session, Options(filter="none", keep_raw=True))
    with h5py.File(session / "session.h5", "r+") as file:
        file["cameras/left/frames"][3, 5, 7] ^= 1
    with pytest.raises(SessionError, match="entry 3 of /cameras/left/frames differs"):
        compress(session, SMALL)
    assert (session / "segments").is_dir()


def test_a_plan_changes_nothing_and_comes_near(session, raw):
    plan = plan_compression(session, SMALL)
    _assert_untouched(raw, session)
    done = compress(session, SMALL)
    assert plan.raw_bytes == done.raw_bytes
    assert [one.path for one in plan.datasets] == [one.path for one in done.datasets]
    stored = sum(one.stored_bytes for one in done.datasets)
    assert plan.stored_bytes == pytest.approx(stored, rel=0.2)


def test_a_session_of_empty_streams_is_folded(make_session, tmp_path, assert_same):
    session = make_session(tmp_path / "s", only={"cameras/idle", "losses/recorder"})
    raw = shutil.copytree(session, tmp_path / "raw")
    report = compress(session, SMALL)
    assert_same(raw, session)
    assert report.raw_bytes == 0


def test_a_session_being_recorded_is_refused(make_session, tmp_path):
    session = make_session(tmp_path / "s", rows=20, finish=False)
    for ask in (compress, plan_compression):
        with pytest.raises(SessionError, match=r"finished session.*springhare recover"):
            ask(session, SMALL)


@pytest.mark.slow
def test_a_session_without_ledger_is_refused(make_session, tmp_path):
    session = make_session(tmp_path / "s", rows=20)
    with h5py.File(session / "session.h5", "r+") as file:
        del file["ledger"].attrs["json"]
    with pytest.raises(SessionError, match="springhare recover"):
        compress(session, SMALL)


def test_a_session_is_compressed_by_one_process_at_a_time(session, raw):
    lock = disk.lock_folder(session / "segments")
    try:
        with pytest.raises(BusyError, match="another springhare compress"):
            compress(session, SMALL)
    finally:
        os.close(lock)
    _assert_untouched(raw, session)


def test_a_session_that_goes_on_is_refused(session):
    with SessionWriter.reopen(session), pytest.raises(SessionError):
        compress(session, SMALL)
    info = read_sidecar(session)
    assert info is not None
    assert info.state == "recording"


def test_nobody_reads_zeros_because_the_raw_went_away(session, raw, assert_same):
    with (
        h5py.File(session / "session.h5") as reader,
        pytest.raises(BusyError, match=r"have .*session.h5 open"),
    ):
        compress(session, SMALL)
    assert not reader
    assert (session / "segments").is_dir()
    report = compress(session, SMALL)
    assert report.outcome == "folded"
    assert_same(raw, session)


def test_a_missing_segment_is_never_taken_for_zeros(session):
    (session / "segments" / "cameras+left-0.h5").unlink()
    with pytest.raises(SessionError, match=r"as the segments hold.*springhare check"):
        compress(session, SMALL)


def test_a_cut_segment_is_refused(session):
    path = session / "segments" / "cameras+left-1.h5"
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(SessionError, match="springhare check"):
        compress(session, SMALL)
    assert (session / "segments").is_dir()


def test_more_rows_in_the_segments_than_are_shown_are_not_forgotten(
    session, make_session, tmp_path
):
    longer = make_session(tmp_path / "longer", rows=75)
    shutil.rmtree(session / "segments")
    shutil.copytree(longer / "segments", session / "segments")
    with pytest.raises(SessionError, match="Expected 75 entries of"):
        compress(session, SMALL)


def test_what_is_no_segment_is_not_removed(session):
    note = session / "segments" / "notes.txt"
    note.write_text("the mouse sneezed", encoding="ascii")
    with pytest.raises(SessionError, match=r"got notes.txt: move"):
        compress(session, SMALL)
    assert note.exists()


def _spoil(path, at):
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 0x10]))


@pytest.mark.parametrize(
    ("name", "chunk"),
    [
        ("gzip", 0),
        ("none", 4),
        pytest.param("szip", 1, marks=pytest.mark.slow),
        pytest.param("jpegls", 2, marks=pytest.mark.slow),
        pytest.param("bitshuffle", 3, marks=pytest.mark.slow),
    ],
)
def test_a_spoiled_chunk_is_noticed_before_the_raw_goes(
    session, raw, assert_same, monkeypatch, name, chunk
):
    def fold_and_spoil(plan, place, *rest):
        folded = real_fold(plan, place, *rest)
        with h5py.File(folded.path) as file:
            frames = file["cameras/left/frames"].id
            info = frames.get_chunk_info(chunk % frames.get_num_chunks())
        _spoil(folded.path, info.byte_offset + info.size // 2)
        return folded

    real_fold = module.fold
    options = Options(filter=name, piece_bytes=60_000)
    with monkeypatch.context() as patch:
        patch.setattr(module, "fold", fold_and_spoil)
        with pytest.raises(SessionError, match="of /cameras/left/frames differs"):
            compress(session, options)
    _assert_untouched(raw, session)
    compress(session, options)
    assert_same(raw, session)


def test_a_lost_attribute_is_noticed_before_the_raw_goes(session, raw, monkeypatch):
    def fold_and_forget(*args):
        folded = real_fold(*args)
        with h5py.File(folded.path, "r+") as file:
            del file["cameras/left/frames"].attrs["serial"]
        return folded

    real_fold = module.fold
    monkeypatch.setattr(module, "fold", fold_and_forget)
    with pytest.raises(SessionError, match="attribute 'serial'"):
        compress(session, SMALL)
    _assert_untouched(raw, session)


def test_a_disk_without_room_is_noticed_beforehand(session, raw, monkeypatch):
    monkeypatch.setattr(disk, "free_bytes", lambda folder: 1000)
    with pytest.raises(SessionError, match=r"GB of room.*nothing was changed"):
        compress(session, SMALL)
    _assert_untouched(raw, session)


def test_a_disk_that_fills_up_on_the_way_gets_its_room_back(
    session, raw, monkeypatch, assert_same
):
    asked = []

    def filling(folder):
        asked.append(folder)
        return 10**12 if len(asked) < 8 else 1000

    with monkeypatch.context() as patch:
        patch.setattr(disk, "free_bytes", filling)
        with pytest.raises(SessionError, match=r"No space left on device.*given back"):
            compress(session, SMALL)
    _assert_untouched(raw, session)
    compress(session, SMALL)
    assert_same(raw, session)


@pytest.fixture
def limited():
    """Let files of this process grow to so many bytes only; beyond, HDF5 fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda nbytes: resource.setrlimit(resource.RLIMIT_FSIZE, (nbytes, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_hdf5_meeting_the_end_of_the_disk_harms_nothing(
    session, raw, limited, assert_same
):
    for nbytes in (6_000, 90_000, 216_000):
        limited(nbytes)
        with pytest.raises(SessionError, match="File too large"):
            compress(session, SMALL)
        assert (session / "segments").is_dir()
    limited(resource.RLIM_INFINITY)
    compress(session, SMALL)
    assert_same(raw, session)


@pytest.mark.slow
def test_a_draft_that_is_in_the_way_of_its_successor_is_given_up(
    session, raw, whole_draft, assert_same, monkeypatch
):
    whole_draft(session)
    # as if it had been cut off: its last note, that it is whole, is missing
    (journal,) = drafts_folder(session).glob("*.journal")
    os.truncate(journal, journal.stat().st_size - 28)
    draft = journal.with_suffix(".h5")
    free = module.SPARE_BYTES + draft.stat().st_size // 2

    def room(folder):
        return 10**12 if not draft.exists() else free

    monkeypatch.setattr(disk, "free_bytes", room)
    report = compress(session, SMALL)
    assert report.carried_over_bytes == 0
    assert_same(raw, session)


def test_what_an_earlier_run_packed_is_carried_over(
    session, raw, monkeypatch, assert_same
):
    def stop(piece, *args):
        if len(packed) == 9:
            raise KeyboardInterrupt
        packed.append(piece)
        return real(piece, *args)

    packed = []
    from offline.archive import fold as fold_module

    real = fold_module.pack_piece
    with monkeypatch.context() as patch:
        patch.setattr(fold_module, "pack_piece", stop)
        with pytest.raises(KeyboardInterrupt):
            compress(session, SMALL)
    (draft,) = drafts_folder(session).glob("*.h5")
    _spoil(draft, draft.stat().st_size // 2)  # a power cut took some of it
    report = compress(session, SMALL)
    assert 0 < report.carried_over_bytes < report.raw_bytes
    assert_same(raw, session)
    assert _names(session) == ["session.h5", "session.json"]


@pytest.mark.slow
def test_a_whole_draft_that_cannot_be_opened_is_made_anew(
    session, raw, whole_draft, assert_same
):
    whole_draft(session)
    (draft,) = drafts_folder(session).glob("*.h5")
    os.truncate(draft, 100)
    with pytest.raises(SessionError, match="run it again"):
        compress(session, SMALL)
    compress(session, SMALL)
    assert_same(raw, session)


def test_another_filter_begins_anew(session, raw, whole_draft, assert_same):
    whole_draft(session)
    report = compress(session, Options(filter="szip", piece_bytes=60_000))
    assert (report.carried_over_bytes, report.filter) == (0, "szip")
    assert_same(raw, session)


def test_a_whole_draft_is_not_packed_again_but_proved_again(
    session, raw, whole_draft, assert_same, monkeypatch
):
    def busy(standing):
        raise BusyError("somebody reads")

    def fail(*args):
        raise AssertionError("packed again")

    with monkeypatch.context() as patch:
        patch.setattr(module, "take_place", busy)
        with pytest.raises(BusyError):
            compress(session, SMALL)
    from offline.archive import fold as fold_module

    monkeypatch.setattr(fold_module, "pack_piece", fail)
    compress(session, SMALL)
    assert_same(raw, session)


def test_an_error_of_the_disk_is_said_in_words(session, raw, monkeypatch):
    def broken(*args):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(disk, "publish", broken)
    with pytest.raises(SessionError, match=r"Input/output error.*run it again"):
        compress(session, SMALL)
    shutil.rmtree(drafts_folder(session))
    _assert_untouched(raw, session)


@pytest.mark.slow
def test_several_processes_do_the_same_as_one(session, raw, assert_same):
    report = compress(session, Options(filter="jpegls", workers=2, piece_bytes=60_000))
    assert_same(raw, session)
    assert {one.filter for one in report.datasets if one.raw_bytes} == {
        "jpegls",
        "gzip",
        "none",
    }
