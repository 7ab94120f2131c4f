"""Harp's logs, written from the protocol, sound and damaged."""

from __future__ import annotations

import numpy as np
import pytest
from harp.protocol import MessageType, RegisterU8, RegisterU16Array

from offline.alignment.foreign import Options, align_files, read_files
from rig.errors import SessionError

TICK = 32_000
START = 3_737_961_642 * 1_000_000_000


def _ns(count, step_ticks=62):
    return START + TICK * step_ticks * np.arange(count)


@pytest.fixture
def write(files, tmp_path):
    def call(messages, name="Behavior_90.bin"):
        path = tmp_path / name
        path.write_bytes(b"".join(messages))
        return path

    return call


def _words(files, times, address=90, **options):
    return [
        files.harp_message(address, int(ns), bytes([k % 256, 0, 1, 2]), **options)
        for k, ns in enumerate(times)
    ]


def test_stamps_are_read_to_the_tick(files, write):
    (train,) = read_files([write(_words(files, _ns(400)))], Options())
    assert np.array_equal(train.times_ns, _ns(400))
    assert (train.name, train.clock, train.tick_ns) == (
        "Behavior_90",
        "Behavior",
        TICK,
    )
    assert "register 90, 2 × U16" in train.notes[0]


def test_what_the_official_package_writes_is_read(tmp_path):
    seconds = 3_737_961_642 + 31 * 32e-6 * np.arange(1000)
    values = np.zeros((1000, 2), np.uint16)
    register = RegisterU16Array(44, length=2)
    path = tmp_path / "Board_44.bin"
    register.format_bulk(values, timestamps=seconds).tofile(path)
    (train,) = read_files([path], Options())
    assert np.array_equal(train.times_ns, START + TICK * 31 * np.arange(1000))


def test_a_whole_devices_log_is_a_train_for_each_register(files, write):
    times = _ns(300, 1000)
    mixed = []
    for k, ns in enumerate(times.tolist()):
        mixed.append(files.harp_message(32, ns, bytes([k % 2]), code=0x11))
        if k % 10 == 0:
            mixed.append(files.harp_message(90, ns + 5 * TICK, b"\1\0\2\0"))
        if k % 50 == 0:
            mixed.append(files.harp_message(8, ns, b"\0\0\0\0", kind=1, code=0x14))
            mixed.append(files.harp_message(33, 0, b"\0", code=0x11, stamped=False))
    path = write(mixed, "log.bin")
    trains = read_files([path], Options())
    assert [(t.name, len(t.times_ns)) for t in trains] == [
        ("log.8", 6),
        ("log.32", 300),
        ("log.90", 30),
    ]
    (one,) = read_files([path], Options(columns=("90",)))
    assert one.name == "log.90"


def test_answers_to_requests_are_no_events(files, write):
    answers = _words(files, _ns(5) + 7 * TICK, kind=2)
    messages = [*_words(files, _ns(100)), *answers]
    (train,) = read_files([write(messages)], Options())
    assert len(train.times_ns) == 100
    assert "5 answers" in " ".join(train.notes)


def test_the_edges_of_a_bit(tmp_path):
    states = np.array([0, 8, 8, 0, 1, 9, 0], np.uint8)
    seconds = 100.0 + np.arange(states.size)
    path = tmp_path / "Board_32.bin"
    register = RegisterU8(32)
    register.format_bulk(
        states, timestamps=seconds, message_type=MessageType.Event
    ).tofile(path)
    (train,) = read_files([path], Options(columns=("bit3",)))
    assert (train.times_ns // 10**9).tolist() == [101, 103, 105, 106]
    assert train.rising.tolist() == [True, False, True, False]
    assert train.name == "Board_32.bit3"
    both = read_files([path], Options(columns=("32.bit0", "32.bit3")))
    assert [one.name for one in both] == ["Board_32.bit0", "Board_32.bit3"]
    with pytest.raises(SessionError, match="bits 0 to 7"):
        read_files([path], Options(columns=("bit8",)))
    with pytest.raises(SessionError, match="Expected edges"):
        read_files([path], Options(columns=("bit7",)))


def test_steps_back_of_a_tick_are_rounding_and_more_is_flagged(files, write):
    times = np.insert(_ns(400), 101, _ns(400)[100] - TICK)
    aligned = align_files([write(_words(files, times))], Options())
    (found,) = [f for f in aligned.alignment.findings if f.check == "steps_back"]
    assert (found.level, found.value) == ("PASS", 1)
    assert aligned.alignment.level == "PASS"
    times[200:202] = times[200:202][::-1]
    aligned = align_files([write(_words(files, times))], Options())
    flagged = [f for f in aligned.alignment.findings if f.check == "steps_back"]
    assert [found.level for found in flagged] == ["PASS", "WARN"]


def test_a_clock_that_began_anew_is_cut_there(files, write):
    times = np.concatenate([_ns(300), _ns(200) - 3600 * 10**9])
    aligned = align_files([write(_words(files, times))], Options())
    (stream,) = aligned.alignment.streams
    assert "2 stretches" in stream.sentence
    (found,) = [f for f in aligned.alignment.findings if f.check == "untimed"]
    assert "200 of 500 have no time" in found.words
    assert "restarts" in {found.check for found in aligned.alignment.findings}
    assert aligned.alignment.counts["Behavior_90"]["timed"] == 300


def test_devices_of_one_name_in_two_folders_are_two(files, write, tmp_path):
    (tmp_path / "other").mkdir()
    here = write(_words(files, _ns(50)), "Behavior_32.bin")
    beside = write(_words(files, _ns(50)), "Behavior_44.bin")
    there = write(_words(files, _ns(50)), "other/Behavior_90.bin")
    trains = read_files([here, beside, there], Options())
    assert [t.clock for t in trains] == ["Behavior", "Behavior", "Behavior 2"]


def test_missing_samples_of_a_regular_stream_are_counted(files, write):
    times = np.delete(_ns(1000), [100, 500, 501, 502])
    aligned = align_files([write(_words(files, times))], Options())
    (stream,) = aligned.alignment.streams
    assert stream.lost == 4
    assert [(run.first_id, run.count) for run in stream.losses] == [(100, 1), (499, 3)]
    assert stream.rate_hz == pytest.approx(1 / (62 * 32e-6), rel=1e-6)
    assert stream.level == "WARN"


def test_damaged_messages_are_no_times(files, write):
    messages = _words(files, _ns(1000))
    bent = bytearray(messages[300])
    bent[6] ^= 0xFF
    messages[300] = bytes(bent)
    messages[600] = messages[600][:9]
    (train,) = read_files([write(messages)], Options())
    assert np.array_equal(train.times_ns, np.delete(_ns(1000), [300, 600]))
    assert "no sound message" in " ".join(train.faults)


@pytest.mark.parametrize("left_out", range(1, 16))
def test_a_log_that_was_cut_off_gives_what_is_whole(files, write, left_out):
    path = write(_words(files, _ns(100)))
    path.write_bytes(path.read_bytes()[:-left_out])
    aligned = align_files([path], Options())
    assert aligned.alignment.counts["Behavior_90"]["recorded"] == 99
    words = " ".join(found.words for found in aligned.alignment.findings)
    assert f"ends within a message: {16 - left_out} bytes" in words
    assert aligned.alignment.level == "WARN"


def test_any_bytes_are_read_or_refused_never_thrown(files, write):
    rng = np.random.default_rng(0)
    sound = b"".join(_words(files, _ns(60)))
    refused = 0
    for trial in range(100):
        data = bytearray(sound[: rng.integers(1, len(sound) + 1)])
        for at in rng.integers(0, len(data), trial % 5):
            data[at] = rng.integers(256)
        try:
            align_files([write([data])], Options())
        except SessionError:
            refused += 1
    assert 0 < refused < 100


BAD = {
    "odd length": bytes(range(7)),
    "short": b"\3\4",
    "text": b"time_s\n1.0\n2.0\n3.0\n" * 20,
    "noise": np.random.default_rng(1).bytes(5001),
    "zeros": bytes(4000),
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_what_is_no_harp_log_is_refused(write, data):
    with pytest.raises(SessionError, match="Expected Harp messages"):
        read_files([write([data])], Options())


def test_a_log_without_stamps_is_refused(files, write):
    messages = _words(files, _ns(50), stamped=False)
    with pytest.raises(SessionError, match="time stamps"):
        read_files([write(messages)], Options())
