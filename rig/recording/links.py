"""Rows refer to rows of other streams: what they name must be there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rig.recording.count import triggers_of
from rig.recording.ledger import STOPPED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from rig.recording.ledger import Ledger
    from rig.recording.reader import Recording
    from rig.recording.sidecar import Verdict

__all__ = ["Fault", "link_faults"]

_DISORDER_NS = 100_000_000
"""A device may tell of its lines' edges a little out of order; a step back that is
longer is a clock that began anew."""

Fault = tuple["Verdict", str, str]
"""Severity, stream, and what is wrong."""


def link_faults(recording: Recording, ledger: Ledger) -> Iterator[Fault]:
    """Return what does not fit together.

    Parameters
    ----------
    ledger
        The session's ledger; what it lists as lost may be referred to.
    """
    for name, spec in recording.streams.items():
        match spec.kind:
            case "losses":
                continue
            case "frames":
                yield from _frames(recording, ledger, name)
            case "poses":
                yield from _poses(recording, ledger, name)
            case "decisions":
                yield from _decisions(recording, ledger)
            case "acknowledgements":
                yield from _acknowledgements(recording, ledger)
            case _:
                pass
        yield from _gaps(recording, ledger, name)
        yield from _device_stamps(recording, ledger, name)


def _gaps(recording: Recording, ledger: Ledger, name: str) -> Iterator[Fault]:
    seqs = recording.rows(name)["seq"]
    end = max(ledger.streams[name].published, int(seqs[-1]) + 1 if len(seqs) else 0)
    bounds = np.concatenate(([-1], seqs, [end]))
    for at in np.flatnonzero(np.diff(bounds) > 1):
        first, stop = int(bounds[at]) + 1, int(bounds[at + 1])
        listed = _listed(ledger, name, first, stop)
        if listed != stop - first:
            text = (
                f"seq {first} to {stop - 1} are missing, of {stop - first} only "
                f"{listed} are listed as lost to the recorder"
            )
            yield "FAIL", name, text


def _listed(ledger: Ledger, name: str, first: int, stop: int) -> int:
    return sum(
        max(0, min(stop, item.first_id + item.count) - max(first, item.first_id))
        for item in ledger.streams[name].missing
        if item.stage == "recorder"
    )


def _device_stamps(recording: Recording, ledger: Ledger, name: str) -> Iterator[Fault]:
    rows = recording.rows(name)
    fields = rows.dtype.names or ()
    if "device_ns" in fields and name.split("/")[0] != "clocks":
        known = np.flatnonzero(rows["device_ns"] >= 0)
        back = np.diff(rows["device_ns"][known]) < -_DISORDER_NS
        if back.any():
            at = int(known[int(np.argmax(back)) + 1])
            yield "WARN", name, f"the device's clock began anew at row {at}"
    if recording.streams[name].kind == "frames":
        steps = np.diff(rows["frame_id"])
        if (steps <= 0).any():
            at = int(np.argmax(steps <= 0)) + 1
            again = ledger.streams[name].counters.get("disconnections", 0) > 0
            text = f"frame_id runs backwards at row {at}"
            yield ("WARN" if again else "FAIL"), name, text


def _frames(recording: Recording, ledger: Ledger, name: str) -> Iterator[Fault]:
    events = triggers_of(recording.info.configs.rig).get(name, "")
    asked = recording.rows(name)["trigger_seq"]
    if events in recording.streams:
        yield from _refers(recording, ledger, name, asked[asked >= 0], events)


def _poses(recording: Recording, ledger: Ledger, name: str) -> Iterator[Fault]:
    rows = recording.rows(name)
    if not len(rows):
        return
    if not recording.attributes(name).get("model_sha256"):
        yield "FAIL", name, "poses without the hash of the model that made them"
    camera = f"cameras/{name.removeprefix('poses/')}"
    if camera not in recording.streams:
        yield "FAIL", name, f"poses of {camera}, which was not recorded"
        return
    yield from _refers(recording, ledger, name, rows["frame_seq"], camera)


def _refers(
    recording: Recording,
    ledger: Ledger,
    name: str,
    wanted: NDArray[np.int64],
    stream: str,
) -> Iterator[Fault]:
    """Return the fault of rows that refer to elements of a stream that lack."""
    absent = np.setdiff1d(wanted, recording.rows(stream)["seq"]).tolist()
    unlisted = [k for k in absent if not _listed(ledger, stream, k, k + 1)]
    if unlisted:
        text = f"refers to {stream} {unlisted[0]}, which is not there"
        yield "FAIL", name, text
    elif absent:
        text = f"refers to {len(absent)} of {stream} that the recorder lost"
        yield "WARN", name, text


def _decisions(recording: Recording, ledger: Ledger) -> Iterator[Fault]:
    rows = recording.rows("decisions")
    if len(np.unique(rows["decision_id"])) != len(rows):
        yield "FAIL", "decisions", "two decisions have one decision_id"
    for camera in np.unique(rows["camera"]).tolist():
        poses = f"poses/{camera.decode()}"
        mine = rows[rows["camera"] == camera]["pose_seq"]
        if poses in recording.streams:
            yield from _refers(recording, ledger, "decisions", mine, poses)


def _acknowledgements(recording: Recording, ledger: Ledger) -> Iterator[Fault]:
    if "decisions" not in recording.streams:
        return
    decisions = recording.rows("decisions")
    fired = decisions["decision_id"][decisions["outcome"] == b"fired"]
    answers = recording.rows("acknowledgements")["decision_id"]
    strange = np.setdiff1d(answers, fired)
    if len(strange):
        text = f"answers decision {int(strange[0])}, which was not fired"
        if ledger.ended == STOPPED:
            yield "FAIL", "acknowledgements", text
        else:
            yield "WARN", "acknowledgements", f"{text}, or was lost at the end"
