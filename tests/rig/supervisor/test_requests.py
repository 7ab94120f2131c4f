"""Who arms and disarms, who is told of it first; notes, and pulses by hand."""

from types import SimpleNamespace

import pytest

from rig.messages import Request
from rig.recording.notes import note_of
from rig.supervisor.permission_watch import PermissionWatch
from rig.supervisor.requests import serve_meanwhile, serve_strangers
from rig.supervisor.status import Status

STARTED_NS, NOW_NS = 1000, 5000


class Crew:
    """Keeps who was told what, in order."""

    def __init__(self, *requests, **arguments):
        self.strangers = [
            ("client", Request(request_id=k, name=name, arguments=arguments))
            for k, name in enumerate(requests)
        ]
        self.children = {"inference": SimpleNamespace(gone=False, state="running")}
        self.done = []
        self.forwarded = []

    def tell(self, name, word):
        self.done.append((name, word))

    def forward(self, client, request, node):
        self.done.append((node, request.name))
        self.forwarded.append((client, request))

    def answer(self, client, _request, result, error=""):
        self.done.append((client, error or result))


class Rings:
    now_ns = NOW_NS

    def __init__(self):
        self.notes = []

    def note(self, *note):
        self.notes.append(note)

    def record(self, event):
        self.notes.append(event)


@pytest.fixture
def serve():
    def serve(crew, actuator="daq"):
        rings, stopped = Rings(), []
        status = Status("recording", "s", 1.0)
        serve_strangers(
            crew, rings, lambda: status, stopped.append, actuator, STARTED_NS
        )
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


@pytest.mark.parametrize("word", ["arm", "disarm"])
def test_where_nobody_decides_nothing_is_said_to_be_armed(serve, word):
    crew = Crew(word)
    crew.children.clear()
    notes, _ = serve(crew)
    [(_, fault)] = crew.done
    assert fault.startswith(f"Expected a session with an inference node to {word}")
    assert not notes


def test_other_requests_are_answered(serve):
    crew = Crew("stop", "status", "dance")
    _, stopped = serve(crew)
    assert stopped == ["asked to stop by client"]
    [(_, nothing), (_, status), (_, fault)] = crew.done
    assert nothing == {}
    assert status["phase"] == "recording"
    assert fault == (
        "Expected a request among status, stop, arm, disarm, note, pulse, got 'dance'"
    )


def test_while_a_session_begins_or_ends_it_says_how_it_stands_and_acts_on_nothing():
    crew, stopped = Crew("status", "stop", "arm", "note"), []
    serve_meanwhile(crew, lambda: Status("opening devices", "s", 1.0), stopped.append)
    [status, nothing, arm, note] = [told for _, told in crew.done]
    assert status["phase"] == "opening devices"
    assert nothing == {}
    assert stopped == ["asked to stop by client"]
    for name, fault in (("arm", arm), ("note", note)):
        assert fault == (
            f"Expected a session that records for {name!r}, got one that does not: it "
            "is opening devices"
        )
    assert not crew.strangers


class TestNotes:
    """They are recorded at the time at which they were begun."""

    @pytest.mark.parametrize(
        ("at_ns", "recorded_ns"),
        [(None, 5000), (3000, 3000), (1000, 1000), (999, 5000), (5001, 5000)],
    )
    def test_that_is_believed_within_the_session(self, serve, at_ns, recorded_ns):
        crew = Crew("note", text="licks", at_ns=at_ns)
        [event], _ = serve(crew)
        assert event.host_ns == recorded_ns
        assert crew.done == [("client", {"host_ns": recorded_ns})]

    def test_a_hot_key_needs_no_text(self, serve):
        [event], _ = serve(Crew("note", key="3"))
        assert (event.node, event.state) == ("experimenter", "note 3")
        assert note_of(event, 0).words == "3"

    def test_a_long_one_goes_on_in_further_rows(self, serve):
        text = "µ" * 1000
        events, _ = serve(Crew("note", text=text, key="0"))
        assert [event.state for event in events] == ["note 0", *["note+"] * 12]
        assert "".join(event.detail for event in events) == text
        assert {event.host_ns for event in events} == {NOW_NS}

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ({"text": "a" * 1001}, "length <= 1000"),
            ({"text": 5}, "Expected `str`, got `int`"),
            ({}, "got an empty one"),
            ({"text": " \n"}, "got an empty one"),
            ({"text": "a", "key": "10"}, "Invalid enum value"),
            ({"text": "a", "at_ns": 1.5}, "at_ns"),
            ({"text": "a", "by": "me"}, "unknown field `by`"),
            ({"text": "a\x1b[2J"}, "without control characters"),
            ({"text": "a\0b"}, "without control characters"),
        ],
    )
    def test_what_cannot_be_noted_is_said(self, serve, arguments, words):
        crew = Crew("note", **arguments)
        notes, _ = serve(crew)
        assert not notes
        [(client, fault)] = crew.done
        assert client == "client"
        assert words in fault


PULSE = {"line": "laser", "pulse_width_us": 500}


class TestPulses:
    """Whoever decides is asked for them; there is no other way."""

    def test_it_is_told_who_asks(self, serve):
        crew = Crew("pulse", **PULSE, by="somebody else")
        notes, _ = serve(crew)
        [(client, request)] = crew.forwarded
        assert client == "client"
        assert request.arguments == {**PULSE, "by": "client"}
        assert crew.done == [("inference", "pulse")]
        assert not notes

    def test_a_session_in_which_nobody_decides_has_none(self, serve):
        crew = Crew("pulse", **PULSE)
        crew.children.clear()
        serve(crew)
        [(_, fault)] = crew.done
        assert "got one without" in fault
        assert "inference section" in fault

    @pytest.mark.parametrize("at_ns", [NOW_NS, NOW_NS - 1_000_000_000, NOW_NS + 1])
    def test_its_wish_is_of_now(self, serve, at_ns):
        crew = Crew("pulse", **PULSE, at_ns=at_ns)
        serve(crew)
        [(_, request)] = crew.forwarded
        assert request.arguments == {**PULSE, "by": "client"}

    @pytest.mark.parametrize("at_ns", [NOW_NS - 1_000_000_001, "now"])
    def test_an_old_wish_is_not_carried_out(self, serve, at_ns):
        crew = Crew("pulse", **PULSE, at_ns=at_ns)
        serve(crew)
        assert not crew.forwarded
        [(_, fault)] = crew.done
        assert "a host time of the last second" in fault

    @pytest.mark.parametrize(("gone", "state"), [(True, "failed"), (False, "open")])
    def test_whoever_is_dead_or_not_ready_is_not_asked(self, serve, gone, state):
        crew = Crew("pulse", **PULSE)
        crew.children["inference"] = SimpleNamespace(gone=gone, state=state)
        serve(crew)
        [(client, fault)] = crew.done
        assert client == "client"
        assert f"it is {'gone' if gone else 'open'}" in fault


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
