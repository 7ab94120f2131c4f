"""A train: the times that somebody else's file holds, and what is known of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["UNITS", "Measurements", "Options", "Train", "Unit"]

Unit = Literal["s", "ms", "us", "ns"]
UNITS: dict[Unit, int] = {
    "s": 1_000_000_000,
    "ms": 1_000_000,
    "us": 1_000,
    "ns": 1,
}
"""Nanoseconds of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How files are to be read and brought together."""

    columns: tuple[str, ...] = ()
    """Columns, arrays, streams or registers that are wanted, by name or by number
    from 1; none: those that say themselves that they are times."""
    unit: Unit | None = None
    """Of times that do not say theirs."""
    reference: str | None = None
    """Train or file whose clock all others are brought to; None: the first file's."""
    max_drift_ppm: float = 200.0
    """Largest difference of two clocks' rates that is believed."""


@dataclass(frozen=True, slots=True, eq=False)
class Measurements:
    """Moments at which a recorder has asked a stream's clock for its time."""

    own_ns: NDArray[np.int64]
    """(n,) as the stream's clock said, in the order of asking."""
    recorder_ns: NDArray[np.int64]
    """(n,) the same on the recorder's clock."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Train:
    """Times of one thing by one clock."""

    name: str
    """No other one that is read with it is called so."""
    clock: str
    """Clock that stamped them; trains of one clock need not be matched."""
    file: str
    """Name of the file; with its folder where another one is called so."""
    column: str = ""
    """Column, array, stream or register of the file; empty where nothing names it."""
    times_ns: NDArray[np.int64]
    """(n,) in the order of recording."""
    rising: NDArray[np.bool_] | None = None
    """(n,) which way the line went; None: each is a pulse of its own."""
    rate_hz: float | None = None
    """As the file states it; None where it does not, or says that there is none."""
    tick_ns: int = 1
    """What the stamps are counted in."""
    row: NDArray[np.int64] | None = None
    """(n,) row of the file, from 0, where some were left out."""
    measured: Measurements | None = None
    """How its clock goes on the recorder's, where the file knows."""
    recorder: str | None = None
    """The recorder's clock, where there is one."""
    notes: tuple[str, ...] = ()
    """What was found, chosen or repaired, in words."""
    faults: tuple[str, ...] = ()
    """The same of what a person should look at."""
    sha256: str = ""
    """Of the file."""
