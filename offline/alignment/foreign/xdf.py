"""XDF recordings of the Lab Streaming Layer, as they were recorded.

Stamps are taken raw, and the recorder's questions to each stream's clock beside them.
LSL itself draws a straight line through the answers and moves the stamps onto it; here
they become a clock model, which knows how sure it is.

A recorder whose stream has gone may write its last answer again and again. Such
repeats look like the most exact answers of all, and are none: they are left out.
"""

from __future__ import annotations

import gzip
import io
import logging
import struct
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

import numpy as np

from offline.alignment.foreign.columns import wanted
from offline.alignment.foreign.train import Measurements, Train
from offline.alignment.foreign.units import LONGEST_NS
from rig.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from numpy.typing import NDArray

    from offline.alignment.foreign.train import Options

__all__ = ["read_xdf"]

_MAGIC = b"XDF:"
_NS = 1e9
_LENGTHS = {1: "<B", 4: "<I", 8: "<Q"}
_DAMAGE = (
    struct.error,
    ParseError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    EOFError,
    OSError,
    MemoryError,
    OverflowError,
)
"""What pyxdf raises on files that are not what they should be."""


def read_xdf(path: Path, label: str, sha256: str, options: Options) -> list[Train]:
    """Read the trains of an XDF file: one for each stream that holds anything.

    Raises
    ------
    SessionError
        If it is no XDF file, nothing can be read of it, or pyxdf is missing.
    """
    streams, faults = _loaded(path)
    filled = [one for one in streams if len(one["time_stamps"])]
    if not filled:
        msg = f"Expected streams with samples in {path.name}, got none: choose another"
        raise SessionError(msg)
    names = _names(filled)
    empty = len(streams) - len(filled)
    if empty:
        faults.append(f"{empty} streams of the file hold no sample")
    recorder = f"{label} recorder"
    picked = wanted(names, options) or range(len(filled))
    return [
        _train(filled[k], names[k], recorder, path.name, sha256, faults) for k in picked
    ]


def _loaded(path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    try:
        from pyxdf import load_xdf  # pyright: ignore[reportMissingTypeStubs]
    except ImportError as error:
        msg = (
            f"Expected pyxdf to read {path.name}, got none: "
            'pip install "springhare[offline]"'
        )
        raise SessionError(msg) from error
    with _opened(path) as file:
        source, cut = _whole_part(file, path.name)
        faults = [f"the file ends within a chunk: {cut} bytes left out"] if cut else []
        with _told_by_pyxdf(faults):
            try:
                streams, _ = load_xdf(
                    source, synchronize_clocks=False, dejitter_timestamps=False
                )
            except _DAMAGE as error:
                msg = (
                    f"Expected a whole XDF file, got {path.name}, which pyxdf does not "
                    f"read ({type(error).__name__}: {error}): it is damaged; look for "
                    "a copy"
                )
                raise SessionError(msg) from error
    return streams, faults


@contextmanager
def _opened(path: Path) -> Generator[IO[bytes]]:
    try:
        with path.open("rb") as file:
            if file.read(2) != b"\x1f\x8b":
                file.seek(0)
                yield file
                return
        with gzip.open(path) as packed:
            yield io.BytesIO(packed.read())
    except (EOFError, gzip.BadGzipFile) as error:
        msg = f"Expected a whole packed XDF file, got {path.name}, which is cut off"
        raise SessionError(msg) from error


def _whole_part(file: IO[bytes], name: str) -> tuple[IO[bytes], int]:
    """Return the file without what is left of a chunk that was cut off, and its size.

    pyxdf takes a chunk's length on trust. Where the lengths make no sense the file is
    damaged in its midst; then it is left to pyxdf, which looks for the next boundary.
    """
    if file.read(len(_MAGIC)) != _MAGIC:
        msg = f"Expected an XDF file, got {name}, which does not begin as one"
        raise SessionError(msg)
    end = file.seek(0, io.SEEK_END)
    at = len(_MAGIC)
    while at < end:
        after = _after_chunk(file, at)
        if after is None:
            file.seek(0)
            return file, 0
        if after > end:
            file.seek(0)
            return io.BytesIO(file.read(at)), end - at
        at = after
    file.seek(0)
    return file, 0


def _after_chunk(file: IO[bytes], at: int) -> int | None:
    """Return where the chunk ends that begins at a place; None if none does."""
    file.seek(at)
    head = file.read(9)
    form = _LENGTHS.get(head[0])
    if form is None:
        return None
    size = struct.calcsize(form)
    if len(head) <= size:
        return at + 1 + size + 1
    (length,) = struct.unpack_from(form, head, 1)
    return None if length < 2 else at + 1 + size + length


@contextmanager
def _told_by_pyxdf(faults: list[str]) -> Generator[None]:
    """Collect the warnings that pyxdf logs, instead of showing them."""
    logger = logging.getLogger("pyxdf.pyxdf")

    def keep(record: logging.LogRecord) -> bool:
        if record.levelno >= logging.WARNING:
            faults.append(f"pyxdf: {record.getMessage().strip()}")
        return False

    logger.addFilter(keep)
    try:
        yield
    finally:
        logger.removeFilter(keep)


def _names(streams: list[dict[str, Any]]) -> list[str]:
    """Return a name of each stream: its own, and its number where that is not one's."""
    own = [
        _said(one, "name") or f"stream {one['info']['stream_id']}" for one in streams
    ]
    plain = [name.strip().replace("/", "_") for name in own]
    return [
        name if plain.count(name) == 1 else f"{name} {one['info']['stream_id']}"
        for name, one in zip(plain, streams, strict=True)
    ]


def _said(stream: dict[str, Any], field: str) -> str:
    value = stream["info"].get(field)
    return str(value[0] or "") if value else ""


def _train(
    stream: dict[str, Any],
    name: str,
    recorder: str,
    file: str,
    sha256: str,
    faults: list[str],
) -> Train:
    stamps = np.asarray(stream["time_stamps"], np.float64)
    good = np.isfinite(stamps) & (np.abs(stamps) * _NS < LONGEST_NS)
    notes = [
        f"{_said(stream, 'type') or 'stream'} of {_said(stream, 'channel_format')}"
    ]
    if not good.all():
        notes.append(f"{np.count_nonzero(~good)} samples without a stamp were left out")
    notes.append("stamps as they were recorded")
    measured = _measured(stream, notes)
    try:
        rate_hz = float(_said(stream, "nominal_srate") or 0.0)
    except ValueError:
        rate_hz = 0.0
    return Train(
        name=name,
        clock=name,
        file=file,
        column=name,
        times_ns=np.rint(stamps[good] * _NS).astype(np.int64),
        rate_hz=rate_hz if rate_hz > 0 else None,
        row=None if good.all() else np.flatnonzero(good),
        measured=measured,
        recorder=recorder,
        notes=tuple(notes),
        faults=tuple(faults),
        sha256=sha256,
    )


def _measured(stream: dict[str, Any], notes: list[str]) -> Measurements:
    own_s = np.asarray(stream["clock_times"], np.float64)
    ahead_s = np.asarray(stream["clock_values"], np.float64)
    count = min(len(own_s), len(ahead_s))
    own_s, ahead_s = own_s[:count], ahead_s[:count]
    good = np.isfinite(own_s) & np.isfinite(ahead_s)
    good &= (np.abs(own_s) + np.abs(ahead_s)) * _NS < LONGEST_NS
    if not good.all():
        notes.append(f"{np.count_nonzero(~good)} clock measurements are no numbers")
    own_s, ahead_s = own_s[good], ahead_s[good]
    fresh = _fresh(ahead_s)
    if not fresh.all():
        notes.append(
            f"{np.count_nonzero(~fresh)} of {len(fresh)} clock measurements repeat the "
            "one before to the last digit and were left out: the recorder had no answer"
        )
    elif len(fresh) > 1 and not np.any(np.diff(ahead_s)):
        notes.append("its clock measurements are all one number: not measured, but set")
    own_ns = np.rint(own_s[fresh] * _NS).astype(np.int64)
    return Measurements(own_ns, own_ns + np.rint(ahead_s[fresh] * _NS).astype(np.int64))


def _fresh(ahead_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which measurements are new ones; all, if none ever differs."""
    changed = np.append(True, np.diff(ahead_s) != 0)[: len(ahead_s)]
    if np.count_nonzero(changed) <= 1:
        return np.ones(len(ahead_s), bool)
    return changed
