"""Boards that hear the sync line of another one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from offline.alignment.joints.joint import Joint, joint_of, lone
from sync.matching import match_pulses
from sync.sync_line import SyncLine, SyncLineReading, read_sync_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from offline.alignment.recorded import Recorded
    from rig.config.rig import SyncLineConfig

__all__ = ["line_joints"]

_CODES_AGREE_NS = 2_000_000
"""A code begins as far from where the pulses say at most."""
_NEAREST_NS = 1_000_000
"""Pulses that are paired by codes alone are as near to one another at most."""
_LEAST = 12
"""Pulses, below which codes alone must tell."""


def line_joints(recorded: Recorded, max_drift_ppm: float) -> Iterator[Joint]:
    """Yield a joint for each input that a sync line is wired to."""
    for listener, board in recorded.rig.harp_devices.items():
        lines = board.inputs.lines if board.inputs else {}
        for line, wired in lines.items():
            maker = wired.sync_source
            config = recorded.rig.harp_devices[maker].sync_line if maker else None
            if maker is not None and config is not None:
                yield _joint(recorded, (listener, line), maker, config, max_drift_ppm)


def _joint(
    recorded: Recorded,
    heard: tuple[str, str],
    maker: str,
    config: SyncLineConfig,
    max_drift_ppm: float,
) -> Joint:
    listener, line = heard
    ours, theirs = (
        _read(recorded, listener, line, config),
        _read(recorded, maker, config.line, config),
    )
    trains = (ours.pulses.rise_ns, theirs.pulses.rise_ns)
    for board, name, train in (
        (listener, line, trains[0]),
        (maker, config.line, trains[1]),
    ):
        if not len(train):
            reason = f"no pulse on line {name!r} of {board}: check the cable"
            return Joint(listener, maker, "sync_line", "no_match", reason)
    match = match_pulses(*trains, max_drift_ppm=max_drift_ppm)
    joint = joint_of(
        *(listener, maker, "sync_line", trains, match),
        remarks=(*_remarks(listener, ours), *_remarks(maker, theirs)),
    )
    joint = _by_codes(joint, trains, _common_codes(ours, theirs))
    if joint.verdict != "no_match":
        return joint
    found = _elsewhere(recorded, heard, trains[1], max_drift_ppm)
    return replace(joint, reason=f"{joint.reason}{found}{_other_session(ours, theirs)}")


def _read(
    recorded: Recorded, board: str, line: str, config: SyncLineConfig
) -> SyncLineReading:
    edges = recorded.edges(board, line)
    barcode = config.barcode
    made = SyncLine(
        seed=0,
        pulse_width_us=round(config.pulse_width_ms * 1000),
        period_us=round(config.period_s * 1_000_000),
        bar_us=None if barcode is None else round(barcode.bar_ms * 1000),
    )
    return read_sync_line(edges.time_ns, edges.rising, made)


def _common_codes(
    ours: SyncLineReading, theirs: SyncLineReading
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return when each of two readers saw the codes that both have seen once."""
    mine, others = _once(ours), _once(theirs)
    both = sorted(mine.keys() & others.keys())
    return (
        np.array([mine[value] for value in both], np.int64),
        np.array([others[value] for value in both], np.int64),
    )


def _once(reading: SyncLineReading) -> dict[int, int]:
    """Return when each code began that was seen once."""
    seen = Counter(code.value for code in reading.codes.codes)
    return {
        code.value: code.start_ns
        for code in reading.codes.codes
        if seen[code.value] == 1
    }


def _by_codes(
    joint: Joint,
    trains: tuple[NDArray[np.int64], NDArray[np.int64]],
    codes: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> Joint:
    """Hold the match of the pulses against the codes, or take the codes instead."""
    ours, theirs = codes
    if not len(ours):
        return joint
    if joint.verdict == "unique":
        said = ours + _offset(ours, joint.one_ns, joint.other_ns)
        off = np.abs(said - theirs) > _CODES_AGREE_NS
        if off.sum() * 2 > len(off):
            reason = (
                f"the pulses fit, but {off.sum()} of {len(off)} barcodes say "
                f"otherwise, by {np.median(np.abs(said - theirs)) / 1e6:.0f} ms"
            )
            return Joint(
                joint.one, joint.other, joint.how, "ambiguous", reason,
                candidates=joint.candidates, z=joint.z, ratio=joint.ratio,
            )  # fmt: skip
        agree = f"{len(off) - off.sum()} of {len(off)} barcodes agree."
        return replace(joint, reason=f"{joint.reason} {agree}")
    if len(ours) < 2 and len(trains[0]) >= _LEAST:
        return joint
    said = trains[0] + _offset(trains[0], ours, theirs)
    i, j = _nearest(said, trains[1])
    if not len(i):
        return joint
    return replace(
        joint,
        verdict="unique",
        reason=f"{len(ours)} barcodes say which of the {len(i)} pulses is which.",
        one_ns=trains[0][i],
        other_ns=trains[1][j],
        one_only_ns=lone(trains[0], i),
        other_only_ns=lone(trains[1], j),
    )


def _offset(
    at_ns: NDArray[np.int64], one_ns: NDArray[np.int64], other_ns: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return other minus one at times of the one, between the nearest that are known.

    Where the clocks leap, the nearest is taken as it stands.
    """
    at = np.clip(np.searchsorted(one_ns, at_ns), 1, max(len(one_ns) - 1, 1))
    before, after = at - 1, np.minimum(at, len(one_ns) - 1)
    nearer = np.where(
        np.abs(at_ns - one_ns[before]) <= np.abs(one_ns[after] - at_ns), before, after
    )
    return (other_ns - one_ns)[nearer]


def _nearest(
    ours: NDArray[np.int64], theirs: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs that are each other's nearest, and near."""

    def nearest(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
        at = np.clip(np.searchsorted(other, one), 1, max(len(other) - 1, 1))
        after = np.minimum(at, len(other) - 1)
        closer = np.abs(one - other[at - 1]) <= np.abs(other[after] - one)
        return np.where(closer, at - 1, after)

    to_theirs, to_ours = nearest(ours, theirs), nearest(theirs, ours)
    i = np.arange(len(ours))
    mutual = to_ours[to_theirs] == i
    mutual &= np.abs(theirs[to_theirs] - ours) <= _NEAREST_NS
    return i[mutual], to_theirs[mutual]


def _remarks(board: str, reading: SyncLineReading) -> tuple[str, ...]:
    pulses = reading.pulses
    found = (
        (len(pulses.glitches_ns), "glitches on the sync line, left out"),
        (len(pulses.misfits_ns), "pulses of a wrong width on the sync line, left out"),
        (pulses.duplicates, "edges of the sync line told twice, taken once"),
        (len(reading.codes.refused), "barcodes refused"),
        (len(reading.codes.missing), "barcodes missing"),
        (len(pulses.stuck_ns), "silences of the sync line longer than 3 s"),
    )
    told = [f"{board}: {count} {what}" for count, what in found if count]
    if pulses.inverted:
        told.append(f"{board}: the sync line is turned over, high and low swapped")
    return tuple(told)


def _elsewhere(
    recorded: Recorded,
    heard: tuple[str, str],
    train: NDArray[np.int64],
    max_drift_ppm: float,
) -> str:
    """Say which other input of the board has the sync line, if one has."""
    listener, line = heard
    inputs = recorded.rig.harp_devices[listener].inputs
    for other in inputs.lines if inputs else ():
        edges = recorded.edges(listener, other).going(up=True)
        if other == line or len(edges.time_ns) < _LEAST:
            continue
        match = match_pulses(edges.time_ns, train, max_drift_ppm=max_drift_ppm)
        if match.verdict == "unique":
            return (
                f" The line is on input {other!r} instead of {line!r}: swap the "
                "cables, or mend the rig file."
            )
    return ""


def _other_session(ours: SyncLineReading, theirs: SyncLineReading) -> str:
    salts = [set((one.codes.values >> 16).tolist()) for one in (ours, theirs)]
    if all(salts) and not salts[0] & salts[1]:
        return " Its barcodes are those of another session."
    return ""
