import pytest

from rig.config.rig import ActuatorConfig
from rig.devices.actuator import Actuator, Answer, decode_answer, limit_settings
from rig.devices.harp_frames import Stamped
from rig.devices.harp_registers import registers
from rig.messages import Decision

MS = 1_000_000
CONFIG = ActuatorConfig.model_validate(
    {"lines": {"laser": {"pin": 2, "max_width_us": 500, "max_rate_hz": 30}}}
)


@pytest.fixture
def decision():
    def make(**changes):
        fields = {
            "host_ns": 100 * MS,
            "decision_id": 7,
            "rule": "jump",
            "camera": "left",
            "frame_id": 1,
            "pose_seq": 1,
            "outcome": "fired",
            "cause": "",
            "exposure_ns": 90 * MS,
            "age_ns": 10 * MS,
            "max_age_ns": 20 * MS,
            "latency_ns": 0,
            "value": 1.0,
            "threshold": 0.5,
            "likelihood": 1.0,
            "sham_draw": 0.9,
            "armed": 1,
            "line": "laser",
            "pulse_width_us": 400,
            "pulse_count": 3,
            "pulse_period_us": 50_000,
        }
        return Decision(**(fields | changes))

    return make


@pytest.fixture
def sent():
    return []


@pytest.fixture
def send(sent):
    def send(frame):
        sent.append(frame)
        return 105 * MS

    return send


def test_a_decision_becomes_the_command_it_asks_for(decision, sent, send):
    actuator = Actuator(CONFIG, 200 * MS)
    assert actuator.carry_out(decision(), 105 * MS, send) is None
    assert actuator.waiting == 1
    command = registers.Pulse.parse(sent[0][5:-1])
    assert (int(command.decision_id), int(command.line)) == (7, 18)
    assert (int(command.width), int(command.count), int(command.period)) == (
        400,
        3,
        50_000,
    )


def test_a_pose_that_is_too_old_when_it_is_sent_is_not_sent(decision, sent, send):
    actuator = Actuator(CONFIG, 200 * MS)
    just = actuator.carry_out(decision(), 110 * MS, send)
    stale = actuator.carry_out(decision(decision_id=8), 110 * MS + 1, send)
    assert just is None
    assert (stale.status, stale.sent_ns, stale.edge_device_ns) == ("stale", -1, -1)
    assert stale.age_ns == 20 * MS + 1
    assert len(sent) == 1


def test_a_line_without_a_name_is_refused_here_already(decision, sent, send):
    actuator = Actuator(CONFIG, 200 * MS)
    done = actuator.carry_out(decision(line="shutter"), 105 * MS, send)
    assert done.status == "refused_line"
    assert not sent


def test_the_answer_is_recorded_with_edge_and_age(decision, send):
    actuator = Actuator(CONFIG, 200 * MS)
    actuator.carry_out(decision(), 105 * MS, send)
    answer = Answer(7, "done", edge_device_ns=5 * MS, arrival_ns=107 * MS)
    done = actuator.answered(answer, lambda device_ns: device_ns + 101 * MS)
    assert (done.sent_ns, done.host_ns) == (105 * MS, 107 * MS)
    assert (done.edge_device_ns, done.edge_host_ns) == (5 * MS, 106 * MS)
    assert done.age_ns == 15 * MS
    assert actuator.waiting == 0


def test_a_command_without_an_answer_times_out_once(decision, send):
    actuator = Actuator(CONFIG, 200 * MS)
    actuator.carry_out(decision(), 105 * MS, send)
    assert actuator.overdue(305 * MS) == []
    done = actuator.overdue(305 * MS + 1)
    assert [one.status for one in done] == ["timeout"]
    assert done[0].sent_ns == 105 * MS
    assert actuator.overdue(400 * MS) == []


def test_an_answer_that_nobody_waits_for_is_counted(decision, send):
    actuator = Actuator(CONFIG, 200 * MS)
    actuator.carry_out(decision(), 105 * MS, send)
    actuator.overdue(500 * MS)
    answer = Answer(7, "done", edge_device_ns=5, arrival_ns=6)
    assert actuator.answered(answer, lambda _: 0) is None
    assert actuator.late == 1


def test_while_the_board_is_not_there_nothing_is_sent(decision):
    done = Actuator(CONFIG, 200 * MS).cannot_send(decision(), 105 * MS)
    assert (done.status, done.sent_ns) == ("unplugged", -1)


def test_a_refusal_has_no_edge():
    fields = registers.Acknowledge.payload_class(
        decision_id=3, edge_time=(1 << 64) - 1, line=18, status=4, sequence=0
    )
    message = Stamped(66, 0, fields.payload_array.tobytes())
    answer = decode_answer(message, 55)
    assert answer == Answer(3, "refused_duty", edge_device_ns=-1, arrival_ns=55)


def test_an_answer_that_is_not_in_the_map_is_none():
    fields = registers.Acknowledge.payload_class(
        decision_id=3, edge_time=5, line=18, status=99, sequence=0
    )
    assert decode_answer(Stamped(66, 0, fields.payload_array.tobytes()), 55) is None


def test_an_output_without_a_name_may_do_nothing():
    width, period, duty = (value.tolist() for _, value in limit_settings(CONFIG))
    assert width == [0, 0, 500, 0, 0, 0, 0, 0]
    assert period[2] == 33_334  # never faster than 30 Hz
    assert duty[2] == 500
