"""Plumbing only: figures of runs as short as these mean nothing."""

import json
import os

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig import cli
from rig.bench import machine, pictures, recorder, sustained, ways
from rig.bench.recorder_node import RecorderNode
from rig.bench.sustained_workers import Filming, film
from rig.bench.transport import Plan, measure
from rig.bench.watching import Watch
from rig.bench.workers import Workers, hear
from rig.bus.directory import StreamDirectory
from rig.errors import SpringhareError
from rig.messages import Frame, PayloadSpec, StreamSpec, row_dtype
from rig.recording.layout import StreamLayout
from rig.recording.sidecar import SessionInfo
from rig.recording.writer import SessionWriter
from sync.clock import ManualClock


@pytest.fixture
def memory(memory):
    yield memory
    assert list(memory.iterdir()) == [], "no stream is left behind"


def figures(capsys):
    return json.loads(capsys.readouterr().out)


# -- transport


@pytest.mark.slow
def test_every_frame_is_counted_and_nothing_is_left(memory):
    told = []
    plan = Plan(seconds=0.3, rounds=1, payloads_bytes=(4096,), consumers=(2,))
    found = measure(plan, told.append)
    [case] = found["cases"]
    assert (case["payload_bytes"], case["consumers"]) == (4096, 2)
    for way in ("ring", "zmq"):
        figures = case[way]
        assert figures["missing"] == 0
        assert 0 < figures["p50_us"] <= figures["p99_us"]
        assert figures["p50_us"] <= figures["copied_p50_us"]
        assert figures["cpu_us_per_frame"] > 0
    assert case["ratio"]["p50_us"] > 0
    assert found["environment"]["cores"] >= 1
    assert len(told) == 2


@pytest.mark.slow
def test_transport_as_json_and_as_a_table(memory, capsys):
    short = ["bench", "transport", "--seconds", "0.1", "--rounds", "1", "--bytes", "64"]
    assert cli.main([*short, "--consumers", "1", "--json"]) == 0
    assert figures(capsys)["cases"][0]["payload_bytes"] == 64
    assert cli.main([*short, "--consumers", "1"]) == 0
    out = capsys.readouterr().out
    assert "ring / ZeroMQ = ratio" in out
    assert "load average" in out


# -- the recorder's cost


@pytest.fixture
def measured(memory, tmp_path, capsys):
    """Figures of a short run through the command line."""
    words = ["--megabytes", "6", "--rounds", "2", "--out", str(tmp_path), "--json"]
    assert cli.main(["bench", "recorder", *words]) == 0
    assert list(tmp_path.iterdir()) == [], "what was written is removed"
    return figures(capsys)


@pytest.mark.slow
def test_every_way_writes_what_it_was_given(measured, tmp_path, monkeypatch, capsys):
    assert set(measured["ways"]) == set(ways.WAYS)
    for way in measured["ways"].values():
        assert way["faults"] == []
        for name in ("durable_mb_per_s", "cpu_ms_per_mb", "block_p99_ms"):
            assert way[name]["median"] > 0
            assert len(way[name]["rounds"]) == 2
        assert way["durable_mb_per_s"]["p99"] <= way["durable_mb_per_s"]["median"]
        assert way["cpu_ms_per_mb"]["p99"] >= way["cpu_ms_per_mb"]["median"]
        thread = way["polling_cpu_ms_per_mb"]["median"]
        assert 0 < thread <= way["cpu_ms_per_mb"]["median"] * 1.01
    raw = max(
        measured["ways"][name]["durable_mb_per_s"]["rounds"][0]
        for name in ("raw_1m", "raw_block")
    )
    ours = measured["ways"]["ours"]["durable_mb_per_s"]["rounds"][0]
    ratio = measured["ratios"]["throughput_to_raw"]
    assert ratio["rounds"][0] == pytest.approx(ours / raw, rel=1e-2)
    assert ratio["target"] == ">= 0.9"
    assert set(measured["seal_ms_per_mb"]) == {"640x480", "720x540"}
    about = measured["environment"]
    assert about["file_system"] != "unknown"
    assert len(about["load_average_after"]) == 3

    monkeypatch.setattr(recorder, "measure", lambda *_: measured)
    assert cli.main(["bench", "recorder", "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert all(way.title in out for way in ways.WAYS.values())
    assert "CPU / h5py row by row" in out

    measured["ways"]["ours"]["faults"].append("expected frame 3, got 4")
    assert cli.main(["bench", "recorder", "--out", str(tmp_path)]) == 1
    assert "FAULT Springhare: expected frame 3, got 4" in capsys.readouterr().out


def test_a_disk_without_room_is_refused(tmp_path, capsys):
    words = ["--megabytes", "1e9", "--out", str(tmp_path)]
    assert cli.main(["bench", "recorder", *words]) == 2
    assert "of room in" in (err := capsys.readouterr().err)
    assert "name another disk with --out" in err
    assert list(tmp_path.iterdir()) == []
    words = ["--seconds", "1e7", "--out", str(tmp_path)]
    assert cli.main(["bench", "sustained", *words]) == 2
    err = capsys.readouterr().err
    assert "GB of disk and 1.0 GB of shared memory" in err, "the need is printed first"
    assert "of room in" in err
    assert list(tmp_path.iterdir()) == []


def test_shared_memory_without_room_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(machine.shared_memory, "free_bytes", lambda: 10_000_000)
    with pytest.raises(SpringhareError, match=r"for the rings, got 0\.01 GB"):
        recorder.measure(recorder.Plan(megabytes=1), tmp_path)
    with pytest.raises(SpringhareError, match="shared memory for the rings"):
        sustained.measure(sustained.Plan(seconds=1), tmp_path)


def test_a_folder_that_is_none_is_refused(tmp_path):
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    with (
        pytest.raises(SpringhareError, match="name another one with --out"),
        machine.scratch_folder(tmp_path / "file"),
    ):
        pass


def test_scratch_is_removed_unless_it_is_to_be_kept(tmp_path):
    with machine.scratch_folder(tmp_path / "new") as folder:
        (folder / "data").mkdir()
    assert not folder.exists()
    with machine.scratch_folder(tmp_path, keep=True) as folder:
        pass
    assert folder.exists()
    with (
        pytest.raises(KeyboardInterrupt),
        machine.scratch_folder(tmp_path, keep=True) as folder,
    ):
        raise KeyboardInterrupt
    assert not folder.exists()


def test_what_a_process_used():
    usage = machine.Usage.of(os.getpid())
    assert usage.main_thread_s > 0
    assert 0 < usage.memory_bytes <= usage.peak_memory_bytes
    with pytest.raises(OSError, match="No such file"):
        machine.Usage.of(2**22 + 1)


# -- known again


SHAPE = (4, 24)
FILM = pictures.Pictures.of_camera(SHAPE, seed=3)
COUNT = 130


def filmed():
    return np.stack([FILM.frame(k) for k in range(COUNT)])


def rows_of(count, room=8):
    rows = np.zeros(count + room, row_dtype(Frame))
    rows["seq"][:count] = np.arange(count)
    rows["host_ns"][:count] = 1000 + np.arange(count)
    return rows


def test_what_is_whole_has_no_faults():
    numbers = np.arange(COUNT)
    assert pictures.faults_in_frames(filmed(), numbers, FILM) == []
    assert pictures.faults_in_frames(filmed()[7:], numbers[7:], FILM) == []
    assert pictures.faults_in_rows(rows_of(COUNT), numbers) == []
    assert pictures.faults_in_rows(rows_of(COUNT, room=0), numbers) == []
    assert pictures.faults_in_frames(filmed(), numbers[:0], FILM) == []


@given(st.integers(0, COUNT - 1), st.integers(0, COUNT - 1))
def test_two_frames_that_changed_places_are_found(one, other):
    frames = filmed()
    frames[[one, other]] = frames[[other, one]]
    faults = pictures.faults_in_frames(frames, np.arange(COUNT), FILM)
    assert bool(faults) == (one != other)


def test_pixels_that_changed_are_found():
    frames = filmed()
    frames[0, -1, -1] ^= 1
    numbers = np.arange(COUNT)
    [fault] = pictures.faults_in_frames(frames, numbers, FILM)
    assert fault == "expected the pixels of frame 0, got others"
    other = pictures.Pictures.of_camera(SHAPE, seed=4)
    assert len(pictures.faults_in_frames(filmed(), numbers, other)) == 48
    [fault] = pictures.faults_in_frames(frames[:-1], numbers, FILM)
    assert fault == "expected 130 frames, got 129"


@pytest.mark.parametrize(
    ("field", "row", "value", "fault"),
    [
        ("host_ns", COUNT - 1, 0, "expected 130 rows, got 129"),
        ("host_ns", COUNT + 3, 7, "expected nothing after row 130"),
        ("seq", 5, 6, "expected seq 5, got 6; 1 are out of place"),
        ("host_ns", 40, 1, "expected host times in order"),
    ],
)
def test_rows_that_are_wrong_are_found(field, row, value, fault):
    rows = rows_of(COUNT)
    rows[field][row] = value
    [found] = pictures.faults_in_rows(rows, np.arange(COUNT))
    assert fault in found


# -- reading


def test_a_frame_of_a_long_session_is_found(tmp_path, capsys):
    words = ["--hours", "0.1", "--frames", "10", "--out", str(tmp_path), "--json"]
    assert cli.main(["bench", "reading", *words]) == 0
    [session] = figures(capsys)["sessions"]
    assert (session["hours"], session["segments"]) == (0.1, 6)
    for mapping in ("while_recording", "finished"):
        assert 0 < session[mapping]["p50_ms"] <= session[mapping]["p99_ms"]
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


# -- sustained


SMALL = sustained.Plan(
    cameras=2,
    rate_hz=100,
    seconds=1.2,
    width_px=40,
    height_px=30,
    load=1,
    segment_seconds=0.5,
)


@pytest.mark.slow
def test_nothing_is_lost_at_a_low_rate(memory, tmp_path, capsys):
    words = "--cameras 2 --fps 100 --seconds 1.2 --width 40 --height 30 --load 1"
    words = [*words.split(), "--segment-seconds", "0.5", "--out", str(tmp_path)]
    assert cli.main(["bench", "sustained", *words, "--keep", "--json"]) == 0
    found = figures(capsys)
    assert found["frames"] == {
        "published": 240,
        "recorded": 240,
        "lost": 0,
        "overruns": 0,
    }
    assert found["faults"] == []
    assert found["verdict"] == "PASS"
    recorder = found["recorder"]
    assert recorder["cpu_ms_per_mb"] > 0
    assert 0 < recorder["fullest_ring_percent"] < 100
    assert recorder["longest_wait_ms"] > 0
    assert recorder["memory_mb_at_end"] > 1
    assert len(found["cameras"]["core"]) == 2
    assert len(found["load_core"]) == 1
    assert found["stretches"][-1]["until_s"] > 1
    [folder] = tmp_path.iterdir()
    with h5py.File(folder / "session" / "session.h5") as file:
        assert file["cameras/camera_2/frames"].shape == (120, 30, 40)
    assert len(list((folder / "session" / "segments").glob("*camera_1-*.h5"))) > 1


@pytest.mark.slow
def test_frames_that_are_lost_are_a_failure(memory, tmp_path, monkeypatch, capsys):
    """A ring of 8 ms, and a recorder that waits longer for a block."""
    plan = sustained.Plan(1, 1000, 0.6, 40, 30, ring_seconds=0.008)
    monkeypatch.setattr(sustained, "Plan", lambda **_: plan)
    assert cli.main(["bench", "sustained", "--out", str(tmp_path), "--json"]) == 1
    found = figures(capsys)
    frames = found["frames"]
    assert frames["published"] == 600 == frames["recorded"] + frames["lost"]
    assert frames["lost"] == frames["overruns"] > 0
    assert found["verdict"] == "FAIL"
    assert "cameras/camera_1: expected 600 rows" in found["faults"][0]
    assert not any("pixels" in fault for fault in found["faults"]), "the rest is whole"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_pixel_that_was_filmed_otherwise_is_a_failure(
    memory, tmp_path, monkeypatch, capsys
):
    really = sustained.run

    def run(cast, session, told):
        seen = really(cast, session, told)
        with h5py.File(session / "segments" / "cameras+camera_1-0.h5", "r+") as file:
            file["payload"][0, 20, 20] ^= 255
        return seen

    monkeypatch.setattr(sustained, "run", run)
    monkeypatch.setattr(sustained, "Plan", lambda **_: SMALL)
    assert cli.main(["bench", "sustained", "--out", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert "240 published, 240 recorded, 0 lost" in out
    assert "NOT as filmed" in out
    assert "FAULT cameras/camera_1: expected the pixels of frame 0" in out


def camera(slots=64):
    return StreamSpec(
        name="cameras/left",
        kind="frames",
        node="left",
        payload=PayloadSpec("|u1", SHAPE),
        rate_hz=100,
        slots=slots,
    )


@pytest.mark.slow
def test_a_recorder_that_dies_is_an_error(memory, tmp_path):
    streams = StreamDirectory.create("s", tmp_path)
    try:
        with RecorderNode(streams, tmp_path, 1.0) as node:
            for spec in (camera(), *node.specs):
                streams.create_ring(spec)
            node.start()
            node.listen(0)
            child = node._crew.children["recorder"]
            child.process.kill()
            child.process.wait()
            with pytest.raises(SpringhareError, match="the recorder to go on, it died"):
                node.listen(0)
    finally:
        streams.remove()


def test_how_far_a_recorder_is_behind_is_seen_from_outside(memory, tmp_path):
    streams = StreamDirectory.create("s", tmp_path)
    ring = streams.create_ring(camera())
    source = streams.writer("cameras/left")
    identity = SessionInfo(
        session_id="s", subject="m", task="t", started_utc="", started_host_ns=1
    )
    layout = StreamLayout.of(ring.spec, 0.5)
    clock = ManualClock()
    watch = Watch(tmp_path, [(ring, layout)], clock)
    watch.look()
    assert watch.take().longest_wait_ms == 0, "nothing is there yet"
    with SessionWriter.create(tmp_path, identity, [ring.spec], 0.5) as writer:
        for k in range(300):  # several segments
            now = 1 + 10_000_000 * k
            source.append(
                Frame(host_ns=now, frame_id=k, device_ns=-1, exposure_ns=now),
                FILM.frame(k),
            )
            if k % 40 == 39:
                clock.advance(now + 5_000_000 - clock.now())
                watch.look()
                lag = watch.take()
                assert lag.fullest_percent == 100 * 40 / 64
                assert lag.longest_wait_ms == 39 * 10 + 5
                block = [j % ring.slots for j in range(k - 39, k + 1)]
                writer.append_block(
                    "cameras/left", ring.rows[block], ring.payload[block]
                )
                watch.look()
                assert watch.committed == k + 1
                assert watch.take().fullest_percent == 0
    assert layout.rows_per_segment < 280, "more than one was followed"
    watch.close()
    source.close()
    streams.remove()


@pytest.mark.slow
def test_a_worker_that_cannot_go_on_says_why(memory):
    with Workers() as workers:
        link = workers.start(film, Filming(memory / "none", "cameras/left", 0, 1))
        with pytest.raises(SpringhareError, match="Expected a stream named"):
            hear(link)
        with pytest.raises(SpringhareError, match="got its end"):
            hear(link)
        idle = workers.start(film, Filming(memory / "none", "cameras/left", 0, 1))
        with pytest.raises(SpringhareError, match="within 0 s, got none"):
            hear(idle, 0)
