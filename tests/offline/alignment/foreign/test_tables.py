"""Plain tables: what stands in them is read to the digit, and nothing is guessed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offline.alignment.foreign import Options, read_files
from offline.alignment.foreign.units import says_time, tick_of, unit_of, unwrapped
from rig.errors import SessionError


@pytest.fixture
def read(tmp_path):
    """Read a table of this text; return its trains."""

    def call(text, name="log.csv", **options):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_files([path], Options(**options))

    return call


@pytest.mark.parametrize(
    ("head", "unit"),
    [
        ("time_s", "s"),
        ("time_ns", "ns"),
        ("timestamp [ms]", "ms"),
        ("Time (µs)", "us"),
        ("Time (\u03bcs)", "us"),
        ("Seconds", "s"),
        ("timestampMs", "ms"),
        ("frame.time.us", "us"),
        ("t (sec)", "s"),
        ("timestamp", None),
        ("TTL", None),
        ("frames", None),
        ("items", None),
    ],
)
def test_a_unit_is_what_the_head_says(head, unit):
    assert unit_of(head) == unit


@pytest.mark.parametrize(
    ("head", "time"),
    [
        ("time", True),
        ("timestamp [ms]", True),
        ("stimulus onset", True),
        ("daq_s", True),
        ("t", True),
        ("duration_ms", False),
        ("exposure_time_us", False),
        ("speed_cm_s", False),
        ("pulse", False),
        ("trial", False),
    ],
)
def test_a_head_says_whether_moments_stand_below_it(head, time):
    assert says_time(head) is time


@pytest.mark.parametrize(
    "text",
    [
        "time_s\n1.5\n2.25\n",
        "time_s\r\n1.5\r\n2.25\r\n",
        "frame,time_s\n0,1.5\n1,2.25\n",
        "frame;time_s;value\n0;1.5;7\n1;2.25;7\n",
        "frame\ttime_s\n0\t1.5\n1\t2.25\n",
        '"frame","time_s"\n"0","1.5"\n"1","2.25"\n',
        "frame time_s\n0 1.5\n1 2.25\n",
        "# written by a program\n# time_s\n1.5\n2.25\n",
        "Time (s)\n1.5\n2.25\n",
        "timestamp [ms]\n1500\n2250\n",
        "time_us\n1.5e6\n2.25e6\n",
        "time_ns\n1500000000\n2250000000\n",
        "time_s\n\n1.5\n\n2.25\n\n",
    ],
)
def test_the_same_times_in_many_forms(read, text):
    (train,) = read(text)
    assert train.times_ns.tolist() == [1_500_000_000, 2_250_000_000]
    assert train.name == train.clock == "log"
    assert len(train.sha256) == 64


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_encodings_of_spreadsheets(read, encoding):
    (train,) = read("Time (µs)\n1.5\n2.5\n".encode(encoding))
    assert train.times_ns.tolist() == [1500, 2500]


def test_no_digit_is_lost(read):
    (train,) = read("time_s\n1700000000.123456789\n1700000000.123456790\n")
    assert train.times_ns.tolist() == [1_700_000_000_123_456_789 + k for k in (0, 1)]


@given(st.lists(st.integers(-(2**61), 2**61), min_size=1, max_size=20))
def test_any_nanoseconds_come_back(tmp_path_factory, ns):
    path = tmp_path_factory.mktemp("any") / "log.csv"
    rows = [f"{'-' * (n < 0)}{abs(n) // 10**9}.{abs(n) % 10**9:09d}" for n in ns]
    path.write_text("\n".join(["time_s", *rows]))
    (train,) = read_files([path], Options())
    assert train.times_ns.tolist() == ns


def test_a_table_without_a_head_needs_a_unit_and_a_column(read):
    with pytest.raises(SessionError, match=r"unit .*--unit s, ms, us or ns"):
        read("1.5\n2.5\n")
    (train,) = read("1.5\n2.5\n", unit="ms")
    assert train.times_ns.tolist() == [1_500_000, 2_500_000]
    assert "as told" in train.notes[0]
    with pytest.raises(SessionError, match=r"--column \(1 to 2\)"):
        read("1,1.5\n2,2.5\n", unit="ms")
    (train,) = read("1,1.5\n2,2.5\n", unit="ms", columns=("2",))
    assert train.times_ns.tolist() == [1_500_000, 2_500_000]


def test_what_the_head_says_stands_over_what_the_user_says(read):
    (train,) = read("time_s\n1\n2\n", unit="ms")
    assert train.times_ns.tolist() == [1_000_000_000, 2_000_000_000]


def test_a_file_may_say_the_unit_in_its_name(read):
    (train,) = read("1\n2\n", name="pulses_ms.csv")
    assert train.times_ns.tolist() == [1_000_000, 2_000_000]


def test_several_columns_are_several_trains(read):
    trains = read("daq_s,camera_s\n1,11\n2,12\n3,\n")
    assert [train.name for train in trains] == ["log.daq_s", "log.camera_s"]
    assert trains[1].times_ns.tolist() == [11 * 10**9, 12 * 10**9]
    assert trains[1].row.tolist() == [0, 1]
    assert "1 rows without a time" in " ".join(trains[1].notes)
    (one,) = read("daq_s,camera_s\n1,11\n2,12\n3,\n", columns=("CAMERA_S",))
    assert one.name == "log"


def test_rows_without_a_time_are_left_out_and_said(read):
    (train,) = read("time_s,what\n1,a\nnan,b\n,c\n4,d\n")
    assert train.times_ns.tolist() == [10**9, 4 * 10**9]
    assert train.row.tolist() == [0, 3]
    assert "2 rows" in " ".join(train.notes)


def test_edges_are_read_as_they_went(read):
    (train,) = read("time_s,state\n1,1\n2,0\n3,1\n")
    assert train.rising.tolist() == [True, False, True]
    (train,) = read("time_s,edge\n1,rising\n2,falling\n")
    assert train.rising.tolist() == [True, False]
    for states in ("7\n2,0\n3,1", "1\n2,1\n3,0"):
        (train,) = read(f"time_s,state\n1,{states}\n")
        assert train.rising is None
        assert "each row is a pulse" in " ".join(train.notes)
    (train,) = read("time_s,state\n1,1\n2,1\n")
    assert train.rising.tolist() == [True, True]


def test_a_counter_of_32_bits_that_went_round_goes_on(read):
    gaps = np.random.default_rng(1).integers(100_000, 1_900_000, 400)
    true = 2**32 - 200_000_000 + np.cumsum(gaps)
    (train,) = read("\n".join(["micros_us", *map(str, true % 2**32)]))
    assert np.array_equal(np.diff(train.times_ns), gaps[1:] * 1000)
    assert "gone round 1 times" in " ".join(train.notes)


def test_a_restart_is_not_taken_for_a_wrap():
    times = np.array([1_000, 2_000, 3_000, 10, 1_010], np.int64) * 1000
    assert unwrapped(times, "us") == (pytest.approx(times), 0)


def test_the_tick_is_what_all_gaps_are_made_of():
    rng = np.random.default_rng(3)
    coarse = np.cumsum(rng.integers(100, 1900, 100)) * 1_000_000
    assert tick_of(coarse, 1) == 1_000_000
    regular = np.arange(100) * 10_000_000
    assert tick_of(regular, 1000) == 1000


BAD = {
    "empty": ("", "an empty file"),
    "only blanks": ("\n \n", "empty"),
    "only a head": ("time_s\n", "no rows"),
    "only words": ("hello\nworld\n", r"unit|'hello' in line 1"),
    "words among numbers": ("time_s\n1\n2\nthree\n4\n", "'three' in line 4"),
    "many words": ("time_s\n1\n" + "x\n" * 9, r"line 3, 'x' in line 4, .* and 6 more"),
    "decimal commas": ("time_s;n\n1,5;1\n2,5;2\n", "'1,5' in line 2"),
    "infinite": ("time_s\n1\ninf\n", "'inf' in line 3"),
    "a date": ("time_s\n2024-01-01 10:00\n1\n", "line 2"),
    "no times": ("frame,value\n1,2\n2,3\n", r"--column \(frame, value\)"),
    "no unit": ("timestamp\n1\n2\n", "--unit"),
    "nothing but nan": ("time_s,n\nnan,1\nnan,2\n", "got none"),
    "wrong unit": ("time_s\n1700000000123456789\n1700000000223456789\n", "years"),
    "huge": ("time_s\n1e300\n2e300\n", "years"),
    "binary": (b"\x00\x01\x02time_s\n1\n", "no text"),
    "unsorted": (
        "time_s\n" + "\n".join(map(str, [5, 3, 9, 1, 7, 2, 8, 4, 6, 0] * 9)),
        "steps back",
    ),
}


@pytest.mark.parametrize(("text", "words"), BAD.values(), ids=BAD)
def test_what_cannot_be_read_is_said(read, text, words):
    from offline.alignment.foreign import align_trains

    with pytest.raises(SessionError, match=words):
        align_trains(read(text), Options())


def test_a_column_that_is_not_there_names_those_that_are(read):
    with pytest.raises(SessionError, match=r"not clock.*frame, value"):
        read("frame,value\n1,2\n2,3\n", columns=("clock",))
