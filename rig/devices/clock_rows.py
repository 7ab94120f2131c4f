"""What is recorded of a device's clock: the live model, and the exchange behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rig.messages import ClockRecord

if TYPE_CHECKING:
    from sync.online import ClockState

__all__ = ["ASK_HZ", "LATCH_HZ", "MUTE_HZ", "PATIENCE_NS", "Exchange", "clock_row"]

ASK_HZ = 10.0
"""How often a board is asked for its time, and has a row for it."""
LATCH_HZ = 5.0
"""The same of a camera."""
PATIENCE_NS = 500_000_000
"""After so long without an exchange, a row says how the clock stands all the same."""
MUTE_HZ = 1e9 / PATIENCE_NS
"""Rows per second of a device that answers no questions."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question what time it is, and a device's answer."""

    asked_ns: int
    """Host time just before the question left."""
    answered_ns: int
    """Device time in the answer."""
    received_ns: int
    """Host time at which the answer was here."""


def clock_row(
    state: ClockState, host_ns: int, exchange: Exchange | None = None
) -> ClockRecord:
    """Return a clock's state as a row, with the exchange that it is the newer by."""
    asked = {}
    if exchange is not None:
        asked = {
            "asked_ns": exchange.asked_ns,
            "answered_ns": exchange.answered_ns,
            "received_ns": exchange.received_ns,
        }
    return ClockRecord(
        host_ns=host_ns,
        device_ns=state.device_ns,
        offset_ns=state.offset_ns,
        skew_ppb=state.skew_ppb,
        sd_ns=state.sd_ns,
        skew_sd_ppb=state.skew_sd_ppb,
        segment=state.segment,
        **asked,
    )
