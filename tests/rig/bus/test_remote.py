import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import numpy as np
import pytest
import zmq

from rig.bus.directory import StreamDirectory
from rig.bus.keys import load_client_keys, load_server_keys, make_keys
from rig.bus.remote import RemoteReader, remote_names
from rig.bus.remote_answers import batch_of
from rig.bus.remote_line import RemoteLine
from rig.bus.remote_messages import StreamReply, StreamRequest, decode, encode
from rig.bus.server import StreamServer
from rig.bus.sockets import make_socket
from rig.errors import StreamError, VersionError
from rig.messages import (
    CONTRACT_VERSION,
    Block,
    Event,
    NodeEvent,
    PayloadSpec,
    StreamSpec,
)
from sync.clock import ManualClock


@pytest.fixture
def writer(streams, make_spec):
    streams.create_ring(make_spec())
    streams.create_ring(make_spec(name="cameras/right", node="right"))
    writer = streams.writer("cameras/left")
    yield writer
    writer.close()


@pytest.fixture
def serve(streams):
    """Serve the streams in a thread; gives the server, call its `stop` to end it."""
    running = []

    def serve(address="tcp://127.0.0.1:*", keys=None, directory=streams, keeper=None):
        server = StreamServer(directory, address, keys, keeper=keeper)
        ending = threading.Event()

        def turn():
            while not ending.is_set():
                server.step(20)

        thread = threading.Thread(target=turn)
        thread.start()

        def stop():
            ending.set()
            thread.join()
            server.close()

        running.append(stop)
        server.stop = stop
        return server

    yield serve
    for stop in running:
        stop()


@pytest.fixture
def follow():
    readers = []

    def follow(*arguments, **options):
        readers.append(RemoteReader(*arguments, **options))
        return readers[-1]

    yield follow
    for reader in readers:
        reader.close()
        reader.close()


@pytest.fixture
def keys(tmp_path):
    server, viewer = make_keys(tmp_path / "keys")
    return load_server_keys(server), load_client_keys(viewer)


def test_names(writer, serve):
    assert remote_names(serve().address) == ["cameras/left", "cameras/right"]


def test_many_at_a_time(streams, serve, follow, publish, make_spec, check_batch):
    streams.create_ring(make_spec(name="cameras/deep", slots=4096))
    deep = streams.writer("cameras/deep")
    reader = follow(serve().address, "cameras/deep")
    publish(deep, 3000)
    seqs = []
    while len(batch := reader.read(5000)):
        seqs += check_batch(batch)
    assert seqs == list(range(3000))
    deep.close()


def test_one_that_is_bigger_than_a_batch_may_be(streams, serve, follow, frame):
    payload = PayloadSpec("|u1", (5_000_000,))
    spec = {"name": "cameras/big", "kind": "frames", "node": "big", "slots": 4}
    streams.create_ring(StreamSpec(payload=payload, **spec))
    writer = streams.writer("cameras/big")
    reader = follow(serve().address, "cameras/big")
    pixels = np.random.default_rng(0).integers(0, 255, 5_000_000, np.uint8)
    writer.append(frame(0), pixels)
    np.testing.assert_array_equal(reader.read(9).payload[0], pixels)
    writer.close()


def test_a_stream_without_payload(streams, serve, follow):
    spec = StreamSpec(name="events/daq", kind="events", node="daq", slots=8)
    streams.create_ring(spec)
    writer = streams.writer("events/daq")
    reader = follow(serve().address, "events/daq")
    writer.append(Event(host_ns=5, device_ns=7, device_seq=0, line="start", edge=-1))
    batch = reader.read(9)
    assert batch.rows[["line", "edge"]].tolist() == [(b"start", -1)]
    assert batch.payload.shape == (1, 0)
    writer.close()


def test_waits_for_what_comes(writer, serve, follow, publish, check_batch):
    reader = follow(serve().address, "cameras/left")
    assert not reader.wait(1)
    timer = threading.Timer(0.05, publish, [writer, 2])
    timer.start()
    assert reader.wait(20_000)
    seqs = []
    while len(seqs) < 2:
        seqs += check_batch(reader.read(9))
    assert seqs == [0, 1]
    assert reader.latest() is None
    publish(writer, 3)
    assert reader.wait(20_000)
    assert check_batch(reader.latest()) == [4]
    timer.join()


def test_a_wait_in_vain_is_answered_later(writer, serve, follow, publish, check_batch):
    """What comes between two calls is neither lost nor read twice."""
    reader = follow(serve().address, "cameras/left")
    seqs = []
    for _ in range(20):
        assert not reader.wait(0)
        publish(writer, 1)
        seqs += check_batch(reader.read(9))
    assert seqs == list(range(20))


def test_reads_on_when_the_server_is_back(writer, serve, follow, publish, until):
    first = serve()
    reader = follow(first.address, "cameras/left", timeout_ms=200)
    publish(writer, 3)
    assert len(reader.read(9)) == 3
    first.stop()
    publish(writer, 2)
    assert until(lambda: len(reader.read(9)) == 0 and not reader.connected)
    assert not reader.wait(1)
    assert reader.latest() is None
    serve(first.address)
    assert until(lambda: len(reader.read(9)))
    assert reader.connected
    assert (reader.taken, reader.lost, reader.skipped) == (5, 0, 0)


def test_a_server_that_answers_late_is_still_understood(until):
    """An answer to the same question is as good, whenever it was asked."""
    server = make_socket(zmq.ROUTER)
    port = server.bind_to_random_port("tcp://127.0.0.1")
    ending = threading.Event()
    spec = StreamSpec(name="events/daq", kind="events", node="daq")

    def answer():
        late = []
        while not ending.is_set():
            if not server.poll(20):
                continue
            client, data = server.recv_multipart()
            request = decode(data, StreamRequest)
            about = {"request_id": request.request_id, "generation": 1}
            if request.cursor is None:
                reply = StreamReply(**about, spec=spec)
                server.send_multipart([client, encode(reply)])
                continue
            late.append(StreamReply(**about, head=1, count=1))
            if len(late) > 1:  # the one before
                row = np.zeros(1, spec.row)
                parts = [client, encode(late[-2]), row.tobytes(), b""]
                server.send_multipart(parts)

    thread = threading.Thread(target=answer)
    thread.start()
    address = f"tcp://127.0.0.1:{port}"
    reader = RemoteReader(address, "events/daq", start=0, timeout_ms=60)
    try:
        assert until(lambda: len(reader.read(9)), seconds=5)
        assert (reader.cursor, reader.taken) == (1, 1)
    finally:
        ending.set()
        thread.join()
        reader.close()
        server.close()


def test_a_new_question_takes_the_place_of_one_that_is_held(writer, streams, publish):
    server = StreamServer(streams, "tcp://127.0.0.1:*")
    socket = make_socket(zmq.DEALER)
    socket.connect(server.address)
    for request_id, wait_ms in ((1, 60_000), (2, 0)):
        request = {"stream": "cameras/left", "cursor": 0, "wait_ms": wait_ms}
        socket.send(encode(StreamRequest(request_id=request_id, **request)))
        server.step(2000)
    assert socket.poll(2000)
    assert decode(socket.recv_multipart()[0], StreamReply).request_id == 2
    publish(writer, 1)
    server.step(0)
    server.step(0)
    assert not socket.poll(50), "the first one is no longer wanted"
    socket.close()
    server.close()


def test_a_new_session_is_not_taken_for_the_old_one(
    writer, serve, follow, publish, make_spec, until
):
    first = serve()
    reader = follow(first.address, "cameras/left", timeout_ms=200)
    publish(writer, 3)
    reader.read(9)
    first.stop()
    other = StreamDirectory.create("other", Path("/data/other"))
    other.create_ring(make_spec())
    serve(first.address, directory=other)
    with pytest.raises(StreamError, match="begin a new reader"):
        until(lambda: reader.read(9) and False)
    assert len(follow(first.address, "cameras/left").read(9)) == 0


def test_readers_that_die_or_hang_harm_nobody(writer, serve, follow, publish, process):
    """Ten ask and are killed, one asks without ever fetching: the last reads all."""
    server = serve()
    code = """
import sys
from rig.bus.remote import RemoteReader
reader = RemoteReader(sys.argv[1], "cameras/left", start=0)
print("there", flush=True)
while True:
    reader.read(1) if len(sys.argv) == 2 else reader.wait(60000)
"""
    children = [process(code, server.address, *["wait"] * (k % 2)) for k in range(4)]
    hung = make_socket(zmq.DEALER)
    hung.connect(server.address)
    for k in range(50):
        request = StreamRequest(request_id=k, stream="cameras/left", cursor=0)
        hung.send(encode(request))
    for child in children:
        assert child.stdout.readline() == "there\n"
        child.kill()
    reader = follow(server.address, "cameras/left")
    seqs = []
    for _ in range(100):
        publish(writer, 1)
        seqs += reader.read(9).rows["seq"].tolist()
    assert seqs == list(range(100))
    hung.close()


def test_no_such_server_or_stream(writer, serve):
    with pytest.raises(StreamError, match="is the server running there"):
        RemoteReader("tcp://127.0.0.1:9", "cameras/left", timeout_ms=50)
    with pytest.raises(StreamError, match="an address like tcp://host:5511"):
        RemoteReader("tcp://", "cameras/left", timeout_ms=50)
    with pytest.raises(StreamError, match=r"'cameras/top', got none.* cameras/left"):
        RemoteReader(serve().address, "cameras/top")
    server = serve()
    with pytest.raises(StreamError, match="File name too long"):
        RemoteReader(server.address, "x" * 5000)
    assert remote_names(server.address)  # it goes on


@pytest.mark.parametrize(
    "address", ["tcp://0.0.0.0:*", "tcp://*:*", "tcp://192.0.2.1:5511", "tcp://eth0:*"]
)
def test_other_machines_need_keys(writer, streams, address):
    with pytest.raises(StreamError, match=r"Expected keys to listen on .* springhare"):
        StreamServer(streams, address)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("ipc:///x", "address like tcp"),
        ("127.0.0.1:1", "address like tcp"),
        ("tcp://127.0.0.1:x", "Expected to listen"),
    ],
)
def test_an_address_that_is_none(writer, streams, address, message):
    with pytest.raises(StreamError, match=message):
        StreamServer(streams, address)


def test_an_address_that_is_taken(writer, streams, serve):
    server = serve()
    with pytest.raises(StreamError, match=r"Expected to listen on .*in use"):
        StreamServer(streams, server.address)


def test_keys_let_in_whom_they_should(writer, serve, follow, publish, keys, tmp_path):
    server_keys, client_keys = keys
    server = serve("tcp://0.0.0.0:*", server_keys)
    address = server.address.replace("0.0.0.0", "127.0.0.2")
    reader = follow(address, "cameras/left", client_keys)
    publish(writer, 3)
    assert len(reader.read(9)) == 3
    assert reader.wait(1) is False

    _, stranger = make_keys(tmp_path / "strange")
    strange = load_client_keys(stranger)
    wrong_server = load_client_keys(tmp_path / "keys" / "viewer")
    wrong_server = type(wrong_server)(wrong_server.pair, strange.server)
    right_server = type(strange)(strange.pair, client_keys.server)
    for refused in (None, strange, wrong_server, right_server):
        with pytest.raises(StreamError, match="are the keys right"):
            RemoteReader(address, "cameras/left", refused, timeout_ms=300)
    assert len(reader.read(9)) == 0
    assert reader.connected


def test_another_version_is_refused_by_the_server(writer, serve):
    socket = make_socket(zmq.DEALER)
    socket.connect(serve().address)
    request = msgspec.to_builtins(StreamRequest(request_id=1, stream=""))
    socket.send(msgspec.msgpack.encode(request | {"version": 99, "new": 1}))
    reply = decode(socket.recv(), StreamReply)
    assert f"contract version {CONTRACT_VERSION}, got 99" in reply.error
    socket.send(b"junk")
    assert "Expected a StreamRequest" in decode(socket.recv(), StreamReply).error
    socket.close()


def test_another_version_is_refused_by_the_reader():
    server = make_socket(zmq.ROUTER)
    port = server.bind_to_random_port("tcp://127.0.0.1")

    def answer():
        client, _ = server.recv_multipart()
        reply = msgspec.to_builtins(StreamReply(request_id=1))
        reply = msgspec.msgpack.encode(reply | {"version": 99})
        server.send_multipart([client, reply])

    thread = threading.Thread(target=answer)
    thread.start()
    with pytest.raises(VersionError, match=r"contract version .*, got 99"):
        RemoteReader(f"tcp://127.0.0.1:{port}", "cameras/left")
    thread.join()
    server.close()


def test_a_held_request_is_answered_when_its_time_is_up(writer, streams):
    clock = ManualClock()
    server = StreamServer(streams, "tcp://127.0.0.1:*", clock=clock)
    socket = make_socket(zmq.DEALER)
    socket.connect(server.address)
    request = {"stream": "cameras/left", "cursor": 0, "wait_ms": 50}
    socket.send(encode(StreamRequest(request_id=1, **request)))
    server.step(2000)
    assert not socket.poll(20), "held: there is nothing new"
    clock.advance(50_000_000)
    server.step(2000)
    assert socket.poll(2000)
    reply = decode(socket.recv_multipart()[0], StreamReply)
    assert (reply.request_id, reply.count, reply.head) == (1, 0, 0)
    socket.close()
    server.close()
    server.close()


_AFAR = """
import sys
from pathlib import Path
from rig.bus.keys import load_client_keys
from rig.bus.remote import RemoteReader
keys = load_client_keys(Path(sys.argv[2]))
reader = RemoteReader(sys.argv[1], "cameras/left", keys, timeout_ms=10000)
print("there", flush=True)
seqs = []
while len(seqs) < 40:
    reader.wait(1000)
    batch = reader.read(99)
    assert (batch.payload == (batch.rows["seq"] % 251)[:, None, None]).all()
    seqs += batch.rows["seq"].tolist()
assert seqs == list(range(40)), seqs
assert reader.lost == 0
reader.close()
print("all", flush=True)
"""


@pytest.fixture
def namespace():
    """A network namespace with a wire to ours; gives its name and our address."""
    ip = shutil.which("ip")
    number = os.getpid()
    name, near, far = (f"sh{number}{end}" for end in ("", "near", "far"))
    net = f"10.231.{number % 250}"

    def run(*words):
        return subprocess.run([ip, *words], check=True, capture_output=True)

    if ip is None or os.geteuid() != 0:
        pytest.skip("needs the ip command and root")
    try:
        run("netns", "add", name)
    except subprocess.CalledProcessError:
        pytest.skip("needs permission to make a network namespace")
    try:
        run("link", "add", near, "type", "veth", "peer", "name", far)
        run("link", "set", far, "netns", name)
        run("addr", "add", f"{net}.1/30", "dev", near)
        run("link", "set", near, "up")
        run("-n", name, "addr", "add", f"{net}.2/30", "dev", far)
        run("-n", name, "link", "set", far, "up")
        yield name, f"{net}.1"
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no wire between namespaces: {error.stderr.decode().strip()}")
    finally:
        run("netns", "del", name)  # the wire goes with it


def _follow_from_afar(child, writer, publish):
    assert child.stdout.readline() == "there\n"
    for _ in range(40):
        publish(writer, 1)
    assert child.stdout.readline() == "all\n"
    assert child.wait(20) == 0


@pytest.mark.slow
def test_between_two_network_namespaces(
    streams, make_spec, serve, keys, namespace, tmp_path, publish
):
    streams.create_ring(make_spec(slots=64))
    writer = streams.writer("cameras/left")
    name, near = namespace
    server = serve(f"tcp://{near}:*", keys[0])
    arguments = [server.address, str(tmp_path / "keys" / "viewer")]
    child = subprocess.Popen(
        ["ip", "netns", "exec", name, sys.executable, "-c", _AFAR, *arguments],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        _follow_from_afar(child, writer, publish)
    finally:
        child.kill()
        child.communicate()
        writer.close()


def test_between_two_loopback_addresses(
    streams, make_spec, serve, keys, tmp_path, publish, process
):
    streams.create_ring(make_spec(slots=64))
    writer = streams.writer("cameras/left")
    server = serve("tcp://127.0.0.2:*", keys[0])
    child = process(_AFAR, server.address, tmp_path / "keys" / "viewer")
    _follow_from_afar(child, writer, publish)
    writer.close()


class Keeper:
    """Tells of a session in two words, and keeps back what it is told to."""

    def __init__(self, refused=(), veil=None):
        self._refused = refused
        self._veil = veil or (lambda stream, rows: rows)

    def about(self, what):
        if what == "status":
            msg = "Expected a supervisor, got silence"
            raise StreamError(msg)
        return what.encode()

    def refusal(self, stream):
        return f"{stream} is not for you" if stream in self._refused else ""

    def veil(self, stream, rows):
        return self._veil(stream, rows)


@pytest.fixture
def line():
    lines = []

    def line(server):
        lines.append(RemoteLine(server.address))
        return lines[-1]

    yield line
    for each in lines:
        each.close()


def test_all_streams_as_they_describe_themselves(writer, serve, line, make_spec):
    server = serve(keeper=Keeper(refused=["cameras/right"]))
    reply = line(server).ask(2000, stream="", about="streams")
    assert reply.specs == [make_spec(), make_spec(name="cameras/right", node="right")]
    assert reply.refused == {"cameras/right": "cameras/right is not for you"}


def test_what_the_session_is_and_how_it_stands_is_what_its_keeper_says(
    writer, serve, line
):
    told, alone = line(serve(keeper=Keeper())), line(serve())
    assert told.ask(2000, stream="", about="session").about == b"session"
    with pytest.raises(StreamError, match="Expected a supervisor, got silence"):
        told.ask(2000, stream="", about="status")
    assert told.ask(2000, stream="", about="session").about == b"session"
    assert alone.ask(2000, stream="", about="status").about == b""


def test_a_stream_that_is_kept_back_tells_nothing_at_all(
    writer, serve, line, publish, follow
):
    server = serve(keeper=Keeper(refused=["cameras/left"]))
    publish(writer, 3)
    for cursor in (None, 0):
        with pytest.raises(StreamError, match="cameras/left is not for you"):
            line(server).ask(2000, stream="cameras/left", cursor=cursor)
    with pytest.raises(StreamError, match="cameras/left is not for you"):
        follow(server.address, "cameras/left")
    raw = make_socket(zmq.DEALER)
    raw.connect(server.address)
    raw.send(encode(StreamRequest(request_id=1, stream="cameras/left", cursor=0)))
    head, *rest = raw.recv_multipart()
    reply = decode(head, StreamReply)
    assert (reply.head, reply.count, reply.generation, rest) == (0, 0, 0, [])
    raw.close()


def test_rows_leave_as_their_keeper_shows_them(writer, streams, serve, follow, publish):
    def veil(stream, rows):
        assert stream == "cameras/left"
        rows = rows.copy()
        rows["exposure_ns"] = -1
        return rows

    reader = follow(serve(keeper=Keeper(veil=veil)).address, "cameras/left", start=0)
    publish(writer, 3)
    rows = reader.read(9).rows
    assert rows["exposure_ns"].tolist() == [-1, -1, -1]
    assert rows["frame_id"].tolist() == [0, 1, 2]
    here = streams.reader("cameras/left", 0).read(9)
    assert here.rows["exposure_ns"].tolist() == [0, 1, 2], "as they were"


@pytest.mark.parametrize("step", [1, 2, 3, 8, 100, 0, -1])
def test_frames_leave_as_small_as_they_are_wanted(writer, serve, line, frame, step):
    pixels = np.arange(48, dtype=np.uint16).reshape(6, 8)
    writer.append(frame(0), pixels)
    talk = line(serve())
    about = {"stream": "cameras/left", "cursor": 0, "step": step}
    reply, frames = talk.receive(talk.send(2000, **about), 2000)
    expected = pixels[:: max(step, 1), :: max(step, 1)]
    batch = batch_of(writer.spec, frames[0].bytes, frames[1], reply.step)
    np.testing.assert_array_equal(batch.payload, expected[None])


def test_what_is_no_picture_is_sent_whole(streams, serve, line):
    payload = PayloadSpec("<i2", (4, 6))
    spec = StreamSpec(name="signals/x", kind="samples", node="x", payload=payload)
    streams.create_ring(spec)
    writer = streams.writer("signals/x")
    block = Block(host_ns=1, first_sample=0, count=4, device_ns=0, device_sample=0)
    writer.append(block, np.ones((4, 6), np.int16))
    talk = line(serve())
    number = talk.send(2000, stream="signals/x", cursor=0, step=2)
    reply, frames = talk.receive(number, 2000)
    assert (reply.step, len(frames[1])) == (1, 48)
    writer.close()


def test_each_answer_says_what_time_it_is_over_there(writer, streams):
    clock = ManualClock(1_000)
    server = StreamServer(streams, "tcp://127.0.0.1:*", clock=clock)
    socket = make_socket(zmq.DEALER)
    socket.connect(server.address)
    questions = [
        {"stream": ""},
        {"stream": "", "about": "streams"},
        {"stream": "", "about": "status"},
        {"stream": "cameras/left"},
        {"stream": "cameras/left", "cursor": 0},
        {"stream": "cameras/none"},
    ]
    for k, question in enumerate(questions):
        clock.advance(7)
        socket.send(encode(StreamRequest(request_id=k, **question)))
        server.step(2000)
        assert socket.poll(2000)
        reply = decode(socket.recv_multipart()[0], StreamReply)
        assert (reply.request_id, reply.host_ns) == (k, 1_007 + 7 * k)
    socket.close()
    server.close()


def test_a_writer_wakes_the_server_only_when_somebody_waits(
    writer, streams, serve, follow, publish
):
    reader = follow(serve().address, "cameras/left")
    waiters = streams.notice_path("cameras/left")
    publish(writer, 1)
    assert len(reader.read(9)) == 1
    assert waiters.read_bytes() == b""
    assert not reader.wait(1)
    assert not reader.wait(1)
    assert len(waiters.read_bytes()) == 8, "one name, and once"


def test_nothing_of_the_servers_memory_leaves_between_the_fields(streams, serve, line):
    spec = StreamSpec(name="node_events", kind="node_events", node="s", slots=64)
    streams.create_ring(spec)
    writer = streams.writer("node_events")
    for k in range(50):
        writer.append(NodeEvent(host_ns=k + 1, node="n", state="s", detail="d"))
    talk = line(serve())
    number = talk.send(2000, stream="node_events", cursor=0)
    _, frames = talk.receive(number, 2000)
    names, row = spec.row.names, spec.row
    gaps = np.ones(row.itemsize, bool)
    for name in names:
        kind, offset = row.fields[name][:2]
        gaps[offset : offset + kind.itemsize] = False
    sent = np.frombuffer(frames[0].bytes, np.uint8).reshape(50, row.itemsize)
    assert gaps.any()
    assert not sent[:, gaps].any()
    writer.close()
