"""A board's plain registers: what they hold at first, and what may be written when."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from rig.devices.harp_frames import payload_layouts
from rig.devices.harp_registers import NO_KEY, registers

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DEFAULTS", "LAYOUTS", "may_write"]

_R = registers
_LEAST_PERIOD_NS = 100_000
_MOST_U32 = 0xFFFFFFFF
_STREAMS = _R.StreamControl.address

DEFAULTS = {
    _R.StreamControl.address: 0,
    _R.HostTimeout.address: 0,
    _R.KeyLine.address: NO_KEY,
    _R.EmgPeriod.address: 500_000,
    _R.ForcePlatePeriod.address: 1_000_000,
    _R.CameraTriggerPeriod.address: 10_000_000,
    _R.CameraTriggerWidth.address: 200,
    _R.CameraTriggerDither.address: 0,
    _R.CameraTriggerNumber.address: 0,
    _R.SyncSeed.address: 0,
    _R.SyncNumber.address: 0,
    _R.SyncPeriod.address: 30_000_000,
    _R.SyncPulseWidth.address: 10_000,
    _R.BarcodeBar.address: 20_000,
    _R.EmgSample.address: 0,
    _R.ForcePlateSample.address: 0,
    _R.EdgeSequence.address: 0,
    _R.RisingMask.address: 0,
    _R.FallingMask.address: 0,
}
"""Values at the start, by address."""

_SCALARS = {1: Struct("<B"), 2: Struct("<H"), 4: Struct("<I"), 8: Struct("<Q")}
LAYOUTS = {
    address: _SCALARS[size]
    for address, (_, size) in payload_layouts().items()
    if address in DEFAULTS
}
"""How a value is packed, by address."""

_TRIGGER, _SYNC = int(_R.StreamFlags.CAMERA_TRIGGER), int(_R.StreamFlags.SYNC)
_LOCKED = {
    _R.EmgPeriod.address: int(_R.StreamFlags.EMG),
    _R.ForcePlatePeriod.address: int(_R.StreamFlags.FORCE_PLATE),
    _R.CameraTriggerPeriod.address: _TRIGGER,
    _R.CameraTriggerDither.address: _TRIGGER,
    _R.CameraTriggerNumber.address: _TRIGGER,
    _R.SyncSeed.address: _TRIGGER | _SYNC,
    _R.SyncNumber.address: _SYNC,
    _R.SyncPeriod.address: _SYNC,
    _R.SyncPulseWidth.address: _SYNC,
    _R.BarcodeBar.address: _SYNC,
    _R.EmgSample.address: int(_R.StreamFlags.EMG),
    _R.ForcePlateSample.address: int(_R.StreamFlags.FORCE_PLATE),
    _R.EdgeSequence.address: int(_R.StreamFlags.EDGES),
}
"""Streams that must not run while a register is written."""
_RANGES = {
    _R.EmgPeriod.address: (_LEAST_PERIOD_NS, _MOST_U32),
    _R.ForcePlatePeriod.address: (_LEAST_PERIOD_NS, _MOST_U32),
    _R.CameraTriggerPeriod.address: (_LEAST_PERIOD_NS, _MOST_U32),
    _R.CameraTriggerWidth.address: (1, _MOST_U32),
    _R.SyncPeriod.address: (20_000_000, 600_000_000),
    _R.SyncPulseWidth.address: (1000, 50_000),
    _R.BarcodeBar.address: (0, 150_000),
}


def may_write(values: Mapping[int, int], address: int, value: int) -> bool:
    """Tell whether a board takes a value for one of its plain registers.

    Parameters
    ----------
    values
        What the registers hold.
    address
        Of the register, StreamControl excepted.
    value
        What is to be written.
    """
    least, most = _RANGES.get(address, (0, _MOST_U32))
    if values[_STREAMS] & _LOCKED.get(address, 0) or not least <= value <= most:
        return False
    after = {**values, address: value}
    period_ns = after[_R.CameraTriggerPeriod.address]
    return after[_R.CameraTriggerDither.address] <= period_ns // 4
