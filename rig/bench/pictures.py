"""Camera frames that are known again: noise that no disk can shrink, and a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Pictures", "committed_rows", "faults_in_frames", "faults_in_rows"]

_SOURCES = 16
_NUMBER_BYTES = 8
_AT_ONCE = 64
"""Frames that are read at once when numbers are looked up."""
_SAMPLES = 48
"""Frames that are compared pixel by pixel, spread over all."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """What a camera of a benchmark films: a few noisy frames in turn.

    Each has its number in its first bytes, so that none can be taken for another.
    """

    shape: tuple[int, ...]
    """(height, width), px."""
    sources: NDArray[np.uint8]
    """(n, height, width) frames that are shown in turn."""

    @staticmethod
    def of_camera(shape: tuple[int, ...], seed: int) -> Pictures:
        """Return the pictures of one camera, the same for the same seed."""
        rng = np.random.default_rng(seed)
        noise = rng.normal(110, 4, (_SOURCES, *shape))
        return Pictures(shape, noise.astype(np.uint8))

    def draw(self, target: NDArray[np.uint8], number: int) -> None:
        """Copy the frame of a number into memory."""
        np.copyto(target, self.sources[number % len(self.sources)])
        target.reshape(-1)[:_NUMBER_BYTES].view("<i8")[0] = number

    def frame(self, number: int) -> NDArray[np.uint8]:
        """Return the frame of a number."""
        target = np.empty(self.shape, np.uint8)
        self.draw(target, number)
        return target


def faults_in_frames(
    frames: Any, numbers: NDArray[np.int64], pictures: Pictures
) -> list[str]:
    """Look for frames that are not what was filmed.

    Parameters
    ----------
    frames
        (n, height, width): an HDF5 dataset, a mapped file or an array; what comes
        after the last wanted frame does not count.
    numbers
        (m,) the frames that should be there, in order.
    pictures
        What was filmed.

    Returns
    -------
    list of str
        What is wrong, in words; empty if nothing is. All frames' numbers are
        looked at, and the pixels of some.
    """
    if len(frames) < len(numbers):
        return [f"expected {len(numbers)} frames, got {len(frames)}"]
    faults = _out_of_place("frame", _read_numbers(frames, len(numbers)), numbers)
    for k in _sampled(len(numbers)):
        if not np.array_equal(frames[k], pictures.frame(int(numbers[k]))):
            faults.append(f"expected the pixels of frame {numbers[k]}, got others")
    return faults


def faults_in_rows(rows: NDArray[np.void], numbers: NDArray[np.int64]) -> list[str]:
    """Look for rows that are missing, out of order or not committed.

    Parameters
    ----------
    rows
        A camera's index, as it is recorded; a row without host time ends it.
    numbers
        (m,) the `seq` that should be there, in order.

    Returns
    -------
    list of str
        What is wrong, in words; empty if nothing is.
    """
    committed = committed_rows(rows)
    faults: list[str] = []
    if len(committed) != len(numbers):
        faults.append(f"expected {len(numbers)} rows, got {len(committed)}")
    if rows["host_ns"][len(committed) :].any():
        faults.append(f"expected nothing after row {len(committed)}, got more rows")
    n = min(len(committed), len(numbers))
    faults += _out_of_place("seq", committed["seq"][:n], numbers[:n])
    if (np.diff(committed["host_ns"]) < 0).any():
        faults.append("expected host times in order, got some that go back")
    return faults


def committed_rows(rows: NDArray[np.void]) -> NDArray[np.void]:
    """Return the rows before the first that has no host time."""
    marks = rows["host_ns"] != 0
    return rows if marks.all() else rows[: int(np.argmin(marks))]


def _read_numbers(frames: Any, count: int) -> NDArray[np.int64]:
    """Return the numbers that stand in the frames' first bytes."""
    numbers = np.empty(count, np.int64)
    for begin in range(0, count, _AT_ONCE):
        part = slice(begin, min(begin + _AT_ONCE, count))
        heads = np.ascontiguousarray(frames[part, 0, :_NUMBER_BYTES])
        numbers[part] = heads.view("<i8")[:, 0]
    return numbers


def _out_of_place(
    what: str, found: NDArray[np.int64], wanted: NDArray[np.int64]
) -> list[str]:
    wrong = np.flatnonzero(found != wanted)
    if not len(wrong):
        return []
    k = wrong[0]
    return [
        f"expected {what} {wanted[k]}, got {found[k]}; {len(wrong)} are out of place"
    ]


def _sampled(count: int) -> Sequence[int]:
    return np.unique(np.linspace(0, count, _SAMPLES, endpoint=False).astype(int))[
        :count
    ].tolist()
