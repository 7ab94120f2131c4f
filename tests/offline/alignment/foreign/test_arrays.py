"""NumPy files of pulse times."""

from __future__ import annotations

import numpy as np
import pytest

from offline.alignment.foreign import Options, read_files
from rig.errors import SessionError

TIMES = np.array([1.5, 2.25, 4.0])


@pytest.fixture
def read(tmp_path):
    def call(name, saved, **options):
        path = tmp_path / name
        if isinstance(saved, dict):
            np.savez(path, **saved)
        elif isinstance(saved, bytes):
            path.write_bytes(saved)
        else:
            np.save(path, saved)
        return read_files([path], Options(**options))

    return call


@pytest.mark.parametrize(
    ("name", "array", "unit"),
    [
        ("log.npy", TIMES, "s"),
        ("log_s.npy", TIMES, None),
        ("log.npy", TIMES[:, None], "s"),
        ("log.npy", TIMES.astype(np.float32), "s"),
        ("log.npy", (TIMES * 1e3).astype(np.uint16), "ms"),
        ("log.npy", (TIMES * 1e6).astype(np.uint64), "us"),
        ("log.npy", (TIMES * 1e9).astype(np.int64), "ns"),
        ("log.npy", (TIMES * 1e9).astype("timedelta64[ns]"), None),
        ("log.npy", (TIMES * 1e6).astype(np.int64).astype("datetime64[us]"), None),
        ("log.npy", TIMES.astype([("time_s", "f8")]), None),
        ("log.npz", {"camera_s": TIMES}, None),
        ("log.npz", {"any": TIMES}, "s"),
    ],
)
def test_the_same_times_in_many_forms(read, name, array, unit):
    (train,) = read(name, array, unit=unit)
    assert train.times_ns.tolist() == [1_500_000_000, 2_250_000_000, 4_000_000_000]
    assert train.name == name.rsplit(".", 1)[0]


def test_each_array_is_a_train(read):
    trains = read("log.npz", {"daq_s": TIMES, "camera_ms": 1e3 * TIMES})
    assert [train.name for train in trains] == ["log.daq_s", "log.camera_ms"]
    assert trains[0].times_ns.tolist() == trains[1].times_ns.tolist()
    (one,) = read("log.npz", {"a": TIMES, "b": TIMES}, unit="s", columns=("b",))
    assert one.name == "log"


def test_other_arrays_are_left_alone(read):
    saved = {"camera_s": TIMES, "count": np.arange(9), "name": np.array(["a"])}
    (train,) = read("log.npz", saved)
    assert train.times_ns[0] == 1_500_000_000
    assert "name" in " ".join(train.notes)


def test_large_float_seconds_keep_what_a_float_holds(read):
    (train,) = read("log_s.npy", np.array([1.7e9, 1.7e9 + 2**-20]))
    assert np.diff(train.times_ns).tolist() == [954]


def test_coarse_floats_are_said(read):
    (train,) = read("log_s.npy", np.array([5000.0, 5001.0, 5002.5], np.float32))
    assert "tells no less than" in " ".join(train.notes)
    assert train.tick_ns > 100_000


def test_what_is_nan_is_left_out(read):
    (train,) = read("log_s.npy", np.array([1.0, np.nan, 3.0]))
    assert train.row.tolist() == [0, 2]


BAD = {
    "no unit": ("log.npy", TIMES, "--unit"),
    "a cube": ("log.npy", np.zeros((2, 2, 2)), "shape"),
    "one number": ("log.npy", np.float64(3.0), "shape"),
    "words": ("log.npy", np.array(["a", "b"]), "rows of numbers"),
    "complex": ("log.npy", TIMES * 1j, "rows of numbers"),
    "objects": ("log.npz", {"a": np.array([1, "x", None], object)}, "does not read"),
    "infinite": ("log_s.npy", np.array([1.0, np.inf]), "inf in row 1"),
    "nothing but nan": ("log_s.npy", np.full(3, np.nan), "got none"),
    "columns": ("log.npy", np.ones((5, 2)), "--column"),
    "too large": ("log_s.npy", np.array([10**18, 10**18 + 1]), "years"),
    "no array": ("log.npy", b"hello, this is text", "does not read"),
    "no archive": ("log.npz", b"PK\x03\x04 and no more", "does not read"),
    "cut off": ("log.npy", b"\x93NUMPY\x01\x00v\x00", "does not read"),
    "nothing in it": ("log.npz", {}, "got nothing"),
}


@pytest.mark.parametrize(("name", "saved", "words"), BAD.values(), ids=BAD)
def test_what_cannot_be_read_is_said(read, name, saved, words):
    with pytest.raises(SessionError, match=words):
        read(name, saved)
