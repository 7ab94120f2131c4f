"""What a server tells of a session, before it is known what it is and after."""

import pytest

from rig.errors import StreamError
from rig.monitor.remote.keeper import SessionKeeper
from rig.monitor.remote.standing import decode_info, decode_standing
from rig.recording.sidecar import Configs, SessionInfo
from rig.supervisor.status import NodeFigures, Status, StreamFigures
from sync.clock import ManualClock

ACTUATOR = {"lines": {"laser": {"pin": 1, "max_width_us": 1000, "max_rate_hz": 40}}}
RIG = {
    "format": "springhare-rig/1",
    "name": "test",
    "data_root": "/data",
    "devices": {
        "daq": {
            "kind": "harp",
            "port": "/dev/x",
            "camera_trigger": {"rate_hz": 50},
            "actuator": ACTUATOR,
        },
        "left": {
            "kind": "basler",
            "serial": "1",
            "width_px": 640,
            "height_px": 480,
            "trigger": {"mode": "hardware", "source": "daq"},
        },
    },
}


def task_of(sham):
    when = {"kind": "enters", "keypoint": "hip", "region_px": [0, 0, 9, 9]}
    rule = {"name": "in", "camera": "left", "when": when, "sham_probability": sham}
    rule |= {"action": {"line": "laser", "pulse_width_us": 100}}
    return {
        "format": "springhare-task/1",
        "name": "t",
        "inference": {"model": "bundled:mouse", "cameras": ["left"]},
        "rules": [rule],
    }


def info_of(sham=0.5, rig=RIG):
    return SessionInfo(
        session_id="1",
        subject="mouse",
        task="t",
        started_utc="2026-01-01T00:00:00Z",
        started_host_ns=1,
        configs=Configs(rig=rig, task=task_of(sham)),
    )


class Session:
    """A session whose link says what a test wants."""

    def __init__(self, info=None):
        self.found = info
        self.reads = self.polls = 0
        self.status = None
        self.silent_s, self.gone, self.verdict = 0.1, False, None

    def info(self):
        self.reads += 1
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    def poll(self):
        self.polls += 1


STATUS = Status(
    "recording",
    "1",
    5.0,
    [NodeFigures("inference", "running", 0.1, {"decided": 2.0, "fired": 1.0})],
    [
        StreamFigures(
            "acknowledgements", 1, 0.5, None, 0, 0, 0, kind="acknowledgements", slots=8
        )
    ],
)


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def keep(clock):
    def keep(session, **options):
        return SessionKeeper(session, clock=clock, **options)

    return keep


def test_shams_are_kept_back(keep):
    keeper = keep(Session(info_of()))
    for stream in ("acknowledgements", "events/daq"):
        refusal = keeper.refusal(stream)
        assert f"got {stream}" in refusal
        assert "springhare serve --unblind" in refusal
    for stream in ("decisions", "node_events", "cameras/left", "events/scope"):
        assert keeper.refusal(stream) == ""


@pytest.mark.parametrize(
    ("info", "options"),
    [
        (info_of(sham=0), {}),
        (info_of(), {"unblind": True}),
        (info_of(rig={}), {}),
    ],
)
def test_nothing_is_kept_back_where_there_is_nothing_to_hide(keep, info, options):
    keeper = keep(Session(info), **options)
    assert keeper.refusal("acknowledgements") == ""
    rows = object()
    assert keeper.veil("decisions", rows) is rows


def test_what_may_tell_waits_until_it_is_known_whether_there_are_shams(keep, clock):
    session = Session(None)
    keeper = keep(session)
    for stream in ("acknowledgements", "events/daq", "decisions", "node_events"):
        assert "ask again in a moment" in keeper.refusal(stream)
    assert keeper.refusal("cameras/left") == ""
    session.found = info_of(sham=0)
    clock.advance(300_000_000)
    assert keeper.refusal("acknowledgements") == ""


def test_the_status_is_blind_even_if_the_supervisor_shows_all(keep):
    session = Session(info_of())
    session.status = STATUS
    seen = decode_standing(keep(session).about("status")).status
    assert seen.blind
    assert seen.nodes[0].metrics == {"decided": 2.0}
    assert (seen.streams[0].published, seen.streams[0].blind) == (0, True)
    shown = decode_standing(keep(session, unblind=True).about("status"))
    assert not shown.status.blind
    assert shown.status.nodes[0].metrics == {"decided": 2.0, "fired": 1.0}
    assert (shown.silent_s, shown.gone, shown.verdict) == (0.1, False, None)


def test_figures_that_are_no_numbers_travel_too(keep):
    session = Session(info_of())
    figures = NodeFigures("x", "running", 0.1, {"a": float("nan"), "b": float("inf")})
    session.status = Status("recording", "1", 5.0, [figures])
    seen = decode_standing(keep(session).about("status")).status
    assert repr(seen.nodes[0].metrics) == "{'a': nan, 'b': inf}"


def test_what_the_session_is_is_read_now_and_then(keep, clock):
    session = Session(None)
    keeper = keep(session)
    assert keeper.about("session") == b""
    session.found = info_of()
    assert keeper.about("session") == b"", "asked only just now"
    clock.advance(300_000_000)
    assert decode_info(keeper.about("session")) == info_of()
    clock.advance(300_000_000)
    keeper.about("session")
    assert session.reads == 2, "now that it is known, less often"
    clock.advance(2_000_000_000)
    keeper.about("session")
    assert session.reads == 3


def test_a_description_that_cannot_be_read_is_told_in_words(keep):
    with pytest.raises(StreamError, match="Expected the session's description, got"):
        keep(Session(OSError("disk gone"))).about("session")
    broken = info_of(rig=RIG | {"devices": {"daq": {"kind": "none"}}})
    with pytest.raises(StreamError, match="configs to be of this version"):
        keep(Session(broken)).about("session")


def test_the_supervisor_is_asked_only_while_somebody_cares(keep, clock):
    session = Session(info_of())
    keeper = keep(session)
    keeper.poll()
    assert (session.polls, keeper.asked) == (0, False)
    keeper.about("status")
    keeper.poll()
    assert (session.polls, keeper.asked) == (1, True)
    clock.advance(2_100_000_000)
    keeper.poll()
    assert (session.polls, keeper.asked) == (1, False)


def test_the_end_is_told_for_a_moment(keep, clock):
    session = Session(info_of())
    keeper = keep(session)
    keeper.about("status")
    session.verdict, session.gone = "PASS", True
    standing = decode_standing(keeper.about("status"))
    assert (standing.verdict, standing.gone, keeper.told) == ("PASS", True, False)
    clock.advance(1_100_000_000)
    assert keeper.told


@pytest.mark.parametrize("decode", [decode_info, decode_standing])
def test_bytes_that_say_something_else(decode):
    assert decode(b"") is None
    with pytest.raises(StreamError, match="install the same version"):
        decode(b"junk")
