import os
from pathlib import Path

import pytest

from rig.bus.directory import StreamDirectory, abandoned, running
from rig.bus.ring import Ring
from rig.errors import StreamError
from rig.system import process_started


def test_names_and_owner(streams, make_spec):
    streams.create_ring(make_spec())
    streams.create_ring(make_spec(name="signals/daq/emg", kind="samples"))
    again = StreamDirectory(streams.path)
    assert again.names() == ["cameras/left", "signals/daq/emg"]
    assert again.owner.pid == os.getpid()
    assert again.owner.started == process_started(os.getpid())
    assert again.owner.session_folder == "/data/session"


def test_a_writer_and_a_reader(streams, make_spec, publish, check_batch):
    streams.create_ring(make_spec())
    reader = streams.reader("cameras/left")
    writer = streams.writer("cameras/left")
    publish(writer, 3)
    writer.count("missing_ids", 2)
    assert check_batch(reader.read(9)) == [0, 1, 2]
    assert writer.counters == {"failed_grabs": 0, "missing_ids": 2}
    assert check_batch(streams.reader("cameras/left", start=1).read(9)) == [1, 2]
    writer.close()
    writer.close()
    assert reader.finished


def test_only_one_session_of_a_name(streams, memory):
    with pytest.raises(StreamError, match="is that session running"):
        StreamDirectory.create("s", Path("/data/other"))
    assert [path.name for path in memory.iterdir()] == ["s"], "nothing half made"
    assert streams.owner.session_folder == "/data/session"


def test_a_missing_stream_names_those_there_are(streams, make_spec):
    with pytest.raises(StreamError, match="got none; there are: no streams"):
        streams.reader("cameras/left")
    streams.create_ring(make_spec())
    with pytest.raises(StreamError, match=r"'cameras/lfet', got none.* cameras/left"):
        streams.writer("cameras/lfet")


def test_refuses_a_name_that_no_socket_can_have(memory):
    with pytest.raises(StreamError, match=r"at most 99 bytes .* shorten the names"):
        StreamDirectory.create("s" * 99, Path("/data/session"))
    assert list(memory.iterdir()) == []


def test_removed_twice(streams, make_spec, memory):
    streams.create_ring(make_spec())
    streams.remove()
    streams.remove()
    assert list(memory.iterdir()) == []


_OWNER = """
import sys, numpy as np
from pathlib import Path
from rig.bus.directory import StreamDirectory
from rig.messages import Frame, PayloadSpec, StreamSpec
streams = StreamDirectory.create(sys.argv[1], Path("/data") / sys.argv[1])
payload = PayloadSpec("<u2", (6, 8))
about = {"name": "cameras/left", "kind": "frames", "node": "left", "slots": 8}
spec = StreamSpec(payload=payload, **about)
streams.create_ring(spec)
writer = streams.writer("cameras/left")
for k in range(5):
    record = Frame(host_ns=1000 + k, frame_id=k, device_ns=10 * k, exposure_ns=k)
    writer.append(record, np.full((6, 8), k % 251, np.uint16))
print("made", flush=True)
sys.stdin.readline()
"""


def test_streams_of_a_killed_owner_are_found_and_read(streams, process, check_batch):
    children = [process(_OWNER, name) for name in ("one", "two", "three")]
    for child in children:
        assert child.stdout.readline() == "made\n"
    assert abandoned() == [], "all owners live, this process among them"
    assert {directory.path.name for directory in running()} == {
        "s",
        "one",
        "two",
        "three",
    }
    for child in children[:2]:
        child.kill()
        child.wait()

    found = abandoned()
    assert sorted(directory.path.name for directory in found) == ["one", "two"]
    assert {directory.owner.session_folder for directory in found} == {
        "/data/one",
        "/data/two",
    }
    for directory in found:
        reader = directory.reader("cameras/left", start=0)
        assert check_batch(reader.read(99)) == [0, 1, 2, 3, 4]
        assert not reader.finished
        directory.remove()
    assert abandoned() == []
    assert {directory.path.name for directory in running()} == {"s", "three"}


def test_a_killed_owner_is_gone_even_before_it_was_waited_for(streams, process, until):
    child = process(_OWNER, "zombie")
    assert child.stdout.readline() == "made\n"
    os.kill(child.pid, 9)
    assert until(abandoned)[0].path.name == "zombie"


def test_a_process_number_used_anew_is_not_the_owner(streams):
    owner = streams.path / "owner.json"
    owner.write_text(f'{{"pid":{os.getpid()},"started":1,"session_folder":"/data"}}')
    assert [directory.path for directory in abandoned()] == [streams.path]


def test_what_is_just_being_removed_is_passed_over(streams, memory):
    (memory / "half").mkdir()
    (memory / "half" / "owner.json").write_text('{"pid"')
    (memory / "bare").mkdir()
    assert abandoned() == []


def test_no_shared_memory_of_ours_at_all(monkeypatch, tmp_path):
    monkeypatch.setenv("SPRINGHARE_SHM", str(tmp_path / "none"))
    assert abandoned() == []


def test_the_oldest_is_first(streams, memory):
    for k, name in enumerate(["b", "a", "c"]):
        (memory / name).mkdir()
        note = memory / name / "owner.json"
        note.write_text('{"pid":1,"started":-1,"session_folder":"/data"}')
        os.utime(note, ns=(k, k))
    assert [directory.path.name for directory in abandoned()] == ["b", "a", "c"]


def test_a_ring_is_found_only_when_it_is_whole(streams, make_spec):
    (streams.path / ".cameras+right.ring").write_bytes(b"half")
    streams.create_ring(make_spec())
    assert streams.names() == ["cameras/left"]
    assert isinstance(streams.ring("cameras/left"), Ring)
