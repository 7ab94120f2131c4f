"""kill -9 of any process of a session: nothing that was committed is lost.

The trials and what they are judged by are `springhare bench survival`'s.
"""

import pytest

from rig.bench.survival import PHASES, VICTIMS
from rig.bench.survival.trial import draw

EVERY_CELL = len(VICTIMS) * len(PHASES)
FEW = [("all", "steady"), ("recorder", "segment"), ("supervisor", "start")]
EACH = [(victim, PHASES[k % len(PHASES)]) for k, victim in enumerate(VICTIMS)]


def number(victim, phase):
    """The first trial of a victim in a phase, as small as there is."""
    needed = victim == "inference"
    return next(
        trial.number
        for trial in (draw(k, 1) for k in range(100 * EVERY_CELL))
        if (trial.victim, trial.phase, trial.inference) == (victim, phase, needed)
    )


@pytest.fixture
def survive(springhare, tmp_path):
    def run(*arguments):
        found = springhare.result(
            "bench", "survival", "--out", tmp_path / "out", *arguments
        )
        faults = [
            (trial["trial"]["number"], fault["text"])
            for trial in found["trials"]
            for fault in trial["faults"]
        ]
        assert faults == []
        together = found["summary"]["together"]
        assert together["faults"] == dict.fromkeys(together["faults"], 0)
        assert together["never_recorded_worst"] == 0
        assert list((tmp_path / "out").iterdir()) == []
        assert springhare.running() == []
        return found["summary"]

    return run


def test_a_few_kills_lose_nothing(survive):
    only = [f"--only={number(*cell)}" for cell in FEW]
    found = survive(*only, "--at-once", len(only))
    assert found["together"]["kills"] == len(FEW)
    assert found["by_victim"]["all"]["committed_rows"] > 0
    assert found["by_victim"]["all"]["salvages"] == 1
    assert found["by_victim"]["recorder"]["recorded_rows"] > 0


@pytest.mark.slow
def test_every_process_killed_once_loses_nothing(survive):
    found = survive(*(f"--only={number(*cell)}" for cell in EACH), "--at-once", 2)
    assert found["together"]["kills"] >= len(EACH) - 1, "the other had ended before"
    assert found["together"]["committed_rows"] > 100


@pytest.mark.long
@pytest.mark.parametrize("k", range(0, len(VICTIMS), 3))
def test_every_process_killed_in_every_phase_loses_nothing(survive, k):
    victims = VICTIMS[k : k + 3]
    kills = len(victims) * len(PHASES)
    found = survive(
        *("--kills", kills, "--at-once", 2, "--seed", 5),
        *("--victims", ",".join(victims)),
    )
    assert found["together"]["trials"] == kills
    assert found["together"]["kills"] >= kills - 2, "the others had ended before"
    assert found["together"]["committed_rows"] > 500
    for victim in victims:
        assert found["by_victim"][victim]["kills"] > 0
