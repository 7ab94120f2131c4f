import json

import pytest

from rig.monitor.health.lights import GROUPS, HEADINGS, Health, Level, Light

SESSION = Light("session", "session", Level.GOOD, ("recording",))
STREAM = Light("streams", "cameras/left", Level.GOOD, ("100 / 100 Hz", "8 ms", "0", ""))


def light(group, subject, level, reason="", *, past=False):
    cells = ("",) * len(HEADINGS[group])
    return Light(group, subject, level, cells, reason, past)


def test_levels_are_told_by_words_and_shapes_too():
    assert [level.word for level in Level] == ["good", "watch", "bad"]
    assert len({level.symbol for level in Level}) == 3


def test_all_good_says_so_in_few_words():
    health = Health([SESSION, STREAM])
    assert health.level is Level.GOOD
    assert health.worst is None
    assert health.headline == "all good: recording, 1 streams"


def test_nothing_known_is_no_alarm():
    assert Health().level is Level.GOOD
    assert Health().headline == ""


@pytest.mark.parametrize(
    ("lights", "subject"),
    [
        pytest.param(
            [
                light("disk", "disk", Level.BAD, "full"),
                light("nodes", "left", Level.WATCH, "late"),
            ],
            "disk",
            id="the worse one",
        ),
        pytest.param(
            [
                light("streams", "cameras/left", Level.BAD, "stopped"),
                light("nodes", "left", Level.BAD, "died"),
            ],
            "left",
            id="of equals what stops the rest",
        ),
        pytest.param(
            [
                light("nodes", "recorder", Level.WATCH, "restarted", past=True),
                light("disk", "disk", Level.WATCH, "low"),
            ],
            "disk",
            id="what is now before what was",
        ),
        pytest.param(
            [
                light("nodes", "recorder", Level.BAD, "died", past=True),
                light("disk", "disk", Level.WATCH, "low"),
            ],
            "recorder",
            id="a level before everything",
        ),
    ],
)
def test_the_worst_is_the_headline(lights, subject):
    health = Health([SESSION, *lights])
    assert health.worst.subject == subject
    assert health.headline == f"{health.worst.sentence}  (+1 more)"
    assert next(x.subject for x in health.troubles) == subject


def test_it_reads_as_text():
    bad = light("nodes", "left", Level.BAD, "died: signal 9")
    lines = list(Health([SESSION, STREAM, bad]).lines())
    assert lines[0] == "■ BAD: left: died: signal 9"
    assert "● cameras/left: rate 100 / 100 Hz  age 8 ms  lost 0" in lines
    assert lines.index("● session: phase recording") == 1


def test_it_goes_into_json():
    found = json.loads(json.dumps(Health([SESSION, STREAM]).to_dict()))
    assert found["level"] == "good"
    assert found["lights"][1]["level"] == "good"
    assert found["lights"][1]["cells"] == list(STREAM.cells)


def test_every_group_says_what_its_figures_are():
    assert set(GROUPS) == set(HEADINGS)
    assert Health([SESSION]).of("session") == [SESSION]
