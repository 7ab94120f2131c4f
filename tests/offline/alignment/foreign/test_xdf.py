"""XDF: clocks of known offsets, a reset, and a recorder that repeats itself."""

from __future__ import annotations

import gzip
import struct
import sys

import numpy as np
import pytest

from offline.alignment.foreign import Options, align_files, read_files
from offline.alignment.result import NO_TIME
from rig.errors import SessionError

pyxdf = pytest.importorskip("pyxdf")
PPM = {1: 12.0, 2: -35.0}
AHEAD_S = {1: 5000.0, 2: -800_000.0}
RESET_S, AFTER_S = 300.0, 41.5
JITTER_S = 40e-6


def _own(number, moments_s):
    """What a stream's clock says; the second one's computer reboots."""
    own = (moments_s - AHEAD_S[number]) / (1 + PPM[number] * 1e-6)
    if number == 2:
        since = (moments_s - RESET_S) / (1 + PPM[number] * 1e-6)
        own = np.where(moments_s >= RESET_S, since + AFTER_S, own)
    return own


@pytest.fixture
def recording(files, tmp_path):
    """Write a recording of 10 min; return its path, and the true times by stream."""

    def make(stale=0, ask_until=600.0, jitter_s=JITTER_S, name="session.xdf"):
        rng = np.random.default_rng(5)
        true = {
            1: np.sort(rng.uniform(1, 599, 400)),
            2: np.concatenate([np.arange(5, 250, 0.1), np.arange(320, 595, 0.1)]),
        }
        xdf = files.Xdf()
        xdf.stream(1, "markers").stream(2, "emg/left", rate_hz=10)
        asked = np.arange(2.0, ask_until, 5.0)
        for number in (1, 2):
            xdf.samples(number, _own(number, true[number]))
            own = _own(number, asked)
            seen = asked + rng.normal(0, jitter_s, asked.size)
            for k, (at, ahead) in enumerate(zip(own, seen - own, strict=True)):
                xdf.clock(number, at, ahead)
                gone = number == 2 and stale and asked[k] < RESET_S <= asked[k] + 5
                for again in range(stale if gone else 0):
                    xdf.clock(number, at + 5.0 * (again + 1), ahead)
            xdf.boundary()
        names = {"markers": true[1], "emg_left": true[2]}
        return xdf.write(tmp_path / name), {
            stream: np.rint(times * files.NS).astype(np.int64)
            for stream, times in names.items()
        }

    return make


@pytest.mark.parametrize("stale", [0, 50])
def test_streams_come_to_the_recorders_clock(files, recording, stale):
    path, true = recording(stale)
    aligned = align_files([path], Options())
    assert aligned.alignment.reference == "session recorder"
    for name, times in true.items():
        wrong = files.error(aligned, name, times)
        assert wrong.rms_us < 25
        assert wrong.coverage > 0.95
    markers, emg = aligned.alignment.relations
    assert (markers.segments, emg.segments) == (1, 2)
    assert markers.drift_ppm == pytest.approx(PPM[1], abs=0.5)
    assert emg.drift_ppm == pytest.approx(PPM[2], abs=1.0)
    assert "in 2 segments, its clock having been reset" in emg.reason
    assert (f"{stale} of" in emg.reason) is bool(stale)


def test_a_last_answer_that_is_written_again_and_again_misleads_a_straight_line(
    files, recording
):
    path, true = recording(stale=50)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pyxdf.pyxdf.logger, "disabled", True)
        streams, _ = pyxdf.load_xdf(path, dejitter_timestamps=False)
    theirs = streams[1]["time_stamps"] * 1e9 - true["emg_left"]
    aligned = align_files([path], Options())
    ours = files.error(aligned, "emg_left", true["emg_left"])
    assert ours.worst_us < 100
    assert np.max(np.abs(theirs)) / 1e3 > 10 * ours.worst_us


def test_one_stream_can_be_picked(recording):
    path, _ = recording()
    assert [t.name for t in read_files([path], Options(columns=("markers",)))] == [
        "markers"
    ]


def test_a_stream_that_is_not_there_names_those_that_are(recording):
    path, _ = recording()
    with pytest.raises(SessionError, match=r"'eeg'.*markers, emg_left"):
        read_files([path], Options(columns=("eeg",)))


def test_packed_files_are_read(recording):
    path, _ = recording()
    packed = path.with_suffix(".xdf.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    trains = read_files([packed], Options())
    for train, plain in zip(trains, read_files([path], Options()), strict=True):
        assert np.array_equal(train.times_ns, plain.times_ns)


def test_a_stream_that_was_never_asked_has_no_times(files, tmp_path):
    xdf = files.Xdf().stream(1, "mute").samples(1, np.arange(1.0, 30.0))
    xdf.stream(2, "asked").samples(2, np.arange(1.0, 30.0))
    for k in range(12):
        xdf.clock(2, 5.0 * k, 7.0 + 1e-5 * (k % 3))
    aligned = align_files([xdf.write(tmp_path / "a.xdf")], Options())
    assert np.all(aligned.streams["mute"].time_ns == NO_TIME)
    assert np.all(aligned.streams["asked"].time_ns != NO_TIME)
    mute, asked = aligned.alignment.streams
    assert (mute.level, asked.unique) == ("FAIL", True)
    assert "no measurement of this stream's clock" in mute.sentence


@pytest.mark.parametrize("away_s", [-600_000, 600_000])
def test_stamps_far_from_any_measurement_get_no_time(files, tmp_path, away_s):
    own = np.concatenate([np.arange(1.0, 100.0), np.arange(1.0, 50.0) + away_s])
    xdf = files.Xdf().stream(1, "emg").samples(1, own)
    for k in range(20):
        xdf.clock(1, 5.0 * k, 3.0 + 1e-5 * (k % 3))
    aligned = align_files([xdf.write(tmp_path / "a.xdf")], Options())
    timed = aligned.streams["emg"].time_ns != NO_TIME
    assert timed[:99].all()
    if away_s < 0:  # a step forward may be a pause: its error grows instead
        assert not timed[99:].any()
        (found,) = [f for f in aligned.alignment.findings if f.check == "untimed"]
        assert "49 of 148" in found.words
    else:
        assert np.min(aligned.streams["emg"].sd_ns[99:]) > files.NS


@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_few_measurements_are_not_thought_exact(files, tmp_path, count):
    rng = np.random.default_rng(count)
    asked = 2.0 + 5.0 * np.arange(count)
    moments = np.arange(0.0, 60.0, 0.5)
    own, at = (times * (1 - 40e-6) - 50.0 for times in (moments, asked))
    xdf = files.Xdf().stream(1, "short").samples(1, own)
    for now, said in zip(asked, at, strict=True):
        xdf.clock(1, said, now + rng.normal(0, 60e-6) - said)
    aligned = align_files([xdf.write(tmp_path / "a.xdf")], Options())
    true = np.rint(moments * files.NS).astype(np.int64)
    wrong = files.error(aligned, "short", true)
    assert wrong.coverage > 0.9
    assert np.nanmin(aligned.streams["short"].sd_ns) > 20_000
    (relation,) = aligned.alignment.relations
    assert "fewer than 10 measurements" in relation.reason


def test_streams_of_one_name_are_told_apart(files, tmp_path):
    xdf = files.Xdf()
    for number in (1, 2):
        xdf.stream(number, "emg").samples(number, np.arange(1.0, 9.0))
    trains = read_files([xdf.write(tmp_path / "a.xdf")], Options())
    assert [train.name for train in trains] == ["emg 1", "emg 2"]


def test_a_recording_that_was_cut_off_gives_what_is_whole(recording):
    path, _ = recording()
    whole = path.read_bytes()
    for left_out in (1, 300, len(whole) // 3):
        path.write_bytes(whole[:-left_out])
        trains = read_files([path], Options())
        assert trains[0].name == "markers"
        assert "ends within a chunk" in trains[0].faults[0]
        aligned = align_files([path], Options())
        assert any(found.check == "file" for found in aligned.alignment.findings)


def test_any_cut_or_bent_byte_is_said_never_thrown(files, tmp_path):
    xdf = files.Xdf().stream(1, "emg").samples(1, np.arange(1.0, 60.0)).boundary()
    for k in range(3):
        xdf.clock(1, 5.0 * k, 3.0)
    rng = np.random.default_rng(0)
    path = tmp_path / "bent.xdf"
    refused = 0
    for trial in range(200):
        data = bytearray(xdf.data[: rng.integers(5, len(xdf.data) + 1)])
        for at in rng.integers(0, len(data), trial % 4):
            data[at] = rng.integers(256)
        path.write_bytes(data)
        try:
            align_files([path], Options())
        except SessionError:
            refused += 1
    assert 0 < refused < 200


BAD = {
    "text": (b"time_s\n1\n2\n", "does not begin as one"),
    "only the magic": (b"XDF:", "none"),
    "half the magic": (b"XD", "does not begin as one"),
    "packed and cut off": (gzip.compress(b"XDF:" + bytes(99))[:20], "cut off"),
    "broken header": (
        b"XDF:" + struct.pack("<BBHI", 1, 12, 2, 1) + b"<info>",
        "damaged",
    ),
}


@pytest.mark.parametrize(("data", "words"), BAD.values(), ids=BAD)
def test_what_cannot_be_read_is_said(tmp_path, data, words):
    path = tmp_path / "log.xdf"
    path.write_bytes(data)
    with pytest.raises(SessionError, match=words):
        read_files([path], Options())


def test_without_pyxdf_the_user_is_told_what_to_install(
    recording, monkeypatch: pytest.MonkeyPatch
):
    path, _ = recording()
    monkeypatch.setitem(sys.modules, "pyxdf", None)
    with pytest.raises(SessionError, match=r'pip install "springhare\[offline\]"'):
        read_files([path], Options())
