import errno
import os
import signal

import pytest
import zmq

from rig.bus import notice
from rig.bus.notice import Notifier, Waiter
from rig.bus.sockets import make_socket
from rig.errors import StreamError


@pytest.fixture
def waiter():
    waiter = Waiter()
    yield waiter
    waiter.close()


@pytest.fixture
def notifiers(memory):
    made = [Notifier(memory / name) for name in ("one", "two")]
    yield made
    for notifier in made:
        notifier.close()


def wake_ups(waiter):
    """How often a waiter wakes before it has taken everything."""
    count = 0
    while waiter.wait(0):
        count += 1
    return count


def test_in_vain(waiter, memory):
    assert not waiter.wait(0)
    waiter.add(memory / "nobody")
    assert not waiter.wait(1)
    assert not waiter.wait(0)


def test_wakes_for_any_of_its_streams(waiter, notifiers, memory):
    waiter.add(memory / "one")
    waiter.add(memory / "two")
    for notifier in notifiers:
        notifier.notify()
        assert waiter.wait(2000)
        assert wake_ups(waiter) == 0


def test_many_notices_are_one_wake_up(waiter, notifiers, memory):
    waiter.add(memory / "one")
    waiter.add(memory / "two")
    for _ in range(2):
        for _ in range(200):
            for notifier in notifiers:
                notifier.notify()
        assert wake_ups(waiter) == 2, "one for each stream"


def test_a_waiter_that_was_there_first(waiter, memory):
    waiter.add(memory / "late")
    assert not waiter.wait(1)
    notifier = Notifier(memory / "late")
    assert waiter.wait(2000), "there may be something already"
    notifier.notify()
    assert waiter.wait(2000)
    notifier.close()


def test_a_waiter_that_comes_late(waiter, notifiers, memory):
    notifiers[0].notify()
    waiter.add(memory / "one")
    assert not waiter.wait(0)
    notifiers[0].notify()
    assert waiter.wait(2000)


def test_a_restarted_notifier_is_heard_again(waiter, memory):
    waiter.add(memory / "one")
    for _ in range(3):
        notifier = Notifier(memory / "one")
        wake_ups(waiter)
        notifier.notify()
        assert waiter.wait(2000)
        notifier.close()


def test_waiters_do_not_take_each_others_notices(notifiers, memory):
    waiters = [Waiter([memory / "one"]) for _ in range(200)]  # more than one look
    for _ in range(5):
        notifiers[0].notify()
    assert [wake_ups(waiter) for waiter in waiters] == [1] * 200
    for waiter in waiters[::2]:
        waiter.close()
    notifiers[0].notify()
    assert [wake_ups(waiter) for waiter in waiters[1::2]] == [1] * 100
    for waiter in waiters:
        waiter.close()
    notifiers[0].notify()


def test_waiters_that_do_not_take_anything_harm_nobody(waiter, notifiers, memory):
    idle = [Waiter([memory / "one"]) for _ in range(50)]
    waiter.add(memory / "one")
    for _ in range(100):
        notifiers[0].notify()
        assert wake_ups(waiter) == 1
    for one in idle:
        one.close()


_WAITS = """
import sys
from pathlib import Path
from rig.bus.notice import Waiter
waiter = Waiter([Path(name) for name in sys.argv[1:]])
print("waits", flush=True)
while waiter.wait(-1):
    print("woken", flush=True)
"""


@pytest.mark.parametrize("end", [signal.SIGSTOP, signal.SIGKILL])
def test_a_process_that_stands_still_or_dies(
    waiter, notifiers, memory, process, until, end
):
    child = process(_WAITS, memory / "one", memory / "two")
    assert child.stdout.readline() == "waits\n"
    notifiers[1].notify()
    assert child.stdout.readline() == "woken\n"
    os.kill(child.pid, end)
    os.waitpid(child.pid, os.WUNTRACED)
    waiter.add(memory / "one")
    for _ in range(1000):
        notifiers[0].notify()
        assert wake_ups(waiter) == 1
    assert sorted(path.name for path in memory.iterdir()) == ["one", "two"]
    if end is signal.SIGSTOP:
        os.kill(child.pid, signal.SIGCONT)
        assert child.stdout.readline() == "woken\n", "what came meanwhile"


_PING = """
import sys
from pathlib import Path
from rig.bus.notice import Notifier, Waiter
sent, heard = Notifier(Path(sys.argv[1])), Waiter([Path(sys.argv[2])])
print("there", flush=True)
while heard.wait(10_000):
    sent.notify()
"""


def test_no_wake_up_is_lost(notifiers, memory, process):
    """Two processes, each of which waits for the other: one that is lost ends it."""
    child = process(_PING, memory / "pong", memory / "one")
    assert child.stdout.readline() == "there\n"
    waiter = Waiter([memory / "pong"])
    notifiers[0].notify()
    for _ in range(5000):
        assert waiter.wait(10_000)
        notifiers[0].notify()
    waiter.close()


def test_wakes_for_another_socket_and_leaves_it_alone(waiter, notifiers, memory):
    inner, outer = make_socket(zmq.PAIR), make_socket(zmq.PAIR)
    inner.bind(f"ipc://{memory / 'pair'}")
    outer.connect(f"ipc://{memory / 'pair'}")
    waiter.add_socket(inner)
    assert not waiter.wait(0)
    outer.send(b"word")
    assert waiter.wait(2000)
    assert waiter.wait(0), "nobody has read it yet"
    assert inner.recv() == b"word"
    waiter.add(memory / "one")
    notifiers[0].notify()
    assert waiter.wait(2000)
    assert wake_ups(waiter) == 0
    waiter.close()
    inner.close()
    outer.close()
    waiter.close()


def test_wakes_for_a_file_descriptor(waiter, notifiers, memory):
    here, there = os.pipe()
    waiter.add(memory / "one")
    waiter.add_socket(here)
    assert not waiter.wait(1)
    notifiers[0].notify()
    assert waiter.wait(2000)
    assert not waiter.wait(0)
    os.write(there, b"x")
    assert waiter.wait(2000)
    os.close(here)
    os.close(there)


def test_notices_to_nobody_cost_nothing(memory):
    notifier = Notifier(memory / "alone")
    for _ in range(10_000):
        notifier.notify()
    notifier.close()
    notifier.close()


def test_a_name_that_nobody_has_is_passed_over(waiter, notifiers, memory):
    path = memory / "one"
    path.write_bytes(bytes(range(notice._NAME_BYTES)) * 3)
    notifiers[0].notify()
    waiter.add(path)
    notifiers[0].notify()
    assert waiter.wait(2000)


def test_without_descriptors_a_writer_goes_on(
    waiter, notifiers, memory, monkeypatch, caplog
):
    def refuse(*_):
        raise OSError(errno.EMFILE, "too many open files")

    waiter.add(memory / "one")
    monkeypatch.setattr(notice.socket, "socket", refuse)
    notifiers[0].notify()
    assert "cannot be woken: [Errno 24]" in caplog.text


def test_without_a_session(waiter, memory):
    with pytest.raises(StreamError, match="is the session running"):
        waiter.add(memory / "gone" / "one")
