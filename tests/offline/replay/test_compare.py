"""What is not as recorded is found, and named."""

import re

import msgspec
import pytest

from offline.replay import play, recorded_session, sameness
from offline.replay.player import Played
from rig.recording.reader import Recording


@pytest.fixture(scope="module")
def replayed(plain):
    with Recording.open(plain) as recording:
        session = recorded_session(recording)
        yield recording, session, play(recording, session, session.task).played


def compared(replayed, decisions):
    recording, session, _ = replayed
    (found,) = sameness(recording, session, Played(decisions=decisions))
    return found


def test_the_same(replayed):
    found = compared(replayed, replayed[2].decisions)
    assert found.whole
    assert (found.recorded, found.replayed, found.same) == (2, 2, 2)
    assert found.first is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"outcome": "sham"}, "outcome fired recorded, sham replayed"),
        ({"value": 1.0}, "value .* recorded, 1.0 replayed"),
        ({"cause": "other"}, "cause y of hip .* recorded, other replayed"),
        ({"sham_draw": -0.0}, "sham_draw"),
    ],
)
def test_a_difference_in_any_bit(replayed, change, words):
    first, second = replayed[2].decisions
    found = compared(replayed, [first, msgspec.structs.replace(second, **change)])
    assert not found.whole
    assert found.same == 1

    assert found.first.startswith("decision 1 (take_off, at ")

    assert re.search(words, found.first)


def test_one_too_many_or_too_few(replayed):
    first, second = replayed[2].decisions
    third = msgspec.structs.replace(second, decision_id=2)
    more = compared(replayed, [first, second, third])
    assert not more.whole
    assert "decision 2" in more.first
    assert more.first.endswith("only replayed (fired)")
    fewer = compared(replayed, [first])
    assert not fewer.whole
    assert fewer.first.endswith("only recorded (fired)")
    assert not compared(replayed, []).whole
