from io import StringIO

import pytest
from rich.console import Console

from rig.commands.live import LiveTable
from rig.supervisor.status import NodeFigures, Status, StreamFigures

STREAM = StreamFigures("cameras/left", 100, 99.5, 100, 0, 0, 0)


def status(**metrics):
    node = NodeFigures("recorder", "running", 0.1, {"cpu_percent": 3, **metrics})
    return Status("recording", "m1_s", 65, [node], [STREAM])


def drawn(shown):
    """What a terminal gets, with its colours."""
    out = StringIO()
    console = Console(
        file=out, force_terminal=True, width=120, height=40, color_system="standard"
    )
    with LiveTable(console) as show:
        show(shown)
    return out.getvalue()


@pytest.mark.parametrize(
    ("minutes", "text", "colour"),
    [
        (138.4, ", disk: 138 min left", None),
        (9.2, ", disk: 9 min left", "33m"),
        (1.5, ", disk: 90 s left", "1;31m"),
    ],
)
def test_the_time_that_the_disk_will_last_is_always_shown(minutes, text, colour):
    found = drawn(status(minutes_left=minutes, disk_full=0.0))
    assert text in found
    before = found.split(text)[-2]
    if colour:
        assert before.endswith(f"\x1b[{colour}")
    else:
        assert not before.endswith(("33m", "31m"))


def test_a_full_disk_is_told():
    assert "the disk is full" in drawn(status(minutes_left=3.0, disk_full=1.0))


def test_before_anything_is_known_of_the_disk_nothing_is_told():
    assert "disk" not in drawn(status())


def test_a_log_has_it_too_in_one_line():
    out = StringIO()
    with LiveTable(Console(file=out, width=40)) as show:
        show(status(minutes_left=8.0))
    [line] = out.getvalue().splitlines()
    assert line.endswith("lost 0, disk: 8 min left")


ARMED = {"armed": 1.0, "permitted": 1.0}


@pytest.mark.parametrize(
    ("metrics", "text"),
    [
        (ARMED, "armed (d disarms)"),
        (ARMED | {"armed": 0.0, "permitted": 0.0}, "disarmed: nothing is fired"),
        (ARMED | {"key_on": 1.0}, "armed (d disarms)"),
        (ARMED | {"armed": 0.0, "processor": 1.0}, "; the Processor acts by itself"),
        (ARMED | {"key_on": 0.0}, "the key is off: nothing is fired"),
        (ARMED | {"permitted": 0.0}, "the board holds its outputs low"),
    ],
)
def test_whether_anything_is_fired_is_shown(metrics, text):
    assert text in drawn(status(**metrics))


def test_a_rig_without_actuator_has_nothing_to_arm():
    assert "armed" not in drawn(status(armed=1.0))
