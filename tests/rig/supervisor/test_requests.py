"""Who arms and disarms, and who is told of it first."""

import pytest

from rig.messages import Request
from rig.supervisor.permission_watch import PermissionWatch
from rig.supervisor.requests import serve_strangers
from rig.supervisor.status import Status


class Crew:
    """Keeps who was told what, in order."""

    def __init__(self, *requests):
        self.strangers = [
            ("client", Request(request_id=k, name=name, arguments={}))
            for k, name in enumerate(requests)
        ]
        self.done = []

    def tell(self, name, word):
        self.done.append((name, word))

    def forward(self, _client, request, node):
        self.done.append((node, request.name))

    def answer(self, client, _request, result, error=""):
        self.done.append((client, error or result))


class Rings:
    def __init__(self):
        self.notes = []

    def note(self, *note):
        self.notes.append(note)


@pytest.fixture
def serve():
    def serve(crew, actuator="daq"):
        rings, stopped = Rings(), []
        status = Status("recording", "s", 1.0)
        serve_strangers(crew, rings, lambda: status, stopped.append, actuator)
        return rings.notes, stopped

    return serve


def test_the_actuator_is_told_before_who_decides(serve):
    crew = Crew("disarm", "arm")
    notes, _ = serve(crew)
    assert crew.done == [
        ("daq", "disarm"),
        ("inference", "disarm"),
        ("daq", "arm"),
        ("inference", "arm"),
    ]
    assert notes == [
        ("inference", "disarm", "asked by client"),
        ("inference", "arm", "asked by client"),
    ]


def test_a_rig_without_actuator_can_be_disarmed_too(serve):
    crew = Crew("disarm")
    serve(crew, actuator=None)
    assert crew.done == [("inference", "disarm")]


def test_other_requests_are_answered(serve):
    crew = Crew("stop", "status", "dance")
    _, stopped = serve(crew)
    assert stopped == ["asked to stop by client"]
    [(_, nothing), (_, status), (_, fault)] = crew.done
    assert nothing == {}
    assert status["phase"] == "recording"
    assert fault == ("Expected a request among status, stop, arm, disarm, got 'dance'")


def test_what_the_board_says_of_its_outputs_is_an_event_when_it_changes():
    watch = PermissionWatch("daq")
    assert watch.changes({}) == []
    said = [
        [state for state, _ in watch.changes(metrics)]
        for metrics in (
            {"permitted": 0.0},
            {"permitted": 1.0},
            {"permitted": 1.0, "key_on": 1.0},
            {},
            {"permitted": 1.0, "key_on": 0.0},
        )
    ]
    assert said == [["not_permitted"], ["permitted"], ["key_on"], [], ["key_off"]]
