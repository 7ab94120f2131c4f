"""A board's registers and manners, without streams, threads or time of its own.

The Python double of ``firmware/springhare_daq/board.h``: bytes and board time in,
messages out. What is sampled and which inputs change is told from outside.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

import numpy as np
from harp.device import core
from harp.protocol import MessageType

from rig.devices.harp_frames import Framer, payload_layouts
from rig.devices.harp_registers import (
    FIRMWARE_VERSION,
    MAP_DIGEST,
    NO_DEADLINE_US,
    OUTPUT_LINES,
    SYNC_LINE,
    registers,
)
from rig.sim.twins.harp_outputs import NO_EDGE_US, Outputs, PulseCommand
from rig.sim.twins.harp_permission import Permission
from rig.sim.twins.harp_sync import SyncOutput
from rig.sim.twins.harp_values import DEFAULTS, LAYOUTS, may_write
from sync.sync_line import SyncLine

if TYPE_CHECKING:
    from collections.abc import Callable

    from rig.sim.twins.harp_sync import Foreseen

__all__ = ["BoardCore", "stamped_message"]

_ERROR_FLAG = 0x08
_STAMP_FLAG = 0x10
_TICK_US = 32
_MODE, _MUTE, _LEDS, _HEARTBEAT, _DUMP = 0x03, 0x10, 0x60, 0x80, 0x08
_READ, _WRITE = int(MessageType.Read), int(MessageType.Write)
_EVENT = int(MessageType.Event)
_MOST_WIDTH_US = 10_000_000
_MOST_DUTY = 1000
_U8, _U16, _U32, _U64 = Struct("<B"), Struct("<H"), Struct("<I"), Struct("<Q")
_head = Struct("<BBBBBIH")
_edge = Struct("<II")
_answer = Struct("<QQIII")
_pulse = Struct("<QIIIIQ")
_level = Struct("<QII")
_R = registers
_CODES = payload_layouts()


def stamped_message(
    kind: int, address: int, payload: bytes, stamp_us: int, code: int | None = None
) -> bytes:
    """Return a whole time-stamped message; `code` defaults to the register's type."""
    seconds, rest = divmod(stamp_us, 1_000_000)
    code = (_CODES[address][0] if code is None else code) | _STAMP_FLAG
    size = _head.size + len(payload) - 1
    body = _head.pack(kind, size, address, 255, code, seconds, rest // _TICK_US)
    body += payload
    return body + bytes((sum(body) & 0xFF,))


_LIMITS = {
    _R.MaxWidth.address: ("max_width_us", "<u4", _MOST_WIDTH_US),
    _R.MinPeriod.address: ("min_period_us", "<u4", None),
    _R.MaxDuty.address: ("max_duty", "<u2", _MOST_DUTY),
}
_SYNC = int(_R.StreamFlags.SYNC)
_COMMANDS = {_R.Pulse.address, _R.Level.address}
_ALL_STREAMS = sum(int(flag) for flag in _R.StreamFlags)


class BoardCore:
    """Answers requests and runs the outputs.

    Parameters
    ----------
    transmit
        Takes each message that is sent.
    streams_changed
        Called with the old and the new bits of StreamControl, at board time, before
        the new ones hold.
    reported
        Called with (number, line, level, board time in us) of each reported edge.
    now_us
        Board time of the start.
    synced
        Called with (level, board time in us) of each edge of the sync line, and then
        has to report it by `edge`; by default it is reported at once.
    foreseen
        Called with the sync line's edges a segment ahead, as of `SyncOutput`.
    driven
        Called with (line, level, board time in us) of each edge of an actuator's
        output, before it is reported.
    sense
        Gives the level of an input line, for the key.
    """

    def __init__(
        self,
        transmit: Callable[[bytes], None],
        streams_changed: Callable[[int, int, int], None] = lambda *_: None,
        reported: Callable[[int, int, bool, int], None] = lambda *_: None,
        now_us: int = 0,
        synced: Callable[[bool, int], None] | None = None,
        foreseen: Foreseen | None = None,
        driven: Callable[[int, bool, int], None] = lambda *_: None,
        sense: Callable[[int], bool] = lambda _: False,
    ) -> None:
        self._transmit = transmit
        self._streams_changed = streams_changed
        self._reported = reported
        self._driven = driven
        self._framer = Framer(None)
        self.outputs = Outputs(self._output_edge, self._acknowledge)
        self.permission = Permission(sense)
        self.sync = SyncOutput(synced or self._sync_edge, foreseen)
        self.values = dict(DEFAULTS)
        """Plain registers, by address."""
        self.offset_us = 0
        """Device time minus board time."""
        self.dropped = self.missed_samples = self.missed_triggers = 0
        self._operation = _LEDS
        self._answers = 0
        self._now_us = now_us
        self._plan_heartbeat(now_us)

    @property
    def streams(self) -> int:
        """Bits of StreamControl."""
        return self.values[_R.StreamControl.address]

    @property
    def active(self) -> bool:
        """Whether events are sent."""
        return bool(self._operation & _MODE)

    def feed(self, data: bytes, now_us: int) -> None:
        """Take bytes from the host at board time `now_us`."""
        for frame in self._framer.feed(data):
            self._serve(frame, now_us)

    def poll(self, now_us: int) -> None:
        """Do what is due at board time `now_us`."""
        if not self.permission.holds(now_us):
            self.outputs.end(now_us)  # first: nothing rises any more
        self.outputs.poll(now_us)
        self.poll_sync(now_us)
        if now_us >= self._beat_us:
            self._beat(now_us)

    def due_us(self) -> int:
        """Return when `poll` has something to do next."""
        moving_us = min(self.outputs.due_us(), self.sync.due_us())
        return min(moving_us, self.permission.due_us(), self._beat_us)

    def set_time(self, device_us: int, now_us: int) -> None:
        """Set the device's clock."""
        self.offset_us = device_us - now_us
        self._plan_heartbeat(now_us)

    def device_us(self, board_us: int) -> int:
        """Return the device's time; 0 for what was before the clock was set back."""
        return max(board_us + self.offset_us, 0)

    def edge(self, line: int, level: bool, at_us: int) -> None:
        """Report that a line changed, if the host wants to know."""
        mask = self.values[(_R.RisingMask if level else _R.FallingMask).address]
        if not mask >> line & 1 or not self.streams & _R.StreamFlags.EDGES:
            return
        number = self.values[_R.EdgeSequence.address]
        self.values[_R.EdgeSequence.address] = (number + 1) & 0xFFFFFFFF
        stamp_us = self.device_us(at_us)
        word = line | (level << 8) | (stamp_us % _TICK_US) << 16
        self._reported(number, line, level, at_us)
        self._event(_R.Edge.address, _edge.pack(number, word), stamp_us)

    def _output_edge(self, line: int, level: bool, at_us: int) -> None:
        self._driven(line, level, at_us)
        self.edge(line, level, at_us)

    def _acknowledge(
        self, decision_id: int, line: int, status: int, edge_us: int
    ) -> None:
        none = edge_us == NO_EDGE_US
        stamp_us = self.device_us(self._now_us if none else edge_us)
        time_us = NO_EDGE_US if none else stamp_us
        payload = _answer.pack(decision_id, time_us, line, status, self._answers)
        self._answers += 1
        self._event(_R.Acknowledge.address, payload, stamp_us)

    def _event(self, address: int, payload: bytes, stamp_us: int) -> None:
        if self.active:
            self._transmit(stamped_message(_EVENT, address, payload, stamp_us))

    def _serve(self, frame: bytes, now_us: int) -> None:
        kind, address, code = frame[0], frame[2], frame[4]
        if kind not in {_READ, _WRITE}:
            return
        self._now_us = now_us
        payload = frame[11:-1] if code & _STAMP_FLAG else frame[5:-1]
        writing = kind == _WRITE
        layout = (code & ~_STAMP_FLAG, len(payload))
        fits = _CODES.get(address) == layout
        good = not writing or (fits and self._write(address, payload, now_us))
        value = self._read(address, now_us)
        if writing and good and self._operation & _MUTE:
            return
        if writing and good and address in _COMMANDS:
            value = payload
        flag = 0 if good and value is not None else _ERROR_FLAG
        stamp_us = now_us + self.offset_us
        known = value is not None
        code = None if known else _CODES[core.ResetDevice.address][0]
        body = value if known else b"\0"
        self._transmit(stamped_message(kind | flag, address, body, stamp_us, code))

    # -- reading

    def _read(self, address: int, now_us: int) -> bytes | None:
        device_us = now_us + self.offset_us
        if address in self.values:
            return LAYOUTS[address].pack(self.values[address])
        if address in _LIMITS:
            name, dtype, _ = _LIMITS[address]
            return np.array(self.outputs.limits(name), dtype).tobytes()
        if address in _COMMANDS:
            return bytes(_CODES[address][1])
        if address == _R.Permit.address:
            return _U8.pack(self.permission.flags(now_us))
        seconds, rest = divmod(device_us, 1_000_000)
        bad = self._framer.bad
        counters = (
            self.dropped,
            bad,
            self.missed_samples,
            self.missed_triggers,
            self.outputs.refused,
            0,  # the sync line is never late
        )
        fixed = {
            core.WhoAmI.address: _U16.pack(_R.WHO_AM_I),
            core.HardwareVersionHigh.address: _U8.pack(1),
            core.HardwareVersionLow.address: _U8.pack(0),
            core.AssemblyVersion.address: _U8.pack(0),
            core.CoreVersionHigh.address: _U8.pack(1),
            core.CoreVersionLow.address: _U8.pack(13),
            core.FirmwareVersionHigh.address: _U8.pack(FIRMWARE_VERSION[0]),
            core.FirmwareVersionLow.address: _U8.pack(FIRMWARE_VERSION[1]),
            core.TimestampSeconds.address: _U32.pack(seconds),
            core.TimestampMicroseconds.address: _U16.pack(rest // _TICK_US),
            core.OperationControl.address: _U8.pack(self._operation),
            core.ResetDevice.address: _U8.pack(0),
            core.DeviceName.address: _R.DEVICE_NAME.encode().ljust(25, b"\0"),
            core.SerialNumber.address: _U16.pack(0),
            core.ClockConfiguration.address: _U8.pack(0),
            _R.MapDigest.address: _U32.pack(MAP_DIGEST),
            _R.Microseconds.address: _U64.pack(device_us),
            _R.Counters.address: np.array(counters, "<u4").tobytes(),
        }
        return fixed.get(address)

    # -- writing

    def _write(self, address: int, payload: bytes, now_us: int) -> bool:
        if address == core.OperationControl.address:
            if not payload[0] & _MODE:
                self.rest(now_us)  # its last edges are still told
            self._operation = payload[0] & ~_DUMP
            return True
        if address == core.TimestampSeconds.address:
            self.set_time(_U32.unpack(payload)[0] * 1_000_000, now_us)
            return True
        if address == core.ResetDevice.address:
            self.rest(now_us)
            return True
        if address in _LIMITS:
            return self._write_limits(address, payload)
        if address in _COMMANDS:
            return self._command(address, payload, now_us)
        return self._write_value(address, payload, now_us)

    def _write_value(self, address: int, payload: bytes, now_us: int) -> bool:
        if address == _R.Permit.address:
            return self.permission.write(payload[0], now_us)
        if address not in self.values:
            return False
        value = LAYOUTS[address].unpack(payload)[0]
        if address == _R.StreamControl.address:
            return self._control_streams(value, now_us)
        if not may_write(self.values, address, value):
            return False
        if address == _R.KeyLine.address and not self.permission.write_key_line(value):
            return False
        if address == _R.HostTimeout.address:
            self.permission.timeout_ms = value
        self.values[address] = value
        return True

    def _write_limits(self, address: int, payload: bytes) -> bool:
        name, dtype, most = _LIMITS[address]
        values = np.frombuffer(payload, dtype, count=OUTPUT_LINES).tolist()
        if most is not None and max(values) > most:
            return False
        self.outputs.set_limits(name, values)
        return True

    def _command(self, address: int, payload: bytes, now_us: int) -> bool:
        if not self.active:
            return False
        device_us, check = self.device_us(now_us), self.permission.check
        if address == _R.Pulse.address:
            *command, not_after_us = _pulse.unpack(payload)
            permission = check(now_us, device_us, not_after_us)
            self.outputs.pulse(PulseCommand(*command), now_us, permission)
        else:
            decision_id, line, high = _level.unpack(payload)
            permission = check(now_us, device_us, NO_DEADLINE_US)
            self.outputs.level(decision_id, line, high != 0, now_us, permission)
        return True

    def _control_streams(self, wanted: int, now_us: int) -> bool:
        if wanted & ~_ALL_STREAMS:
            return False
        begun, ended = wanted & ~self.streams, self.streams & ~wanted
        if ended & _SYNC:
            self.sync.stop(now_us)
        self._streams_changed(self.streams, wanted, now_us)
        if begun & _SYNC:
            number = self.values[_R.SyncNumber.address]
            self.sync.start(self._sync_line(), number, now_us)
        self.values[_R.StreamControl.address] = wanted
        return True

    # -- the sync line

    def _sync_line(self) -> SyncLine:
        return SyncLine(
            seed=self.values[_R.SyncSeed.address],
            pulse_width_us=self.values[_R.SyncPulseWidth.address],
            period_us=self.values[_R.SyncPeriod.address],
            bar_us=self.values[_R.BarcodeBar.address] or None,
        )

    def poll_sync(self, now_us: int) -> None:
        """Make the edges of the sync line that are due at board time `now_us`."""
        if self.streams & _SYNC:
            self.sync.poll(now_us)
            self.values[_R.SyncNumber.address] = self.sync.number

    def _sync_edge(self, level: bool, at_us: int) -> None:
        self.edge(SYNC_LINE, level, at_us)

    # -- care

    def rest(self, now_us: int) -> None:
        """Bring all outputs low, stop all streams."""
        self.permission.take_back()
        self.outputs.end(now_us)
        self._control_streams(0, now_us)

    def _plan_heartbeat(self, now_us: int) -> None:
        self._beat_us = now_us + 1_000_000 - (now_us + self.offset_us) % 1_000_000

    def _beat(self, now_us: int) -> None:
        stamp_us = self._beat_us + self.offset_us
        if self._operation & _HEARTBEAT:
            seconds = _U32.pack(stamp_us // 1_000_000)
            self._event(core.TimestampSeconds.address, seconds, stamp_us)
        self._plan_heartbeat(now_us)
