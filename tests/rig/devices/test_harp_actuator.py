"""What the host does with a fired decision, apart from the wire."""

from collections import deque
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.config.actuator import ActuatorConfig
from rig.devices.actuator import Actuator, Answer, decode_answer, limit_settings
from rig.devices.dead_man import DeadMan
from rig.devices.deadline import not_after_us
from rig.devices.harp_commands import Commands
from rig.devices.harp_frames import Stamped
from rig.devices.harp_registers import registers
from rig.messages import Decision
from sync.clock import ManualClock
from sync.online import ClockState, OnlineClock

MS = 1_000_000
CONFIG = ActuatorConfig.model_validate(
    {
        "lines": {
            "laser": {"pin": 2, "max_width_us": 500, "max_rate_hz": 30},
            "light": {
                "pin": 3,
                "max_width_us": 50_000,
                "max_rate_hz": 1000,
                "max_duty": 0.1,
            },
        }
    }
)
LATER_US = 123_456


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


class Wire:
    """Sends at a time that the test says, and keeps what it sent."""

    def __init__(self):
        self.now_ns = 105 * MS
        self.sent = []

    def send(self, frame, latest_ns):
        if self.now_ns <= latest_ns:
            self.sent.append(registers.Pulse.parse(frame[5:-1]))
        return self.now_ns


@pytest.fixture
def wire():
    return Wire()


@pytest.fixture
def actuator():
    return Actuator(CONFIG, 200 * MS)


@pytest.fixture
def carry_out(actuator, wire):
    """Carry a decision out at a time; what is decided and what is sent are as one."""

    def carry_out(decision, now_ns=105 * MS):
        wire.now_ns = now_ns
        return actuator.carry_out(decision, now_ns, LATER_US, wire.send)

    return carry_out


def test_a_decision_becomes_the_command_it_asks_for(
    decision, actuator, wire, carry_out
):
    assert carry_out(decision()) is None
    assert actuator.waiting == 1
    [command] = wire.sent
    assert (int(command.decision_id), int(command.line)) == (7, 18)
    assert (int(command.width), int(command.count), int(command.period)) == (
        400,
        3,
        50_000,
    )
    assert int(command.not_after) == LATER_US


class TestAge:
    def test_a_pose_that_is_too_old_is_not_sent(self, decision, wire, carry_out):
        just = carry_out(decision(line="light"), 110 * MS)
        stale = carry_out(decision(decision_id=8), 110 * MS + 1)
        assert just is None
        assert (stale.status, stale.sent_ns, stale.edge_device_ns) == ("stale", -1, -1)
        assert stale.age_ns == 20 * MS + 1
        assert len(wire.sent) == 1

    def test_nor_one_that_grows_too_old_on_its_way_to_the_wire(
        self, decision, actuator, wire
    ):
        wire.now_ns = 110 * MS + 1
        done = actuator.carry_out(decision(), 109 * MS, LATER_US, wire.send)
        assert (done.status, done.age_ns, done.host_ns) == (
            "stale",
            20 * MS + 1,
            110 * MS + 1,
        )
        assert not wire.sent
        assert not actuator.waiting

    @given(
        offset_ns=st.integers(-(10**15), 10**15),
        skew_ppb=st.floats(-5e5, 5e5),
        sd_ns=st.integers(0, 10**7),
        ahead_ns=st.integers(-(10**9), 20 * 10**9),
    )
    def test_a_deadline_is_at_the_latest_when_the_pose_is_too_old(
        self, offset_ns, skew_ppb, sd_ns, ahead_ns
    ):
        device_ns, now_ns = 10**15, 10**15 + offset_ns
        clock = ClockState(
            device_ns=device_ns,
            offset_ns=offset_ns,
            skew_ppb=skew_ppb,
            sd_ns=sd_ns,
            skew_sd_ppb=0.0,
            segment=0,
        )
        latest_ns = now_ns + ahead_ns
        found_ns = not_after_us(clock, latest_ns, now_ns) * 1000
        at_ns, error_ns = clock.to_host(found_ns)
        assert at_ns <= latest_ns + 1000
        assert found_ns - device_ns <= 9_010_000_000
        if ahead_ns < 8 * 10**9:
            assert latest_ns - at_ns <= 3.01 * error_ns + 3000

    def test_a_clock_of_one_message_errs_towards_too_early(self):
        clock = OnlineClock()
        clock.update(5 * MS, 1000 * MS + 5 * MS + 2 * MS)  # 2 ms on its way
        found_us = not_after_us(clock.state, 1050 * MS, 1010 * MS)
        assert found_us <= 50_000


class TestLimits:
    """Between host and board, the first one to know refuses."""

    @pytest.mark.parametrize(
        ("changes", "status"),
        [
            ({"line": "shutter"}, "refused_line"),
            ({"pulse_width_us": 501}, "refused_width"),
            ({"pulse_width_us": 0}, "refused_width"),
            ({"pulse_count": 0}, "refused_width"),
            ({"pulse_period_us": 33_333}, "refused_rate"),
            ({"line": "light", "pulse_period_us": 3_999}, "refused_duty"),
        ],
    )
    def test_what_the_board_would_refuse_is_not_sent(
        self, decision, wire, carry_out, changes, status
    ):
        done = carry_out(decision(**changes))
        assert (done.status, done.sent_ns) == (status, -1)
        assert not wire.sent

    def test_the_limits_themselves_are_allowed(self, decision, carry_out):
        train = {"pulse_width_us": 500, "pulse_period_us": 33_334}
        assert carry_out(decision(**train)) is None
        assert carry_out(decision(line="light", pulse_period_us=4_000)) is None

    def test_of_two_rules_that_fire_one_line_together_the_first_is_carried_out(
        self, decision, wire, carry_out
    ):
        assert carry_out(decision(pulse_count=1)) is None
        second = carry_out(decision(decision_id=8, rule="other", pulse_count=1))
        assert second.status == "refused_rate"
        # and a line of its own is free
        assert carry_out(decision(decision_id=9, line="light")) is None
        assert len(wire.sent) == 2

    def test_a_burst_is_thinned_to_the_rate(self, decision, actuator, carry_out):
        went = [
            carry_out(
                decision(decision_id=k, pulse_count=1, exposure_ns=k * MS), k * MS
            )
            is None
            for k in range(100, 200)
        ]
        assert [k for k, sent in enumerate(went) if sent] == [0, 34, 68]

    def test_a_train_holds_its_line_to_its_end(self, decision, carry_out):
        def again(at_ms):
            late = decision(decision_id=at_ms, exposure_ns=at_ms * MS, pulse_count=1)
            return carry_out(late, at_ms * MS)

        assert carry_out(decision()) is None  # rises at 105, 155, 205 ms
        assert again(238).status == "refused_rate"
        assert again(239) is None

    def test_the_duty_counts_from_the_last_pulse(self, decision, carry_out):
        light = {"line": "light", "pulse_width_us": 2000, "pulse_count": 1}
        assert carry_out(decision(**light)) is None
        after = decision(decision_id=8, **light)
        assert carry_out(after, 105 * MS + 19_999_000).status == "stale"
        fresh = decision(decision_id=9, exposure_ns=124 * MS, **light)
        assert carry_out(fresh, 105 * MS + 19_999_000).status == "refused_duty"
        assert carry_out(fresh, 125 * MS) is None

    @pytest.mark.parametrize("status", ["refused_key", "late", "no_edge"])
    def test_a_line_that_was_not_used_after_all_is_free(
        self, decision, actuator, carry_out, status
    ):
        carry_out(decision())
        actuator.answered(Answer(7, status, -1, 106 * MS), lambda ns: ns)
        assert carry_out(decision(decision_id=8), 106 * MS) is None

    def test_a_train_that_the_board_has_cut_is_over(
        self, decision, actuator, carry_out
    ):
        carry_out(decision())
        actuator.cut(110 * MS)
        assert carry_out(decision(decision_id=8), 110 * MS).status == "refused_rate"
        later = decision(decision_id=9, exposure_ns=144 * MS)
        assert carry_out(later, 144 * MS) is None

    def test_while_nobody_knows_what_came_of_it_it_is_not(
        self, decision, actuator, carry_out
    ):
        carry_out(decision())
        later = decision(decision_id=8, max_age_ns=10**9)
        assert carry_out(later, 200 * MS).status == "refused_rate"


class TestDeadMan:
    def test_it_speaks_at_once_and_then_ten_times_in_its_time(self):
        dead_man = DeadMan(1000 * MS, None, armed=True)
        said = [(k, dead_man.words(k * 10 * MS)) for k in range(100, 131)]
        assert [(k, words) for k, words in said if words] == [
            (100, (1,)),
            (110, (1,)),
            (120, (1,)),
            (130, (1,)),
        ]

    def test_without_a_sign_of_life_there_is_no_permission(self):
        beats = [0]
        dead_man = DeadMan(1000 * MS, lambda: beats[0], armed=True)
        assert dead_man.words(10**10) == (0,)  # a counter that stands tells nothing
        beats[0] += 1
        last_ns = 10**10 + 1
        assert dead_man.words(last_ns) == (1,)
        assert dead_man.words(last_ns + 999 * MS) == (1,)
        assert dead_man.words(last_ns + 1000 * MS + 1) == (0,)
        beats[0] += 1
        assert dead_man.words(last_ns + 1001 * MS) == (1,)

    def test_to_disarm_takes_the_permission_back_at_once(self):
        dead_man = DeadMan(1000 * MS, None, armed=True)
        assert dead_man.words(10**10) == (1,)
        dead_man.armed = False
        assert dead_man.words(10**10 + 1) == (0,)
        assert dead_man.words(10**10 + 2) == ()
        dead_man.armed = True
        assert dead_man.words(10**10 + 3) == (1,)

    def test_who_was_away_himself_takes_it_back_before_he_gives_it(self):
        dead_man = DeadMan(1000 * MS, None, armed=True)
        assert dead_man.words(10**10) == (1,)
        assert dead_man.words(10**10 + 1000 * MS) == (1,)
        assert dead_man.words(10**10 + 2000 * MS + 1) == (0, 1)

    def test_a_board_that_is_back_is_told_anew(self):
        dead_man = DeadMan(1000 * MS, None, armed=True)
        assert dead_man.words(10**10) == (1,)
        dead_man.restart()
        assert dead_man.words(10**10 + 1) == (1,)


def test_the_answer_is_recorded_with_edge_and_age(decision, actuator, carry_out):
    carry_out(decision())
    answer = Answer(7, "done", edge_device_ns=5 * MS, arrival_ns=107 * MS)
    done = actuator.answered(answer, lambda device_ns: device_ns + 101 * MS)
    assert (done.sent_ns, done.host_ns) == (105 * MS, 107 * MS)
    assert (done.edge_device_ns, done.edge_host_ns) == (5 * MS, 106 * MS)
    assert done.age_ns == 15 * MS
    assert actuator.waiting == 0


def test_a_command_without_an_answer_times_out_once(decision, actuator, carry_out):
    carry_out(decision())
    assert actuator.overdue(305 * MS, 305 * MS) == []
    done = actuator.overdue(305 * MS + 1, 305 * MS + 1)
    assert [one.status for one in done] == ["timeout"]
    assert done[0].sent_ns == 105 * MS
    assert actuator.overdue(400 * MS, 400 * MS) == []


def test_no_command_is_overdue_while_its_answer_may_wait_to_be_read(
    decision, actuator, carry_out
):
    carry_out(decision())
    assert actuator.overdue(900 * MS, taken_ns=305 * MS) == []
    assert actuator.waiting == 1
    [done] = actuator.overdue(901 * MS, taken_ns=306 * MS)
    assert done.host_ns == 901 * MS


@pytest.mark.parametrize(("status", "edge_ns"), [("done", 5 * MS), ("late", -1)])
def test_an_answer_after_the_timeout_is_recorded_as_it_is(
    decision, actuator, carry_out, status, edge_ns
):
    carry_out(decision())
    [given_up] = actuator.overdue(500 * MS, 500 * MS)
    answer = Answer(7, status, edge_device_ns=edge_ns, arrival_ns=620 * MS)
    done = actuator.answered(answer, lambda device_ns: device_ns + 101 * MS)
    assert (done.decision_id, done.status, done.host_ns) == (7, status, 620 * MS)
    assert (done.edge_device_ns, done.edge_host_ns) == (
        (5 * MS, 106 * MS) if edge_ns > 0 else (-1, -1)
    )
    assert (done.sent_ns, done.age_ns) == (given_up.sent_ns, given_up.age_ns)
    assert actuator.late == 1
    assert actuator.answered(answer, lambda _: 0) is None, "it is told once"
    assert actuator.late == 2


def test_the_oldest_of_very_many_overdue_commands_are_forgotten(
    decision, actuator, carry_out
):
    for k in range(1025):
        at_ns = (100 + 1000 * k) * MS
        assert carry_out(decision(decision_id=k, exposure_ns=at_ns), at_ns) is None
        assert len(actuator.overdue(at_ns + 500 * MS, at_ns + 500 * MS)) == 1
    answers = [Answer(k, "done", 5, 6) for k in (0, 1, 1024)]
    told = [actuator.answered(answer, lambda ns: ns) for answer in answers]
    assert [one is not None for one in told] == [False, True, True]
    assert actuator.late == 3


class TestTurns:
    """The node's turn: what had come is taken in before anything is overdue."""

    @pytest.fixture
    def clock(self):
        return ManualClock(105 * MS)

    @pytest.fixture
    def board(self):
        return SimpleNamespace(taken_ns=0, permit=lambda word: None)

    @pytest.fixture
    def answers(self):
        return deque()

    @pytest.fixture
    def written(self):
        return []

    @pytest.fixture
    def commands(self, actuator, board, answers, clock, written):
        intake = SimpleNamespace(
            answers=answers,
            output_flags=None,
            clock=SimpleNamespace(to_host=lambda device_ns: (device_ns, 0)),
        )
        return Commands(
            actuator,
            SimpleNamespace(board=board, lose=lambda: None),
            intake,
            clock,
            SimpleNamespace(names=list),
            written.append,
            dead_man_ns=1000 * MS,
            armed=True,
        )

    @staticmethod
    def told(written):
        return [(row.decision_id, row.status, row.host_ns // MS) for row in written]

    def test_after_a_stall_what_had_come_is_read_first(
        self, decision, carry_out, commands, board, answers, clock, written
    ):
        carry_out(decision())
        board.taken_ns = 104 * MS
        clock.advance(900 * MS)
        commands.serve()
        assert written == []
        assert commands.waiting == 1
        answers.append(Answer(7, "done", 106 * MS, 1006 * MS))
        board.taken_ns = 1006 * MS
        clock.advance(2 * MS)
        commands.serve()
        assert self.told(written) == [(7, "done", 1006)]
        assert commands.late == 0

    def test_an_answer_in_the_queue_comes_before_its_timeout(
        self, decision, carry_out, commands, board, answers, clock, written
    ):
        carry_out(decision())
        clock.advance(900 * MS)
        board.taken_ns = 1004 * MS
        answers.append(Answer(7, "done", 106 * MS, 107 * MS))
        commands.serve()
        assert self.told(written) == [(7, "done", 107)]

    def test_without_a_board_nothing_can_come(
        self, decision, carry_out, commands, board, clock, written
    ):
        carry_out(decision())
        clock.advance(900 * MS)
        commands._presence.board = None
        commands.serve()
        assert self.told(written) == [(7, "timeout", 1005)]

    def test_the_stamps_of_what_is_recorded_do_not_run_backwards(
        self, decision, carry_out, commands, board, answers, clock, written
    ):
        carry_out(decision())
        carry_out(decision(decision_id=8, line="light", pulse_width_us=50))
        clock.advance(900 * MS)
        board.taken_ns = 1004 * MS
        commands.serve()
        answers.append(Answer(7, "done", 106 * MS, 1003 * MS))
        answers.append(Answer(8, "done", 106 * MS, 1006 * MS))
        clock.advance(2 * MS)
        commands.serve()
        assert self.told(written) == [
            (7, "timeout", 1005),
            (8, "timeout", 1005),
            (7, "done", 1005),
            (8, "done", 1006),
        ]


def test_what_is_not_sent_says_so(decision, actuator):
    done = actuator.unsent(decision(), 105 * MS, "unplugged")
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
    assert width == [0, 0, 500, 50_000, 0, 0, 0, 0]
    assert period[2] == 33_334  # never faster than 30 Hz
    assert duty[2] == 500
