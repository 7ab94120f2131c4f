"""Losses that no row tells: where they are, found from what is there.

What the recorder loses it lists, in a stream of its own. A power cut takes the end
of that stream as well as of any other, and what was in memory with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rig.recording.count import device_numbers, triggers_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from rig.messages import Loss
    from rig.recording.reader import Recording

__all__ = ["referred_to", "unlisted", "unnoted"]

Span = tuple[int, int]
"""First number and the one after the last."""


def referred_to(recording: Recording, since: Mapping[str, int]) -> dict[str, int]:
    """Return one more than the last `seq` of a stream that other rows refer to.

    A pose proves that its frame was there, wherever that is now.

    Parameters
    ----------
    since
        The first row of each stream that is asked.
    """
    ends: dict[str, int] = {}
    for name, seqs in _references(recording, since):
        if name in recording.streams and len(seqs):
            ends[name] = max(ends.get(name, 0), int(seqs.max()) + 1)
    return ends


def unlisted(
    recording: Recording, name: str, after: int, published: int, losses: Sequence[Loss]
) -> list[tuple[int, int]]:
    """Return which elements are neither recorded nor listed as lost by the recorder.

    Parameters
    ----------
    after
        `seq` from which on they are looked for.
    published
        How many there were.
    losses
        All that the session lists as lost.

    Returns
    -------
    list of tuple
        First `seq` and count of each range.

    Examples
    --------
    >>> list(_without((3, 20), [(0, 4), (8, 9), (15, 30)]))
    [(4, 8), (9, 15)]
    """
    seqs: NDArray[np.int64] = recording.rows(name)["seq"]
    seqs = seqs[seqs >= after]
    bounds = np.concatenate(([after - 1], seqs, [max([published, *seqs[-1:] + 1])]))
    listed = sorted(
        (loss.first_id, loss.first_id + loss.count)
        for loss in losses
        if (loss.stream, loss.stage) == (name, "recorder")
    )
    return [
        (first, stop - first)
        for at in np.flatnonzero(np.diff(bounds) > 1)
        for first, stop in _without((int(bounds[at]) + 1, int(bounds[at + 1])), listed)
    ]


def unnoted(
    recording: Recording, name: str, since: int, losses: Sequence[Loss]
) -> list[tuple[int, int]]:
    """Return which of a device's own numbers lack and are nowhere listed.

    Parameters
    ----------
    since
        The first row that is asked.
    losses
        All that the session lists as lost.

    Returns
    -------
    list of tuple
        First number and count of each range.
    """
    layout = recording.layouts[name]
    rows = recording.rows(name, max(0, since - 1))
    numbered = device_numbers(rows, layout.spec.kind)
    if numbered is None:
        return []
    numbers, counts = numbered
    ends = numbers + counts
    unrecorded = (np.diff(rows["seq"]) - 1) * layout.units_per_row
    holes = numbers[1:] - ends[:-1] - unrecorded
    spans = [(int(ends[k]), int(ends[k] + holes[k])) for k in np.flatnonzero(holes > 0)]
    listed = sorted(
        (loss.first_id, loss.first_id + loss.count)
        for loss in losses
        if loss.stream == name and loss.stage in {"device", "transport"}
    )
    return [
        (first, stop - first)
        for span in spans
        for first, stop in _without(span, listed)
    ]


def _without(span: Span, others: Iterable[Span]) -> Iterator[Span]:
    """Yield what is left of a span without others, which come in order."""
    first, stop = span
    for begin, end in others:
        if begin > first:
            yield first, min(begin, stop)
        first = max(first, end)
        if first >= stop:
            return
    yield first, stop


def _references(
    recording: Recording, since: Mapping[str, int]
) -> Iterator[tuple[str, NDArray[np.int64]]]:
    triggers = triggers_of(recording.info.configs.rig)
    for name, spec in recording.streams.items():
        match spec.kind:
            case "frames" if name in triggers:
                rows = recording.rows(name, since[name])
                yield triggers[name], rows["trigger_seq"]
            case "poses":
                camera = f"cameras/{name.removeprefix('poses/')}"
                yield camera, recording.rows(name, since[name])["frame_seq"]
            case "decisions":
                rows = recording.rows(name, since[name])
                for camera in np.unique(rows["camera"]).tolist():
                    mine = rows["camera"] == camera
                    yield f"poses/{camera.decode()}", rows["pose_seq"][mine]
            case _:
                pass
