"""What a window's controls ask of a running session, and what is on record of it."""

import threading
from contextlib import closing
from itertools import count

import msgspec
import pytest

from offline.replay import play, recorded_session, sameness
from rig.bus.control import ControlClient
from rig.messages import NodeEvent, Reply, Request, from_row
from rig.recording.reader import Recording
from sync.clock import MonotonicClock

pytestmark = pytest.mark.slow

RIG = """\
format: springhare-rig/1
name: asked
data_root: {place}/data
devices:
  left:
    kind: basler
    serial: "24000001"
    width_px: 320
    height_px: 240
    exposure_us: 1000
    trigger: {{mode: hardware, source: daq}}
  daq:
    kind: harp
    port: /dev/ttyACM0
    camera_trigger: {{rate_hz: 40}}
    actuator:
      lines:
        laser: {{pin: 0, max_width_us: 1000, max_rate_hz: 10}}
        led: {{pin: 1, max_width_us: 1000, max_rate_hz: 10}}
simulation: {{story: jump, period_s: 3.3}}
"""
TASK = """\
format: springhare-task/1
name: asked
inference:
  model: "bundled:mouse"
  cameras: [left]
  dynamic_crop: {body_px: 80, margin_px: 24}
rules:
  - name: up
    camera: left
    when:
      {kind: crosses, keypoint: hip, axis: y, direction: falling, threshold_px: 120}
    min_likelihood: 0.3
    max_pose_age_ms: 500
    sham_probability: 0.5
    action: {line: laser, pulse_width_us: 200}
"""
SESSION = "format: springhare-session-plan/1\nsubject: m1\nplanned_minutes: 1\n"
SECONDS = 14
LONG = "die Maus schläft · 日本 · " * 20


class Window:
    """Asks as a window does, one request after the other."""

    def __init__(self, client):
        self._client = client
        self._numbers = count(1)

    def ask(self, name, **arguments):
        number = next(self._numbers)
        self._client.send(Request(request_id=number, name=name, arguments=arguments))
        while True:
            reply = self._client.receive(20_000)
            assert isinstance(reply, Reply), f"no answer to {name}"
            if reply.request_id == number:
                return reply

    def result(self, name, **arguments):
        reply = self.ask(name, **arguments)
        assert reply.ok, reply.error
        return reply.result


@pytest.fixture
def files(tmp_path):
    texts = {"rig": RIG.format(place=tmp_path), "task": TASK, "session": SESSION}
    for name, text in texts.items():
        (tmp_path / f"{name}.yaml").write_text(text, "utf-8")
    return [*(f"--{name}={name}.yaml" for name in texts), "--simulate"]


def test_notes_and_pulses_by_hand_are_on_record(springhare, files, tmp_path, until):
    process = springhare.start("run", *files, f"--seconds={SECONDS}", "--json")
    path = until(lambda: [*springhare.shm.glob("*/control")], "a control socket")[0]
    with closing(ControlClient(path, "window")) as client:
        window = Window(client)
        status = window.result("status")
        while status["phase"] != "recording":
            threading.Event().wait(0.2)
            status = window.result("status")
        _send_junk(path)
        assert {check["name"] for check in status["checks"]} >= {"disk space"}
        assert all(check["ok"] for check in status["checks"])
        begun_ns = MonotonicClock().now()
        pulse = {"line": "led", "pulse_width_us": 500}
        fired = window.result("pulse", **pulse)
        assert fired["outcome"] == "fired"
        window.result("disarm")
        disarmed = window.result("pulse", **pulse)
        assert disarmed["outcome"] == "disarmed"
        window.result("arm")
        wide = window.ask("pulse", line="led", pulse_width_us=1001)
        assert "expected at most 1000 us on led" in wide.error
        assert window.result("note", text="licks", key="3", at_ns=begun_ns) == {
            "host_ns": begun_ns
        }
        window.result("note", text=LONG)
        assert not window.ask("note", text="").ok
    done = springhare.finish(process)
    assert done.returncode == 0, done.stdout + done.stderr
    [folder] = (tmp_path / "data").glob("*/*")
    _check_what_is_told(springhare, folder)
    _check_what_is_recorded(folder, fired, disarmed, begun_ns)


def _send_junk(path):
    """Do what a window of another version does: nothing may come of it."""
    with closing(ControlClient(path, "old-window")) as client:
        older = {"type": "Request", "version": 1, "request_id": 1, "name": "stop"}
        client._socket.send(msgspec.msgpack.encode(older))


def _check_what_is_told(springhare, folder):
    told = springhare.result("check", folder)
    assert told["verdict"] == "PASS", told
    assert [(note["key"], note["text"]) for note in told["notes"]] == [
        ("3", "licks"),
        ("", LONG.strip()),
    ]
    assert told["outcomes"]["by_hand"] == {
        "decided": {"disarmed": 1, "fired": 1},
        "answered": {"done": 1},
    }
    # no figure of the loop counts a pulse that nothing was exposed for
    assert set(told["ledger"]["latency"]) == {"left"}
    words = springhare("check", folder).stdout
    assert "3: licks" in words
    assert "die Maus schläft · 日本" in words
    assert "by hand: 1 disarmed, 1 fired (1 done)" in words


def _check_what_is_recorded(folder, fired, disarmed, begun_ns):
    with Recording.open(folder) as recording:
        events = [from_row(NodeEvent, row) for row in recording.rows("node_events")]
        decisions = recording.rows("decisions")
        answers = recording.rows("acknowledgements")
        poses = recording.rows("poses/left")
        session = recorded_session(recording)
        replay = play(recording, session, session.task)
        same = sameness(recording, session, replay.played)
    notes = [event for event in events if event.node == "experimenter"]
    assert [note.state for note in notes[:3]] == ["note 3", "note", "note+"]
    assert notes[0].host_ns == begun_ns
    # whoever asked, and what became of it: a decision among the rules' own
    rows = {int(row["decision_id"]): row for row in decisions}
    assert sorted(rows) == list(range(len(rows)))
    assert {row["rule"] for row in decisions} == {b"up", b"by_hand"}
    for reply, outcome in ((fired, b"fired"), (disarmed, b"disarmed")):
        row = rows[reply["decision_id"]]
        assert (row["rule"], row["outcome"]) == (b"by_hand", outcome)
        assert row["cause"] == b"asked by window"
    [answer] = answers[answers["decision_id"] == fired["decision_id"]]
    assert (answer["status"], answer["line"]) == (b"done", b"led")
    # replay decides it again where it was, and makes the same poses
    assert replay.own
    assert all(each.whole for each in same), same
    assert (poses["box_x1_px"] > poses["box_x0_px"]).all()
    assert (poses["box_x1_px"] <= 320).all()
    widths = set((poses["box_x1_px"] - poses["box_x0_px"]).tolist())
    assert len(widths) > 1, "the box follows the animal, and is whole now and then"


def test_a_rig_that_is_not_ready_says_each_check(springhare, files, tmp_path):
    text = (tmp_path / "session.yaml").read_text("utf-8")
    long = text.replace("planned_minutes: 1", "planned_minutes: 100000")
    (tmp_path / "session.yaml").write_text(long, "utf-8")
    done = springhare("run", *files, "--dry-run")
    assert (done.returncode, done.stdout) == (2, "")
    assert "disk space" in done.stderr
    done = springhare("run", *files, "--dry-run", "--json")
    assert done.returncode == 2
    assert not done.stderr
    told = springhare.result("run", *files, "--dry-run")
    assert set(told) == {"checks", "error"}
    oks = {check["name"]: check["ok"] for check in told["checks"]}
    assert oks == {
        "output folder": True,
        "disk space": False,
        "shared memory": True,
        "wall clock": True,
    }
    assert told["error"].startswith("disk space: ")


def test_devices_that_are_not_ready_are_told_beside_the_checks(
    springhare, files, tmp_path
):
    devices = [option for option in files if option != "--simulate"]
    told = springhare.result("run", *devices, "--dry-run")
    assert [check["ok"] for check in told["checks"][:4]] == [True] * 4
    assert "daq" in told["error"]
    ready = springhare.result("run", *files, "--dry-run")
    assert set(ready) == {"checks", "streams", "folder"}
