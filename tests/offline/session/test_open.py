"""A session is opened with times that were made for it, or with words that say why."""

from __future__ import annotations

import math

import h5py
import numpy as np
import pytest

from offline.alignment import layout
from offline.alignment.result import AlignedStream
from offline.alignment.store import write_aligned
from offline.archive.compress import Options, compress
from offline.session import Session
from offline.session.figures import alignment_from_json
from rig.errors import SessionError


def test_it_tells_what_there_is(session, world):
    assert session.level == "WARN"
    assert session.alignment.reference == "daq"
    assert session.duration_s == pytest.approx(world.emg_ns[-1] / 1e9)
    assert session.streams["cameras/left"].kind == "frames"
    assert session.streams["cameras/left"].count == 600
    assert session.streams["cameras/left"].clock == "left"
    emg = session.streams["signals/daq/emg"]
    assert (emg.rate_hz, emg.units, emg.channels) == (2000, ("uV", "uV"), ("GL", "TA"))
    assert session.streams["poses/left"].rate_hz == 100  # that of the camera
    assert session.streams["events/daq"].rate_hz is None
    assert set(session.streams) == set(world.aligned)


def test_the_file_may_be_named_instead_of_the_folder(aligned):
    with Session.open(str(aligned / "session.h5")) as session:
        assert session.level == "WARN"


def test_the_figures_come_back_as_they_were(own_copy):
    alignment = own_copy.align()
    found = alignment_from_json(alignment.to_json())
    assert found.to_json() == alignment.to_json()
    idle = next(one for one in found.streams if one.stream == "cameras/idle")
    assert math.isnan(idle.first_s)  # null in the file
    assert idle.rate_hz is None  # null, too, and means None
    assert alignment_from_json(alignment.to_json()).streams[1:] != ()


def test_without_times_it_says_how_to_get_them(recorded):
    with pytest.raises(SessionError, match=r"springhare align .*session"):
        Session.open(recorded)


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"session_id": "another"}, "of session, got that of another"),
        ({"format_version": 2}, "of version 1 .*, got .* of version 2"),
        ({"format": "something"}, "got something"),
        ({"json": "{}"}, "figures"),
        ({"json": "no"}, "figures"),
    ],
)
def test_what_is_not_its_alignment_is_refused(own_copy, attributes, words):
    own_copy.align(**attributes)
    with pytest.raises(SessionError, match=words) as caught:
        Session.open(own_copy.folder)
    assert "springhare align" in str(caught.value)


@pytest.mark.parametrize("stream", ["signals/daq/emg", "cameras/left", "events/daq"])
@pytest.mark.parametrize("more", [-1, 1])
def test_another_number_of_elements_is_refused(own_copy, stream, more):
    own_copy.align()
    with h5py.File(own_copy.folder / layout.ALIGNED_FILE, "r+") as file:
        name = layout.ROW if stream == "cameras/left" else layout.TIME
        values = file[stream][name][:]
        values = values[:-1] if more < 0 else np.append(values, values.max() + 1)
        del file[stream][name]
        file[stream][name] = values
    with pytest.raises(SessionError, match=f"elements of {stream}.*align"):
        Session.open(own_copy.folder)


def test_a_stream_that_was_not_recorded_is_refused(own_copy):
    own_copy.align()
    with h5py.File(own_copy.folder / layout.ALIGNED_FILE, "r+") as file:
        file["events/scope/time_ns"] = [1, 2]
    with pytest.raises(SessionError, match="events/scope"):
        Session.open(own_copy.folder)


def test_a_stream_that_could_not_be_placed_is_just_not_there(own_copy):
    own_copy.align()
    with h5py.File(own_copy.folder / layout.ALIGNED_FILE, "r+") as file:
        del file["signals/daq/force"]
    with Session.open(own_copy.folder) as session:
        assert "signals/daq/force" not in session.streams
        with pytest.raises(SessionError, match="there are: acknowledgements, cameras"):
            session.read("signals/daq/force")


def test_a_file_that_was_cut_off_is_refused(own_copy):
    own_copy.align()
    path = own_copy.folder / layout.ALIGNED_FILE
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(SessionError, match="HDF5 refuses"):
        Session.open(own_copy.folder)


def test_a_folded_session_gives_the_same(own_copy, session):
    own_copy.align()
    compress(own_copy.folder, Options(piece_bytes=60_000))
    with Session.open(own_copy.folder) as folded:
        assert folded.recording.folded
        for stream in session.streams:
            ours, theirs = session[stream], folded[stream]
            assert np.array_equal(ours.time_ns, theirs.time_ns)
            assert ours.values.tobytes() == theirs.values.tobytes()
        ours = session.resample("signals/daq/emg", "cameras/left")
        theirs = folded.resample("signals/daq/emg", "cameras/left")
        assert np.array_equal(ours.values, theirs.values, equal_nan=True)
        pairs = zip(session.frames("left"), folded.frames("left"), strict=True)
        assert all(a[0] == b[0] and np.array_equal(a[1], b[1]) for a, b in pairs)


def test_what_the_aligner_writes_is_what_is_read(own_copy, world, session):
    alignment = own_copy.align()
    path = own_copy.folder / layout.ALIGNED_FILE
    path.unlink()
    streams = {
        name: AlignedStream(name, times, np.full(len(times), 1000, np.float32), *rest)
        for name, (times, *rest) in world.aligned.items()
    }
    write_aligned(path, alignment, streams, {})
    with Session.open(own_copy.folder) as written:
        assert set(written.streams) == set(session.streams)
        for stream in session.streams:
            assert np.array_equal(written.times(stream)[0], session.times(stream)[0])
