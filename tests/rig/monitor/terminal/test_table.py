from io import StringIO

import pytest
from rich.console import Console
from rich.text import Text

from rig.monitor.health import Health
from rig.monitor.terminal.table import LiveTable, draw
from rig.monitor.terminal.trends import Trends

SIZES = [(80, 24), (100, 30), (120, 44), (200, 60)]


@pytest.fixture
def lines(health):
    """Draw a status as lines of plain text."""

    def lines(status, width=120, rows=44, footer=""):
        trends = Trends()
        for _ in range(3):
            trends.take(status)
        drawn = draw(status, health(status), trends, width, rows, footer)
        return [line.plain for line in drawn]

    return lines


@pytest.fixture
def coloured(health):
    """Draw a status as a terminal gets it, with its colours."""

    def coloured(status, width=120, height=44):
        out = StringIO()
        console = Console(
            file=out,
            force_terminal=True,
            width=width,
            height=height,
            color_system="standard",
        )
        with LiveTable(console) as table:
            table.show(status, health(status))
        return out.getvalue()

    return coloured


def about(lines, subject):
    """The one line of a thing, below the headline and the reasons."""
    return next(line for line in lines if subject in line and "  " in line[2:])


@pytest.mark.parametrize(("width", "rows"), SIZES)
def test_it_fits_and_begins_with_the_headline(status, lines, width, rows):
    drawn = lines(status(), width, rows, "q quit")
    assert len(drawn) <= rows
    assert max(map(len, drawn)) <= width
    assert any("● all good: recording, 6 streams" in line for line in drawn[:3])
    assert drawn[-1] == "q quit"


@pytest.mark.parametrize(("width", "rows"), [(60, 12), (40, 8), (20, 5), (5, 1)])
def test_in_a_terminal_that_is_far_too_small_the_headline_stays(
    status, lines, width, rows
):
    drawn = lines(status(cameras=4), width, rows)
    assert len(drawn) <= rows
    assert max(map(len, drawn)) <= width
    assert "●" in drawn[0]


def test_an_80_by_24_terminal_has_a_bit_of_everything(status, lines):
    drawn = "\n".join(lines(status(cameras=4), 80, 24, "q quit"))
    for word in (
        "all good",
        "recording for 01:05",
        "session time 01:10.2",
        "cameras/under",
        "signals/daq/emg",
        "decisions",
        "armed, 7 decided",
        "49.2 MB/s, 138 min left",
        "● recorder",
        "● daq ±45.2 µs",
        "exposure to pose",
    ):
        assert word in drawn


def test_a_wide_terminal_has_all_of_it(status, lines):
    drawn = "\n".join(lines(status(), 200, 60))
    for word in ("the network", "exposure to pose", "+12.3 ppm", "339 looked at"):
        assert word in drawn


def test_the_rows_of_a_stream(status, lines):
    [row] = [line for line in lines(status()) if "cameras/left  " in line]
    assert row.split() == [
        "●", "cameras/left", "99.7", "/", "100", "Hz", "█", "10", "ms", "0", "0", "%",
    ]  # fmt: skip
    assert not any("clocks/daq" in line for line in lines(status()))


def test_trouble_is_told_by_word_shape_and_colour(status, spoilt, lines, coloured):
    trouble = spoilt(status(), "cameras/left", age_s=4.2, rate_hz=0.0)
    drawn = lines(trouble)
    assert "■ cameras/left: nothing has come for 4.2 s" in "".join(drawn[:3])
    assert about(drawn, "■  cameras/left")
    text = coloured(trouble)
    assert "\x1b[1;37;41m" in text, "white on red"
    assert "\x1b[1;31mcameras/left" in text


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_what_is_good_has_no_colour_that_calls(status, coloured, width, height):
    text = coloured(status(), width, height)
    assert "31m" not in text, "red"
    assert "33m" not in text, "yellow"
    assert ";4" not in text, "a coloured ground"
    assert "\x1b[5" not in text, "blinking"


def test_the_headline_is_large_where_there_is_room(status, lines):
    assert "█" in lines(status(), 120, 44)[0]
    assert (
        lines(status(), 60, 44)[0].strip() == "● GOOD  all good: recording, 6 streams"
    )


def test_all_troubles_are_told_the_worst_first(status, spoilt, lines):
    trouble = spoilt(status(), "cameras/left", lost=3)
    trouble = spoilt(trouble, "cameras/right", rate_hz=30.0)
    trouble = spoilt(trouble, "daq", heard_s=2.0)
    drawn = lines(trouble, 120, 60)
    assert "■ cameras/right: 30.0 Hz instead of 100  (+2 more)" in drawn[1]
    reasons = [line for line in drawn if line.startswith("▲ watch  ")]
    assert [reason.split()[2] for reason in reasons] == ["daq:", "cameras/left:"]


def test_where_not_all_streams_fit_the_bad_ones_are_shown(status, spoilt, lines):
    trouble = spoilt(status(cameras=4), "decisions", lost=1)
    drawn = lines(trouble, 80, 12)
    assert any(line.startswith(("▲  decisions", "■  decisions")) for line in drawn)


def test_a_long_reason_is_cut_and_not_wrapped(status, spoilt, lines):
    trouble = spoilt(status(), "daq", state="failed", detail="no answer " * 40)
    drawn = lines(trouble, 80, 24)
    assert max(map(len, drawn)) <= 80
    assert len(drawn) <= 24
    assert "…" in "".join(drawn[:3])


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (138.4, "disk  ● 49.2 MB/s, 138 min left"),
        (9.2, "disk  ▲ 49.2 MB/s, 9 min left"),
        (1.5, "disk  ■ 49.2 MB/s, 90 s left"),
    ],
)
def test_the_time_that_the_disk_will_last_is_always_shown(
    status, lines, minutes, words
):
    shown = status(nodes={"recorder": {"minutes_left": minutes}})
    for width, rows in SIZES:
        assert words in "\n".join(lines(shown, width, rows))


@pytest.mark.parametrize(
    ("metrics", "words"),
    [
        ({}, "loop  ● armed, 7 decided"),
        ({"armed": 0.0}, "disarmed: nothing is fired"),
        ({"processor": 1.0}, "the Processor acts by itself"),
        ({"key_on": 0.0}, "the key is off: nothing is fired"),
        ({"permitted": 0.0}, "the board holds its outputs low: nothing is fired"),
    ],
)
def test_whether_anything_is_fired_is_shown(status, lines, metrics, words):
    nodes = {"daq": metrics} if "permitted" in metrics else {"inference": metrics}
    assert words in "\n".join(lines(status(nodes=nodes), 80, 24))


def test_a_blind_stream_shows_nothing_but_losses(status, lines):
    stream = {
        "name": "acknowledgements",
        "kind": "acknowledgements",
        "rate_hz": 0.0,
        "published": 0,
        "waiting": 0,
        "age_s": None,
        "blind": True,
    }
    drawn = lines(status(streams=[stream], blind=True))
    row = about(drawn, "●  acknowledgements")
    assert row.split() == ["●", "acknowledgements", "blind", "0", "0", "%"]
    assert any("   blind   " in line for line in drawn)


def test_before_there_are_nodes_and_streams_there_is_the_phase(status, lines):
    drawn = lines(status(phase="pre-flight", nodes=(), streams=(), looked={}))
    assert any("all good" in line or "pre-flight" in line for line in drawn[:3])


def test_the_terminal_is_asked_for_its_size_each_time(status, health):
    out = StringIO()
    console = Console(file=out, force_terminal=True, width=200, height=60)
    with LiveTable(console) as table:
        table.show(status(), health(status()))
        console.size = (80, 24)
    plain = Text.from_ansi(out.getvalue()).plain.splitlines()
    assert any("all good" in line for line in plain)
    assert max(map(len, plain)) <= 80


class TestInALog:
    @pytest.fixture
    def log(self, health):
        def log(*statuses):
            out = StringIO()
            with LiveTable(Console(file=out, width=40)) as table:
                for status in statuses:
                    table.show(status, health(status), "q quit")
            return out.getvalue().splitlines()

        return log

    def test_it_is_one_line(self, status, log):
        [line] = log(status())
        assert line.startswith("[01:10.2] recording  cameras/left 100 Hz, ")
        assert line.endswith(
            "lost 0  latency p50 4.0 ms, p99 9.5 ms, disk: 138 min left"
        )

    def test_it_is_a_line_now_and_then(self, status, log):
        many = [status(session_s=60 + k / 10) for k in range(120)]
        assert [line[:9] for line in log(*many)] == [
            "[01:00.0]", "[01:05.0]", "[01:10.0]",
        ]  # fmt: skip

    def test_trouble_is_told_at_once_and_once(self, status, spoilt, log):
        good = status()
        bad = spoilt(good, "cameras/left", age_s=4.2)
        _, told, well = log(good, good, bad, bad, good)
        words = "■ BAD: cameras/left: nothing has come for 4.2 s"
        assert told.endswith(words)
        assert "BAD" not in well

    def test_a_phase_is_told_at_once(self, status, log):
        lines = log(status(phase="starting"), status(), status(phase="stopping"))
        assert [line.split()[1] for line in lines] == [
            "starting", "recording", "stopping",
        ]  # fmt: skip

    def test_words_without_a_session_are_told_once(self):
        out = StringIO()
        with LiveTable(Console(file=out)) as table:
            for _ in range(3):
                table.say("no session is running", "q quit")
        assert out.getvalue() == "no session is running\n"


def test_an_empty_health_can_be_drawn(status):
    assert draw(status(), Health(), Trends(), 80, 24)
