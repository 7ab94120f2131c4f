import pytest

from rig.monitor.terminal.latency import latency_line, latency_lines
from rig.monitor.terminal.trends import Trends


@pytest.fixture
def lines(health):
    def lines(status, *, brief=False):
        trends = Trends()
        trends.take(status)
        return latency_lines(health(status), trends, 12, brief=brief)

    return lines


def subjects(lines):
    return [line.plain[3:].split("  ")[0] for line in lines]


def edges(*stages):
    figures = (("p50", 5.0), ("p95", 7.0), ("p99", 8.0), ("max", 9.0))
    return {f"{stage}_{f}_ms": ms for stage in stages for f, ms in figures}


def test_every_stage_has_its_figures_and_sums_come_last(status, lines):
    found = lines(status())
    assert found[0].plain.split() == [
        "latency",
        "p50",
        "p95",
        "p99",
        "budget",
        "p99,",
        "last",
        "minute",
    ]
    assert subjects(found)[1:] == [
        "exposure to arrival",
        "arrival to taken from the ring",
        "the network",
        "keypoints to pose",
        "exposure to pose",
    ]
    assert found[3].plain.split()[3:] == ["4.00", "ms", "6.00", "ms", "9.50", "ms"]


def test_edges_are_shown_once_there_are_some(status, lines):
    shown = status(nodes={"inference": edges("send", "board", "answer", "total")})
    assert subjects(lines(shown))[-2:] == ["exposure to pose", "exposure to edge"]
    assert "pose to command sent" in subjects(lines(shown))


def test_a_stage_over_its_budget_is_told_and_one_within_is_not(status, lines):
    limits = {
        "budget_network_p50_ms": 5.0,
        "over_network_p50_ms": 0.0,
        "budget_pose_p99_ms": 8.0,
        "over_pose_p99_ms": 1.0,
    }
    found = lines(status(nodes={"inference": limits}))
    network, pose = found[3].plain, found[5].plain
    assert network.startswith("●")
    assert "p50 5" in network
    assert pose.startswith("▲")
    assert "p99 8" in pose
    assert any("yellow" in str(span.style) for span in found[5].spans)
    assert not any("yellow" in str(span.style) for span in found[3].spans)


def test_in_brief_there_are_the_sums_and_what_is_over(status, lines):
    over = {"budget_network_p50_ms": 3.0, "over_network_p50_ms": 1.0}
    assert subjects(lines(status(), brief=True))[1:] == ["exposure to pose"]
    found = lines(status(nodes={"inference": over}), brief=True)
    assert subjects(found)[1:] == ["the network", "exposure to pose"]


def test_the_last_minute_is_drawn_against_the_budget(status, health):
    limits = {"budget_pose_p99_ms": 19.0, "over_pose_p99_ms": 0.0}
    shown, trends = status(nodes={"inference": limits}), Trends()
    trends.take(shown)
    assert latency_lines(health(shown), trends, 12)[5].plain.endswith("▅")


def test_before_the_first_pose_there_is_nothing(status, lines):
    early = status(nodes=None)
    early.nodes[1].metrics.clear()
    assert lines(early) == []
    assert latency_line(early.nodes) == ""


def test_a_log_has_it_in_a_few_words(status):
    more = {**edges("total"), "over_pose_p99_ms": 1.0}
    words = latency_line(status(nodes={"inference": more}).nodes)
    assert words == (
        "  latency p50 4.0 ms, p99 9.5 ms  to the edge p50 5.0 ms, p99 8.0 ms"
        "  OVER BUDGET: pose p99"
    )
