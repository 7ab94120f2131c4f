"""A session is the same wherever it is looked at from; from afar nobody waits."""

import threading
import time
from contextlib import contextmanager

import msgspec
import numpy as np
import pytest

from rig.bus.control import ControlServer
from rig.bus.directory import StreamDirectory
from rig.bus.keys import load_client_keys, load_server_keys, make_keys
from rig.bus.server import StreamServer
from rig.errors import SpringhareError, StreamError
from rig.messages import Decision, Frame, NodeEvent, PayloadSpec, Reply, StreamSpec
from rig.monitor.live.attaching import feed_when_ready
from rig.monitor.live.link import LocalLink
from rig.monitor.remote import RemoteLink, fed
from rig.monitor.remote import link as remote
from rig.monitor.remote.keeper import SessionKeeper
from rig.recording.sidecar import Configs, SessionInfo, write_sidecar
from rig.supervisor.status import NodeFigures, Status, StreamFigures
from sync.clock import MonotonicClock

CAMERA = StreamSpec(
    name="cameras/left",
    kind="frames",
    node="left",
    payload=PayloadSpec("<u2", (6, 8)),
    rate_hz=100.0,
    slots=64,
)
SPECS = (
    CAMERA,
    StreamSpec(name="decisions", kind="decisions", node="inference", slots=64),
    StreamSpec(name="node_events", kind="node_events", node="supervisor", slots=64),
    StreamSpec(name="acknowledgements", kind="acknowledgements", node="daq", slots=64),
)
RIG = {
    "format": "springhare-rig/1",
    "name": "test",
    "data_root": "/data",
    "devices": {
        "daq": {
            "kind": "harp",
            "port": "/dev/x",
            "camera_trigger": {"rate_hz": 50},
            "actuator": {
                "lines": {"laser": {"pin": 1, "max_width_us": 1000, "max_rate_hz": 40}}
            },
        },
        "left": {
            "kind": "basler",
            "serial": "1",
            "width_px": 8,
            "height_px": 6,
            "trigger": {"mode": "hardware", "source": "daq"},
        },
    },
}
TASK = {
    "format": "springhare-task/1",
    "name": "t",
    "inference": {"model": "bundled:mouse", "cameras": ["left"]},
    "rules": [
        {
            "name": "in",
            "camera": "left",
            "when": {"kind": "enters", "keypoint": "hip", "region_px": [0, 0, 9, 9]},
            "sham_probability": 0.5,
            "action": {"line": "laser", "pulse_width_us": 100},
        }
    ],
}


class Supervisor:
    """Answers what it is asked, on the session's real control socket."""

    def __init__(self, streams):
        self.answers = True
        self._streams = streams
        self._server = ControlServer(streams.path / "control")
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while not self._ending.is_set():
            for client, request in self._server.receive(10):
                if self.answers:
                    self._server.send(client, self._reply(request))

    def _reply(self, request):
        figures = [
            StreamFigures(name, 7, 1.5, None, 0, 0, 0, kind=spec.kind, slots=spec.slots)
            for name in self._streams.names()
            for spec in [self._streams.ring(name).spec]
        ]
        nodes = [NodeFigures("left", "running", 0.1, {"fired": 3.0, "decided": 4.0})]
        status = Status("recording", "mouse-1", 12.0, nodes, figures)
        about = {"request_id": request.request_id, "node": "supervisor", "ok": True}
        return Reply(**about, result=msgspec.to_builtins(status))

    def end(self):
        self._ending.set()
        self._thread.join()
        self._server.close()


class Session:
    """A session that runs: its rings, its sidecar, its supervisor."""

    def __init__(self, folder, name="s", configs=None):
        self.folder = folder
        self.streams = StreamDirectory.create(name, folder)
        for spec in SPECS:
            self.streams.create_ring(spec)
        self.writers = {spec.name: self.streams.writer(spec.name) for spec in SPECS}
        self.info = SessionInfo(
            session_id="mouse-1",
            subject="mouse",
            task="t",
            started_utc="2026-01-01T00:00:00Z",
            started_host_ns=MonotonicClock().now(),
            configs=configs or Configs(),
        )
        write_sidecar(folder, self.info)
        self.supervisor = Supervisor(self.streams)

    def publish(self, n=1):
        """Publish frames that can be told apart."""
        writer = self.writers["cameras/left"]
        for _ in range(n):
            k = writer.seq
            frame = Frame(host_ns=1000 + k, frame_id=k, device_ns=k, exposure_ns=k)
            pixels = np.arange(48, dtype=np.uint16).reshape(6, 8) + k
            writer.append(frame, pixels)

    def close(self, verdict):
        write_sidecar(self.folder, msgspec.structs.replace(self.info, verdict=verdict))
        self.supervisor.answers = False

    def end(self):
        self.supervisor.end()
        for writer in self.writers.values():
            writer.close()


@pytest.fixture
def make_session(memory, tmp_path):
    made = []

    def make(name="s", **options):
        folder = tmp_path / name
        folder.mkdir()
        made.append(Session(folder, name, **options))
        return made[-1]

    yield make
    for session in made:
        session.end()


@pytest.fixture
def session(make_session):
    return make_session()


class AheadClock:
    """The clock of a machine that was switched on an hour and a bit before."""

    def now(self):
        return time.monotonic_ns() + 3_600_123_456_789


@pytest.fixture
def serve():
    """Serve a session in a thread, as the command does; `stop` ends it."""
    running = []

    def serve(session, address="tcp://127.0.0.1:*", keys=None, clock=None, **options):
        link = LocalLink(session.streams)
        keeper = SessionKeeper(link, **options)
        server = StreamServer(session.streams, address, keys, clock, keeper)
        server.sent, veil = [], keeper.veil

        def note(stream, rows):
            server.sent.append(stream)
            return veil(stream, rows)

        keeper.veil = note
        ending = threading.Event()

        def turn():
            while not ending.is_set():
                server.step(10)
                keeper.poll()

        thread = threading.Thread(target=turn)
        thread.start()

        def stop():
            ending.set()
            thread.join()
            server.close()
            link.close()

        running.append(stop)
        server.stop = stop
        return server

    yield serve
    for stop in running:
        stop()


@pytest.fixture
def connect():
    links = []

    def connect(*arguments, **options):
        links.append(RemoteLink(*arguments, **options))
        return links[-1]

    yield connect
    for link in links:
        link.close()
        link.close()


@pytest.fixture(params=["local", "remote"])
def link(request, session, serve, connect):
    """The same session, from beside it and from afar."""
    if request.param == "remote":
        yield connect(serve(session).address)
        return
    link = LocalLink(session.streams)
    yield link
    link.close()


@pytest.fixture
def until():
    """Poll until a step gives something true; fail after a deadline."""

    def until(step, link=None, seconds=20.0):
        pause = threading.Event()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if link is not None:
                link.poll()
            if result := step():
                return result
            pause.wait(0.005)
        return pytest.fail("nothing came in time")

    return until


@contextmanager
def short_patience(monkeypatch):
    """What is not there is not waited for long."""
    with monkeypatch.context() as patch:
        patch.setattr(remote, "_FIRST_MS", 150)
        yield


def all_of(reader, n, until):
    """Read until `n` elements have come."""
    rows, pictures = [], []

    def read():
        batch = reader.read(7)
        rows.extend(batch.rows["seq"].tolist())
        pictures.extend(batch.payload[:, 0, 0].tolist())
        return len(rows) >= n

    until(read)
    assert pictures == rows
    return rows


def test_what_the_session_is(link, session):
    assert link.name == "s"
    assert link.info() == session.info
    assert sorted(spec.name for spec in link.specs()) == sorted(s.name for s in SPECS)
    assert CAMERA in link.specs()


def test_every_element_is_read_once_and_in_order(link, session, until):
    session.publish(20)
    reader = link.reader("cameras/left", 0)
    assert reader.spec == CAMERA
    seqs = all_of(reader, 20, until)
    for _ in range(6):
        session.publish(15)
        seqs += all_of(reader, 15, until)
    assert seqs == list(range(110))
    assert (reader.cursor, reader.taken, reader.lost, reader.skipped) == (
        110,
        110,
        0,
        0,
    )
    assert not reader.finished
    session.writers["cameras/left"].close()
    assert until(lambda: len(reader.read(9)) == 0 and reader.finished)


def test_what_was_overwritten_is_counted(link, session, until):
    session.publish(200)
    reader = link.reader("cameras/left", 0)
    ring = session.streams.reader("cameras/left", 0)
    ring.read(1)
    lost = ring.lost
    assert lost >= 200 - CAMERA.slots
    assert all_of(reader, 200 - lost, until) == list(range(lost, 200))
    assert (reader.lost, reader.losses) == (lost, [(0, lost)])


def test_the_newest_element_and_no_other(link, session, until):
    session.publish(10)
    reader = link.reader("cameras/left", 5)
    batches = []

    def read():
        if (batch := reader.latest()) is not None:
            batches.append(batch)
        return reader.cursor == 10

    until(read)
    assert len(batches[-1]) == 1
    assert batches[-1].rows["seq"].tolist() == [9]
    assert batches[-1].payload[0, 0, 0] == 9
    assert reader.taken + reader.skipped == 5
    assert reader.latest() is None


def test_a_new_writer_is_noticed_once(link, session, until):
    session.publish(3)
    reader = link.reader("cameras/left", 0)
    all_of(reader, 3, until)
    assert not reader.restarted()
    session.writers["cameras/left"] = session.streams.writer("cameras/left")
    session.publish(1)
    all_of(reader, 1, until)
    assert until(reader.restarted)
    assert not reader.restarted()


def test_no_such_stream_or_camera(link):
    with pytest.raises(SpringhareError, match=r"'cameras/top', got none.*decisions"):
        link.reader("cameras/top")
    with pytest.raises(SpringhareError, match=r"'cameras/top', got none"):
        link.pictures("top")


def test_pictures_are_the_newest_each_nth_pixel(link, session, until):
    pictures = link.pictures("left")
    assert pictures.take(None, 1) is None
    session.publish(5)
    for step in (1, 2, 3):
        picture = until(
            lambda step=step: (p := pictures.take(None, step)) and p.step == step and p
        )
        assert int(picture.row["seq"]) == 4
        whole = np.arange(48).reshape(6, 8) + 4
        np.testing.assert_array_equal(picture.pixels, whole[::step, ::step])


def test_a_picture_that_is_wanted_comes(link, session, until):
    session.publish(30)
    pictures = link.pictures("left")
    for seq in (12, 29, 20):
        picture = until(
            lambda seq=seq: (
                (p := pictures.take(seq, 2)) and int(p.row["seq"]) == seq and p
            )
        )
        whole = np.arange(48).reshape(6, 8) + seq
        np.testing.assert_array_equal(picture.pixels, whole[::2, ::2])


def test_what_the_session_is_may_be_known_later(session, serve, connect, until):
    (session.folder / "session.json").unlink()
    link = connect(serve(session).address)
    assert link.info() is None
    write_sidecar(session.folder, session.info)
    assert until(link.info) == session.info


def test_how_it_stands(link, until):
    status = until(lambda: link.status, link)
    assert (status.phase, status.session_id) == ("recording", "mouse-1")
    assert {stream.name for stream in status.streams} == {s.name for s in SPECS}
    assert status.nodes[0].metrics == {"fired": 3.0, "decided": 4.0}
    assert (link.gone, link.verdict) == (False, None)


@pytest.mark.slow
def test_a_supervisor_that_falls_silent(link, session, until):
    until(lambda: link.status, link)
    session.supervisor.answers = False
    assert until(lambda: link.silent_s > 1.0, link)
    session.supervisor.answers = True
    assert until(lambda: link.silent_s < 0.7, link)


def test_the_verdict(link, session, until):
    until(lambda: link.status, link)
    session.close("WARN")
    assert until(lambda: link.verdict, link) == "WARN"
    assert link.status is not None


def test_a_feed_shows_it(link, session, until):
    session.publish(5)
    event = NodeEvent(
        host_ns=session.info.started_host_ns, node="left", state="open", detail=""
    )
    session.writers["node_events"].append(event)
    feed = until(lambda: feed_when_ready(link), link)

    def shown():
        feed.poll()
        look = feed.look("left", 2)
        return look is not None and feed.happened(-1, 1e9) and look

    look = until(shown)
    assert (look.frame_id, look.step, look.picture.shape) == (4, 2, (3, 4))
    assert [mark.text for mark in feed.happened(-1, 1e9)] == ["left open"]
    assert 0 <= feed.now_s < 3600


def test_from_afar_one_may_only_look(session, serve, connect):
    link = connect(serve(session).address)
    assert not link.can_ask
    link.ask("stop")
    (answer,) = link.answers()
    assert (answer.request, answer.ok) == ("stop", False)
    assert "may only look" in answer.error
    assert link.answers() == []
    for _ in range(100):
        link.ask("stop")
    assert len(link.answers()) < 100, "nobody takes them: they are not heaped up"


@pytest.mark.slow
def test_it_goes_on_when_the_server_is_back(session, serve, connect, until):
    first = serve(session)
    link = connect(first.address)
    reader, pictures = link.reader("cameras/left", 0), link.pictures("left")
    session.publish(5)
    seqs = all_of(reader, 5, until)
    first.stop()
    session.publish(5)
    said = until(lambda: link.trouble)
    assert f"nothing is heard from {first.address} for " in said
    assert link.silent_s >= 2.0
    assert len(reader.read(9)) == 0
    pictures.take(None, 1)
    link.poll()
    second = serve(session, first.address)
    seqs += all_of(reader, 5, until)
    assert seqs == list(range(10))
    assert reader.lost == 0
    assert until(lambda: link.silent_s < 0.7)
    assert until(lambda: (p := pictures.take(None, 1)) and int(p.row["seq"]) == 9)
    assert link.trouble == ""
    assert second.address == first.address


@pytest.mark.slow
def test_another_session_is_not_taken_for_this_one(
    session, make_session, serve, connect, until
):
    first = serve(session)
    link = connect(first.address)
    reader = link.reader("cameras/left", 0)
    session.publish(3)
    all_of(reader, 3, until)
    until(lambda: link.status)
    first.stop()
    other = make_session("other")
    other.publish(9)
    second = serve(other, first.address)
    said = f"s has ended: {first.address} serves other now; begin anew"
    assert until(lambda: link.trouble == said)
    assert link.gone  # a window looks for the next one
    assert len(reader.read(9)) == 0
    assert (link.name, link.info()) == ("s", session.info)
    silent_s = link.silent_s
    assert until(lambda: link.silent_s > silent_s)
    second.stop()
    serve(session, first.address)
    assert until(lambda: not link.trouble)
    assert not link.gone
    session.publish(1)
    assert all_of(reader, 1, until) == [3]


def test_nobody_there(monkeypatch):
    with (
        short_patience(monkeypatch),
        pytest.raises(
            StreamError, match=r"from tcp://127.0.0.1:9 .*are the keys right"
        ),
    ):
        RemoteLink("tcp://127.0.0.1:9")
    with pytest.raises(StreamError, match="an address like tcp://host:5511"):
        RemoteLink("127.0.0.1")
    assert not [t for t in threading.enumerate() if t.name.startswith("courier")]


def test_keys(session, serve, connect, tmp_path, monkeypatch, until):
    folder, viewer = make_keys(tmp_path / "keys")
    _, stranger = make_keys(tmp_path / "strange")
    keys, strange = load_client_keys(viewer), load_client_keys(stranger)
    server = serve(session, "tcp://0.0.0.0:*", load_server_keys(folder))
    address = server.address.replace("0.0.0.0", "127.0.0.2")
    session.publish(4)
    link = connect(address, keys)
    assert all_of(link.reader("cameras/left", 0), 4, until) == [0, 1, 2, 3]
    unknown = type(keys)(strange.pair, keys.server)
    for refused in (None, strange, unknown):
        with (
            short_patience(monkeypatch),
            pytest.raises(StreamError, match="are the keys right"),
        ):
            RemoteLink(address, refused)


@pytest.mark.slow
def test_who_is_too_slow_loses_and_knows_it(
    session, serve, connect, until, monkeypatch
):
    """What waits here is bounded; the rest is lost in the ring, and counted."""
    monkeypatch.setattr(fed, "_MOST_BYTES", 1000)
    link = connect(serve(session).address)
    reader = link.reader("cameras/left", 0)
    session.publish(40)
    other = link.reader("cameras/left", 0)
    assert len(all_of(other, 40, until)) == 40, "it had time"
    for _ in range(10):
        session.publish(40)
        all_of(other, 40, until)
    seqs = []

    def read():
        seqs.extend(reader.read(1000).rows["seq"].tolist())
        return reader.cursor == 440

    until(read)
    assert reader.lost > 0
    assert reader.taken + reader.lost == 440
    assert seqs == sorted(set(seqs))
    assert sum(count for _, count in reader.losses) == reader.lost


def test_only_pictures_that_are_taken_travel(session, serve, connect, until):
    server = serve(session)
    link = connect(server.address)
    pictures, reader = link.pictures("left"), link.reader("decisions", 0)
    session.publish(1)
    takes = 0

    def take():
        nonlocal takes
        takes += 1
        return pictures.take(None, 1)

    until(take)
    assert 1 <= server.sent.count("cameras/left") <= takes
    until(lambda: reader.begun)
    sent = len(server.sent)
    session.publish(20)
    until(lambda: len(server.sent) > sent + 2)
    assert server.sent.count("cameras/left") <= takes


def test_its_clock_reads_as_the_clock_over_there(session, serve, connect, until):
    there = AheadClock()
    link = connect(serve(session, clock=there).address)
    until(lambda: link.status)
    before, seen, after = there.now(), link.clock.now(), there.now()
    error = link.clock.error_ns
    assert before - error <= seen <= after + error


def test_a_reader_that_nobody_holds_is_fed_no_more(session, serve, connect, until):
    link = connect(serve(session).address)
    trips = link._courier._trips
    until(lambda: len(trips) == 3)
    reader = link.reader("cameras/left", 0)
    assert until(lambda: len(trips) == 4)
    session.publish(1)
    all_of(reader, 1, until)
    del reader
    assert until(lambda: len(trips) == 3)


def test_closing_ends_the_thread(session, serve, connect):
    link = connect(serve(session).address)
    assert [t for t in threading.enumerate() if t.name.startswith("courier")]
    link.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("courier")]
    link.poll()
    assert link.status is None or link.silent_s >= 0


@pytest.mark.slow
def test_the_status_waits_for_streams_that_are_new(session, serve, connect, until):
    """Whoever sees that all are there finds them all."""
    link = connect(serve(session).address)
    until(lambda: link.status)
    late = StreamSpec(name="poses/left", kind="poses", node="inference", slots=8)
    session.streams.create_ring(late)
    until(lambda: any(s.name == "poses/left" for s in link.status.streams))
    assert late in link.specs()


def decision(outcome, draw):
    return Decision(
        host_ns=1000,
        decision_id=0,
        rule="in",
        camera="left",
        frame_id=1,
        pose_seq=1,
        outcome=outcome,
        cause=f"draw {draw}",
        exposure_ns=1,
        age_ns=1,
        max_age_ns=2,
        latency_ns=0,
        value=1,
        threshold=1,
        likelihood=1,
        sham_draw=draw,
        armed=1,
        line="laser",
        pulse_width_us=1,
        pulse_count=1,
        pulse_period_us=1,
    )


@pytest.mark.parametrize("unblind", [False, True])
def test_shams_are_blind_from_afar(make_session, serve, connect, until, unblind):
    session = make_session(configs=Configs(rig=RIG, task=TASK))
    for outcome, draw in (("fired", 0.9), ("sham", 0.1)):
        session.writers["decisions"].append(decision(outcome, draw))
    link = connect(serve(session, unblind=unblind).address)
    reader = link.reader("decisions", 0)
    batch = until(lambda: (b := reader.read(9)) and len(b) == 2 and b)
    status = until(lambda: link.status)
    seen = batch.rows[["outcome", "cause", "sham_draw"]].tolist()
    if unblind:
        assert seen == [(b"fired", b"draw 0.9", 0.9), (b"sham", b"draw 0.1", 0.1)]
        link.reader("acknowledgements", 0)
        assert status.nodes[0].metrics == {"fired": 3.0, "decided": 4.0}
        return
    assert seen == [(b"fired", b"", -1.0)] * 2
    assert status.blind
    assert status.nodes[0].metrics == {"decided": 4.0}
    with pytest.raises(StreamError, match=r"tell shams from fires, got ack.*--unblind"):
        link.reader("acknowledgements", 0)
    assert "acknowledgements" in {spec.name for spec in link.specs()}
