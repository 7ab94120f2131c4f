import re

from rich.console import Console

from rig.commands.live_latency import latency_line, latency_table
from rig.supervisor.status import NodeFigures

POSE = ("camera", "wait", "network", "decide", "pose")


def nodes(stages=POSE, **more):
    figures = {
        f"{stage}_{figure}_ms": k + ms
        for k, stage in enumerate(stages)
        for figure, ms in (("p50", 1.0), ("p95", 1.5), ("p99", 1.9), ("max", 9.0))
    }
    return [
        NodeFigures("recorder", "running", 0.1, {"disk_mb_per_s": 3.0}),
        NodeFigures("inference", "running", 0.1, {**figures, **more}),
    ]


def drawn(found):
    console = Console(width=120, force_terminal=True, color_system="standard")
    with console.capture() as capture:
        console.print(found)
    return capture.get()


def plain(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_shows_every_stage_with_its_four_figures():
    lines = plain(drawn(latency_table(nodes()))).splitlines()
    assert lines[0].split() == ["latency,", "ms", "p50", "p95", "p99", "max"]
    assert [line.split("  ")[0] for line in lines[1:]] == [
        "exposure to arrival",
        "arrival to taken from the ring",
        "the network",
        "keypoints to pose",
        "exposure to pose",
    ]
    assert lines[3].split()[2:] == ["3.00", "3.50", "3.90", "11.00"]
    assert "budget" not in lines[0]


def test_edges_are_shown_once_there_are_some():
    text = drawn(latency_table(nodes((*POSE, "send", "board", "answer", "total"))))
    assert "exposure to edge" in text
    assert text.index("pose to command sent") < text.index("exposure to pose")


def test_a_broken_limit_is_red_and_a_kept_one_green():
    limits = {"budget_network_p50_ms": 5, "over_network_p50_ms": 0.0}
    limits |= {"budget_network_p99_ms": 2, "over_network_p99_ms": 1.0}
    [line] = [
        line
        for line in drawn(latency_table(nodes(**limits))).splitlines()
        if "the network" in line
    ]
    assert "\x1b[32mp50 5" in line
    assert "\x1b[1;31m, p99 2" in line
    assert "\x1b[1;31m     3.90" in line


def test_before_the_first_pose_there_is_nothing():
    assert latency_table([]) is None
    assert latency_table(nodes(())) is None
    assert latency_line(nodes(())) == ""


def test_a_log_has_it_in_a_few_words():
    words = latency_line(nodes((*POSE, "total"), over_pose_p99_ms=1.0))
    assert words == (
        "  latency p50 5.0 ms, p99 5.9 ms  to the edge p50 6.0 ms, p99 6.9 ms"
        "  OVER BUDGET: pose p99"
    )
