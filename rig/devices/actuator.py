"""The actuator: fired decisions out, acknowledged edges back. Pure but for the clock.

Each fired decision ends in one acknowledgement: the edge that the board really saw,
the limit that it broke, that the pose had grown too old, or that nothing came back in
time. What comes back after that is a second one, which stands instead of the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rig.devices.harp_registers import NO_KEY, OUTPUT_LINES, registers
from rig.devices.line_limits import LineLimits
from rig.messages import Acknowledgement

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rig.config.actuator import ActuatorConfig
    from rig.devices.harp_frames import Stamped
    from rig.devices.inputs import Line
    from rig.messages import Decision

__all__ = [
    "Actuator",
    "Answer",
    "decode_answer",
    "limit_settings",
    "permission_settings",
]

_ANSWER_DTYPE = registers.Acknowledge.payload_class.payload_dtype
_NO_EDGE_US = (1 << 64) - 1
_REMEMBERED = 1024
"""Commands that were not answered in time, whose answer is still known for theirs."""
_STATUS = {int(status): status.name.lower() for status in registers.CommandStatus}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the board said about a command."""

    decision_id: int
    status: str
    """done, no_edge, late, or refused_ line, width, rate, duty, key, permit."""
    edge_device_ns: int
    """Device time of the first real edge; -1 when there was none."""
    arrival_ns: int


def decode_answer(message: Stamped, arrival_ns: int) -> Answer | None:
    """Decode an Acknowledge message; None if its status is not one of ours."""
    fields = np.frombuffer(message.payload, _ANSWER_DTYPE, count=1)[0]
    status = _STATUS.get(int(fields["status"]))
    if status is None:
        return None
    edge_us = int(fields["edge_time"])
    return Answer(
        decision_id=int(fields["decision_id"]),
        status=status,
        edge_device_ns=-1 if edge_us == _NO_EDGE_US else edge_us * 1000,
        arrival_ns=arrival_ns,
    )


def limit_settings(config: ActuatorConfig) -> list[tuple[Any, Any]]:
    """Return what to write to the board: registers and values.

    An output that the rig file does not name gets no width at all: it is refused.
    """
    width_us = np.zeros(OUTPUT_LINES, "<u4")
    period_us = np.zeros(OUTPUT_LINES, "<u4")
    duty = np.zeros(OUTPUT_LINES, "<u2")
    for line in config.lines.values():
        width_us[line.pin] = line.max_width_us
        period_us[line.pin] = LineLimits.period_us(line)
        duty[line.pin] = int(line.max_duty * 1000)
    return [
        (registers.MaxWidth, width_us),
        (registers.MinPeriod, period_us),
        (registers.MaxDuty, duty),
    ]


def permission_settings(
    config: ActuatorConfig, lines: Mapping[int, Line]
) -> list[tuple[Any, Any]]:
    """Return what to write to the board: for how long a permission holds, and the key.

    Parameters
    ----------
    lines
        The board's lines, by number.
    """
    keys = [number for number, line in lines.items() if line.name == config.arm_line]
    return [
        (registers.HostTimeout, config.dead_man_ms),
        (registers.KeyLine, keys[0] if keys else NO_KEY),
    ]


@dataclass(frozen=True, slots=True)
class _Sent:
    decision: Decision
    sent_ns: int


class Actuator:
    """Carries out decisions and knows which ones are still to be answered.

    Parameters
    ----------
    config
        The lines and their limits.
    timeout_ns
        How long an answer is waited for.
    """

    def __init__(self, config: ActuatorConfig, timeout_ns: int) -> None:
        self._lines = {name: LineLimits(line) for name, line in config.lines.items()}
        self._timeout_ns = timeout_ns
        self._sent: dict[int, _Sent] = {}
        self._overdue: dict[int, _Sent] = {}
        self.late = 0
        """Answers that came after their time, or to nothing that was asked."""

    @property
    def waiting(self) -> int:
        """Commands that were sent and not answered yet."""
        return len(self._sent)

    def carry_out(
        self,
        decision: Decision,
        now_ns: int,
        not_after_us: int,
        send: Callable[[bytes, int], int],
    ) -> Acknowledgement | None:
        """Send a fired decision's command, unless its pose is too old by then.

        Parameters
        ----------
        now_ns
            Host time.
        not_after_us
            Device time, in us, after which the board is not to begin.
        send
            Sends a message unless it is later than a host time, and returns the time
            at which it left; a time after that says that it did not.

        Returns
        -------
        Acknowledgement or None
            What became of it if it was not sent; None if an answer will follow.
        """
        line = self._lines.get(decision.line)
        if line is None:
            return self.unsent(decision, now_ns, "refused_line")
        latest_ns = decision.exposure_ns + decision.max_age_ns
        if now_ns > latest_ns:
            return self.unsent(decision, now_ns, "stale")
        if (refusal := line.refusal(decision, now_ns)) is not None:
            return self.unsent(decision, now_ns, refusal)
        frame = pulse_command(decision, line.number, not_after_us)
        sent_ns = send(frame, latest_ns)
        if sent_ns > latest_ns:
            return self.unsent(decision, sent_ns, "stale")
        line.use(decision, sent_ns)
        self._sent[decision.decision_id] = _Sent(decision, sent_ns)
        return None

    def cut(self, now_ns: int) -> None:
        """Take note that the board holds its outputs low: no train goes on."""
        for line in self._lines.values():
            line.cut(now_ns)

    def answered(
        self, answer: Answer, to_host: Callable[[int], int]
    ) -> Acknowledgement | None:
        """Take the board's answer, also to a command that is overdue.

        Parameters
        ----------
        to_host
            Maps device time to host time, in ns.

        Returns
        -------
        Acknowledgement or None
            What became of the command; None if nobody remembers it.
        """
        sent = self._sent.pop(answer.decision_id, None)
        if sent is None:
            self.late += 1
            sent = self._overdue.pop(answer.decision_id, None)
        if sent is None:
            return None
        edge_ns = answer.edge_device_ns
        if edge_ns < 0:
            self._lines[sent.decision.line].spare(answer.decision_id)
        return Acknowledgement(
            host_ns=answer.arrival_ns,
            decision_id=answer.decision_id,
            sent_ns=sent.sent_ns,
            edge_device_ns=edge_ns,
            edge_host_ns=to_host(edge_ns) if edge_ns >= 0 else -1,
            line=sent.decision.line,
            status=answer.status,
            age_ns=sent.sent_ns - sent.decision.exposure_ns,
        )

    def overdue(self, now_ns: int, taken_ns: int) -> list[Acknowledgement]:
        """Return the acknowledgements of commands that were not answered in time.

        Parameters
        ----------
        now_ns
            Host time.
        taken_ns
            Host time up to which all answers that had arrived were given to
            `answered`: what came later may still be on its way through this computer.
        """
        late = [
            sent
            for sent in self._sent.values()
            if taken_ns - sent.sent_ns > self._timeout_ns
        ]
        for sent in late:
            number = sent.decision.decision_id
            self._overdue[number] = self._sent.pop(number)
        while len(self._overdue) > _REMEMBERED:
            del self._overdue[next(iter(self._overdue))]
        return [
            Acknowledgement(
                host_ns=now_ns,
                decision_id=sent.decision.decision_id,
                sent_ns=sent.sent_ns,
                edge_device_ns=-1,
                edge_host_ns=-1,
                line=sent.decision.line,
                status="timeout",
                age_ns=sent.sent_ns - sent.decision.exposure_ns,
            )
            for sent in late
        ]

    @staticmethod
    def unsent(decision: Decision, now_ns: int, status: str) -> Acknowledgement:
        """Return the acknowledgement of a decision that was not sent, and why."""
        return Acknowledgement(
            host_ns=now_ns,
            decision_id=decision.decision_id,
            sent_ns=-1,
            edge_device_ns=-1,
            edge_host_ns=-1,
            line=decision.line,
            status=status,
            age_ns=now_ns - decision.exposure_ns,
        )


def pulse_command(decision: Decision, line: int, not_after_us: int) -> bytes:
    """Return the message that asks the board for a decision's pulses.

    Parameters
    ----------
    line
        Number of the line on the board.
    not_after_us
        Device time after which the first must not begin.
    """
    command = registers.Pulse.payload_class(
        decision_id=decision.decision_id,
        line=line,
        width=decision.pulse_width_us,
        count=decision.pulse_count,
        period=decision.pulse_period_us,
        not_after=not_after_us,
    )
    return registers.Pulse.format(command)
