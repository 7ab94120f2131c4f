"""The sync line, made by a Harp board: random pulses, and barcodes between them.

What they look like is told in `sync.sync_line`; here is what the board is asked for.
Each session has a seed of its own, so that no recording fits another session's.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from rig.devices.harp_registers import registers
from sync.sync_line import SyncLine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rig.config.rig import SyncLineConfig

__all__ = ["first_number", "session_seed", "sync_line_of", "sync_settings"]


def session_seed(session: Mapping[str, Any]) -> int:
    """Return what a session's random pulses and displacements begin from.

    Parameters
    ----------
    session
        Its identity, with `session_id`; one without has the seed 0.
    """
    return zlib.crc32(str(session.get("session_id", "")).encode())


def first_number(seed: int) -> int:
    """Return the number of a session's first segment and barcode.

    The upper half tells the session, the lower half counts from 0 (22 days long).
    """
    return (seed & 0xFFFF) << 16


def sync_line_of(config: SyncLineConfig, seed: int) -> SyncLine:
    """Return how a board makes the line that the rig file asks for."""
    barcode = config.barcode
    return SyncLine(
        seed=seed,
        pulse_width_us=round(config.pulse_width_ms * 1000),
        period_us=round(config.period_s * 1_000_000),
        bar_us=None if barcode is None else round(barcode.bar_ms * 1000),
    )


def sync_settings(line: SyncLine) -> list[tuple[Any, Any]]:
    """Return what to write to the board: registers and values."""
    return [
        (registers.SyncPeriod, line.period_us),
        (registers.SyncPulseWidth, line.pulse_width_us),
        (registers.BarcodeBar, line.bar_us or 0),
    ]
