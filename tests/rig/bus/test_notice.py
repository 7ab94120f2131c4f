import pytest
import zmq

from rig.bus.notice import Notifier, Waiter
from rig.bus.sockets import make_socket


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


def test_in_vain(waiter, memory):
    assert not waiter.wait(0)
    waiter.add(memory / "nobody")
    assert not waiter.wait(1)


def test_wakes_for_any_of_its_streams(waiter, notifiers, memory, until):
    waiter.add(memory / "one")
    waiter.add(memory / "two")
    for notifier in notifiers:

        def turn(notifier=notifier):
            notifier.notify(1, 1)
            return waiter.wait(20)

        assert until(turn)


def test_many_notices_are_one_wake_up(waiter, notifiers, memory, until):
    waiter.add(memory / "one")

    def turn():
        notifiers[0].notify(1, 1)
        return waiter.wait(20)

    until(turn)
    for k in range(200):
        notifiers[0].notify(k, 1)
    wake_ups = 0
    while waiter.wait(50):
        wake_ups += 1
    assert 1 <= wake_ups < 50, "CONFLATE keeps the newest only"


def test_a_waiter_that_was_there_first(waiter, memory, until):
    waiter.add(memory / "late")
    assert not waiter.wait(1)
    notifier = Notifier(memory / "late")

    def turn():
        notifier.notify(1, 1)
        return waiter.wait(20)

    assert until(turn)
    notifier.close()


def test_a_restarted_notifier_is_heard_again(waiter, memory, until):
    waiter.add(memory / "one")
    for generation in (1, 2):
        notifier = Notifier(memory / "one")

        def turn(notifier=notifier, generation=generation):
            notifier.notify(1, generation)
            return waiter.wait(20)

        assert until(turn)
        notifier.close()
        while waiter.wait(0):
            pass


def test_wakes_for_another_socket_and_leaves_it_alone(waiter, memory):
    inner, outer = make_socket(zmq.PAIR), make_socket(zmq.PAIR)
    inner.bind(f"ipc://{memory / 'pair'}")
    outer.connect(f"ipc://{memory / 'pair'}")
    waiter.add_socket(inner)
    assert not waiter.wait(0)
    outer.send(b"word")
    assert waiter.wait(2000)
    assert waiter.wait(0), "nobody has read it yet"
    assert inner.recv() == b"word"
    waiter.close()
    inner.close()
    outer.close()
    waiter.close()


def test_notices_to_nobody_cost_nothing(memory):
    notifier = Notifier(memory / "alone")
    for k in range(10_000):
        notifier.notify(k, 1)
    notifier.close()
    notifier.close()
