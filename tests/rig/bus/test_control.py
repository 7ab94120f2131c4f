import msgspec
import pytest
import zmq

from rig.bus.control import ControlClient, ControlServer
from rig.bus.sockets import make_socket
from rig.errors import StreamError, VersionError
from rig.messages import CONTRACT_VERSION, Heartbeat, Hello, Reply, Request


@pytest.fixture
def server(memory):
    server = ControlServer(memory / "control")
    yield server
    server.close()
    server.close()


@pytest.fixture
def connect(server):
    clients = []

    def connect(name):
        clients.append(ControlClient(server.path, name))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()
        client.close()


def test_a_request_and_its_answer(server, connect):
    client = connect("left")
    client.send(Hello(node="left", pid=7))
    assert server.receive(2000) == [("left", Hello(node="left", pid=7))]
    request = Request(request_id=1, name="open", arguments={"config": {"a": [1, None]}})
    server.send("left", request)
    assert client.receive(2000) == request
    reply = Reply(request_id=1, node="left", ok=True, result={"streams": []})
    client.send(reply)
    assert server.receive(2000) == [("left", reply)]


def test_nothing_comes(server, connect):
    assert server.receive(1) == []
    assert connect("left").receive(1) is None


def test_each_client_hears_its_own(server, connect):
    clients = {name: connect(name) for name in ("left", "right")}
    for name, client in clients.items():
        client.send(Hello(node=name, pid=1))
    heard = []
    while len(heard) < 2:
        heard += server.receive(2000)
    for k, name in enumerate(clients):
        server.send(name, Request(request_id=k, name="start"))
    answers = {name: client.receive(2000) for name, client in clients.items()}
    assert {name: answer.request_id for name, answer in answers.items()} == {
        "left": 0,
        "right": 1,
    }


def test_a_client_that_is_gone_harms_nobody(server, connect):
    server.send("nobody", Request(request_id=1, name="start"))
    client = connect("left")
    client.send(Hello(node="left", pid=1))
    assert server.receive(2000)
    client.close()
    server.send("left", Request(request_id=1, name="start"))


def test_a_restarted_client_takes_the_place_of_the_old_one(server, connect):
    old = connect("left")
    old.send(Hello(node="left", pid=1))
    assert server.receive(2000)
    new = connect("left")
    new.send(Hello(node="left", pid=2))
    assert server.receive(2000) == [("left", Hello(node="left", pid=2))]
    server.send("left", Request(request_id=5, name="start"))
    assert new.receive(2000).request_id == 5


def test_what_was_sent_arrives_although_the_client_closes(server, connect):
    client = connect("left")
    for k in range(50):
        client.send(Heartbeat(node="left", state="running", host_ns=k))
    client.close()
    heard = []
    while len(heard) < 50:
        heard += server.receive(2000)
    assert [message.host_ns for _, message in heard] == list(range(50))


@pytest.mark.parametrize("junk", [b"", b"junk", msgspec.msgpack.encode({"type": "X"})])
def test_junk_is_refused(server, junk):
    socket = make_socket(zmq.DEALER)
    socket.connect(f"ipc://{server.path}")
    socket.send(junk)
    with pytest.raises(StreamError, match="Expected a control message"):
        server.receive(2000)
    socket.close()


def test_another_version_is_refused(server):
    socket = make_socket(zmq.DEALER)
    socket.connect(f"ipc://{server.path}")
    version = CONTRACT_VERSION + 1
    other = {"type": "Hello", "version": version, "node": "left", "pid": 1}
    socket.send(msgspec.msgpack.encode(other))
    with pytest.raises(VersionError, match=rf"hello .*, got {version}: install"):
        server.receive(2000)
    socket.close()


def test_what_a_stranger_sends_harms_nobody(server, connect, caplog):
    """A window of an older version must not end a session."""
    socket = make_socket(zmq.DEALER)
    socket.setsockopt(zmq.IDENTITY, b"window")
    socket.connect(f"ipc://{server.path}")
    older = {"type": "Request", "version": 1, "request_id": 1, "name": "status"}
    for junk in (b"junk", msgspec.msgpack.encode(older)):
        socket.send(junk)
    hello = Hello(node="left", pid=1)
    socket.send(msgspec.msgpack.encode(hello))
    heard = []
    while not heard:
        heard += server.receive(2000, own={"left"})
    assert heard == [("window", hello)]
    assert "From window, which is no node: Expected a control" in caplog.text
    assert f"contract version {CONTRACT_VERSION}, got 1" in caplog.text
    connect("left")._socket.send(b"junk")
    with pytest.raises(StreamError, match="Expected a control message"):
        server.receive(2000, own={"left"})
    socket.close()


def test_a_client_without_a_name(server):
    socket = make_socket(zmq.DEALER)
    socket.connect(f"ipc://{server.path}")
    socket.send(msgspec.msgpack.encode(Hello(node="x", pid=1)))
    [(name, message)] = server.receive(2000)
    assert isinstance(name, str)
    assert message == Hello(node="x", pid=1)
    socket.close()
