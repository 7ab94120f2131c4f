"""Records: what a stream carries and a session keeps.

One frozen class gives a record's fields, its layout in shared memory and on disk
(`row_dtype`), and its schema.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, ClassVar, Literal, TypeVar, get_type_hints

import msgspec
import numpy as np
from msgspec import Meta

from rig.messages.version import CONTRACT_VERSION

__all__ = [
    "BY_HAND",
    "EDGE_FALLING",
    "EDGE_RISING",
    "RECORDS",
    "Acknowledgement",
    "Block",
    "ClockRecord",
    "Decision",
    "Estimate",
    "Event",
    "FeatureValue",
    "Frame",
    "Loss",
    "NodeEvent",
    "PointsInSpace",
    "Pose",
    "Record",
    "StreamKind",
    "cut_text",
    "from_row",
    "row_dtype",
    "to_row",
]

EDGE_RISING = 1
EDGE_FALLING = -1
BY_HAND = "by_hand"
"""Rule of a decision that a person asked for; no rule may be called so."""

_I64 = Annotated[int, Meta(extra={"dtype": "<i8"})]
_I32 = Annotated[int, Meta(extra={"dtype": "<i4"})]
_I16 = Annotated[int, Meta(extra={"dtype": "<i2"})]
_I8 = Annotated[int, Meta(extra={"dtype": "<i1"})]
_F64 = Annotated[float, Meta(extra={"dtype": "<f8"})]
_SINCE_2, _SINCE_3 = (Meta(extra={"since": version}) for version in (2, 3))
"""Rows of older versions of the contract have no such field."""
_Text24 = Annotated[str, Meta(max_length=24, extra={"dtype": "S24"})]
_Text64 = Annotated[str, Meta(max_length=64, extra={"dtype": "S64"})]
_Text160 = Annotated[str, Meta(max_length=160, extra={"dtype": "S160"})]

StreamKind = Literal[
    "frames",
    "samples",
    "events",
    "poses",
    "estimates",
    "points",
    "features",
    "decisions",
    "acknowledgements",
    "clocks",
    "losses",
    "node_events",
]
"""What a stream carries; it decides where the stream stands in a session file."""


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row of a stream. The writer of the ring gives `seq`.

    `host_ns` is never 0 in a committed row: 0 ends a table.
    """

    kind: ClassVar[StreamKind]

    seq: _I64 = -1
    """Running number in its stream, from 0, without holes at the writer."""
    host_ns: _I64
    """Host time at which the element arrived, or was made."""


class Frame(Record, frozen=True, kw_only=True):
    """A camera frame's row; the pixels are its payload."""

    kind = "frames"

    frame_id: _I64
    """The device's own frame number; a jump is a frame lost before the host."""
    device_ns: _I64
    """The device's own stamp; -1 where the model has none."""
    exposure_ns: _I64
    """Exposure midpoint on the host clock, mapped online."""
    trigger_seq: _I64 = -1
    """`seq` of the trigger event that asked for the frame; -1 when none did."""


class Block(Record, frozen=True, kw_only=True):
    """A block of samples' row; the samples (count, channels) are its payload."""

    kind = "samples"

    first_sample: _I64
    """Row of the block's first sample in the session's `samples` (recorder)."""
    count: _I64
    """Number of samples in the block."""
    device_ns: _I64
    """Device time of the first sample."""
    device_sample: _I64
    """The device's own number of the first sample; a jump is samples lost."""


class Event(Record, frozen=True, kw_only=True):
    """A TTL edge, a trigger, a frame-clock pulse."""

    kind = "events"

    device_ns: _I64
    """Device time of the edge."""
    device_seq: _I64
    """The device's own running number of the event; a jump is events lost."""
    line: _Text24
    """Name of the line, as in the rig file."""
    edge: _I8
    """`EDGE_RISING` or `EDGE_FALLING`."""


class Pose(Record, frozen=True, kw_only=True):
    """A pose's row; keypoints (bodyparts, 3) x px, y px, likelihood are its payload.

    `host_ns` is the time of publication.
    """

    kind = "poses"

    frame_seq: _I64
    """`seq` of the frame in its camera's stream."""
    frame_id: _I64
    exposure_ns: _I64
    arrival_ns: _I64
    """Arrival of the frame at the host."""
    dequeued_ns: _I64
    """The frame was taken from the ring."""
    inferred_ns: _I64
    """The network was done."""
    box_x0_px: Annotated[_I16, _SINCE_3] = -1
    """With the three that follow, the part of the picture that the network looked at:
    first column and row, and the first ones outside. All -1 where nobody has said."""
    box_y0_px: Annotated[_I16, _SINCE_3] = -1
    box_x1_px: Annotated[_I16, _SINCE_3] = -1
    box_y1_px: Annotated[_I16, _SINCE_3] = -1


class Estimate(Record, frozen=True, kw_only=True):
    """What became of a pose before the rules saw it; a row for each pose.

    The payload (bodyparts, 7) is x px, y px, likelihood as a processor gave them back
    (without one as the network did), the mark (0 for a keypoint that can be trusted,
    1 likelihood, 2 jump, 3 length), and where it will be at `at_ns`: x px, y px, sd px
    along each axis (NaN and infinite without prediction, or where it is not there).
    """

    kind = "estimates"

    pose_seq: _I64
    """`seq` of the pose in its stream."""
    exposure_ns: _I64
    at_ns: _I64
    """Host time for which the prediction holds; `host_ns` without one."""


class PointsInSpace(Record, frozen=True, kw_only=True):
    """The keypoints of one moment in space, from several cameras.

    The payload (bodyparts, 6) is x, y, z mm, error px (of the views that were used),
    number of views, lowest likelihood of them; NaN where fewer than two agree.
    """

    kind = "points"

    exposure_ns: _I64
    """Mean of the views' exposure midpoints."""
    oldest_ns: _I64
    """The earliest of them: ages count from there."""
    views: _I32
    """How many cameras' poses were there."""


class FeatureValue(Record, frozen=True, kw_only=True):
    """A feature of a signal, when rules were asked."""

    kind = "features"

    feature: _Text24
    value: _F64
    """In the signal's unit; NaN while there are not enough samples."""
    at_ns: _I64
    """Host time of the last sample in it."""
    device_sample: _I64
    """The device's own number of that sample."""


class Decision(Record, frozen=True, kw_only=True):
    """What a rule decided, and all that it was given.

    `host_ns` is the `now_ns` that the rule saw. A fired decision is the command:
    the actuator's node reads it from the stream and carries it out. A pulse that a
    person asks for is decided, too, by the rule `BY_HAND`, which looks at nothing: its
    `exposure_ns` is `host_ns`.
    """

    kind = "decisions"

    decision_id: _I64
    rule: _Text24
    camera: _Text24
    """Whose pose it was decided on; 3d for points in space, empty for features and by
    hand."""
    frame_id: _I64
    """-1 where it was not decided on a picture."""
    pose_seq: _I64
    """`seq` of the pose, or of the points in space, in its stream; -1 for features and
    by hand."""
    outcome: _Text24
    """fired, sham, suppressed_age, suppressed_likelihood, suppressed_debounce,
    suppressed_refractory, disarmed."""
    cause: _Text160
    """Why, in words and numbers."""
    exposure_ns: _I64
    """Of the oldest thing that it was decided on."""
    age_ns: _I64
    """`host_ns` minus `exposure_ns`."""
    max_age_ns: _I64
    latency_ns: _I64
    """The latency that a predictor was told to bridge; 0 without one."""
    value: _F64
    """What was held against the threshold, in its unit: px or mm, px/s or mm/s, deg,
    ms for a time that it held, steps of a sequence, the unit of a feature's signal, 1
    for yes and 0 for no. NaN where there was nothing to compare."""
    threshold: _F64
    """In the same unit."""
    likelihood: _F64
    """Lowest likelihood of the keypoints that were used; 1 where none was."""
    sham_draw: _F64
    """Uniform draw in [0, 1); below the rule's probability it is a sham. -1 when
    none was drawn, because the decision was suppressed."""
    armed: _I8
    """1 when the loop was armed."""
    line: _Text24
    """Actuator line."""
    pulse_width_us: _I64
    pulse_count: _I64
    pulse_period_us: _I64


class Acknowledgement(Record, frozen=True, kw_only=True):
    """What the actuator did with a command. `host_ns` is its arrival.

    A command that timed out and was answered after all has two rows: the later stands.
    """

    kind = "acknowledgements"

    decision_id: _I64
    sent_ns: _I64
    """The command left the host; -1 when it was not sent."""
    edge_device_ns: _I64
    """Device time of the real edge; -1 when there was none."""
    edge_host_ns: _I64
    """The same on the host clock, mapped online; -1 when there was none."""
    line: _Text24
    status: _Text24
    """done, no_edge (the pin was driven and did not follow), stale (the pose was too
    old when the command was to be sent), late (when it came to the board), disarmed,
    refused_key (the key is off), refused_permit (the host was silent), refused_line,
    refused_width, refused_rate, refused_duty (by host or board: `sent_ns` tells),
    no_clock (the board's time was not known), unplugged (it was away), timeout
    (nothing was heard of it in time: it may have been carried out)."""
    age_ns: _I64
    """`sent_ns` minus exposure midpoint: the age that counts."""


class ClockRecord(Record, frozen=True, kw_only=True):
    """The online clock model of a device: host = device + offset + skew.

    A row for each question about its time that the device has answered, with the
    exchange as it was; where it answers none, a row now and then.
    """

    kind = "clocks"

    device_ns: _I64
    """Device time for which the offset holds."""
    offset_ns: _I64
    """Host time minus device time at `device_ns`."""
    skew_ppb: _F64
    """Rate of change of the offset, in parts per 10⁹."""
    sd_ns: _I64
    """One standard deviation of the offset."""
    skew_sd_ppb: Annotated[_F64, _SINCE_2] = -1.0
    """One standard deviation of the skew; -1 where nobody has said it."""
    asked_ns: Annotated[_I64, _SINCE_2] = -1
    """Host time just before the question left; -1 in a row without an exchange."""
    answered_ns: Annotated[_I64, _SINCE_2] = -1
    """Device time in the answer; -1 without."""
    received_ns: Annotated[_I64, _SINCE_2] = -1
    """Host time at which the answer was here; -1 without."""
    segment: Annotated[_I32, _SINCE_2] = 0
    """How often the device's clock has jumped or begun anew: there is one model for
    each run without a jump."""


class Loss(Record, frozen=True, kw_only=True):
    """Elements that should be there and are not, with the cause."""

    kind = "losses"

    stream: _Text64
    stage: _Text24
    """device, transport, recorder or inference: where they were lost."""
    first_id: _I64
    """Number of the first one that is missing (frame ID, sample, event or seq)."""
    count: _I64
    cause: _Text64


class NodeEvent(Record, frozen=True, kw_only=True):
    """What happened to a node or to the session as a whole, or what somebody noted.

    A note's `host_ns` is when it was begun: it may be before that of the row above.
    """

    kind = "node_events"

    node: _Text24
    state: _Text24
    detail: _Text160


RECORDS: dict[StreamKind, type[Record]] = {
    record.kind: record
    for record in (
        Frame,
        Block,
        Event,
        Pose,
        Estimate,
        PointsInSpace,
        FeatureValue,
        Decision,
        Acknowledgement,
        ClockRecord,
        Loss,
        NodeEvent,
    )
}
"""The record class of each kind of stream."""

_R = TypeVar("_R", bound=Record)


@cache
def row_dtype(
    record: type[Record], version: int = CONTRACT_VERSION
) -> np.dtype[np.void]:
    """Return the layout of a record's row, in shared memory and on disk.

    The size is a power of two, so that no row of an aligned table lies across
    two memory pages: a killed writer leaves a whole row or none.

    Parameters
    ----------
    record
        Its class.
    version
        Of the contract that the row follows.
    """
    found = {
        name: _marks(hint)
        for name, hint in get_type_hints(record, include_extras=True).items()
        if name in record.__struct_fields__
    }
    names = [
        name
        for name in record.__struct_fields__
        if found[name].get("since", 1) <= version
    ]
    formats = [found[name]["dtype"] for name in names]
    packed = np.dtype(list(zip(names, formats, strict=True)))
    offsets = [packed.fields[name][1] for name in names] if packed.fields else []
    size = 1 << (packed.itemsize - 1).bit_length()
    return np.dtype(
        {"names": names, "formats": formats, "offsets": offsets, "itemsize": size}
    )


def _marks(hint: Any) -> dict[str, Any]:
    """Return what an annotated type says of its place in a row."""
    return {
        key: value for meta in hint.__metadata__ for key, value in meta.extra.items()
    }


def to_row(record: Record) -> tuple[Any, ...]:
    """Return the record as a tuple that a structured array takes as a row.

    Text is UTF-8; what is longer than its field is cut after a whole character.
    """
    values = msgspec.structs.astuple(record)
    try:  # nearly always: numpy cuts ASCII itself
        return tuple(
            [
                value.encode("ascii") if isinstance(value, str) else value
                for value in values
            ]
        )
    except UnicodeEncodeError:
        sizes = _sizes(type(record))
        return tuple(
            cut_text(value.encode("utf-8", "replace"), size)
            if isinstance(value, str)
            else value
            for value, size in zip(values, sizes, strict=True)
        )


def cut_text(data: bytes, size: int) -> bytes:
    """Return as many whole characters of UTF-8 as `size` bytes hold."""
    while 0 < size < len(data) and data[size] & 0xC0 == 0x80:
        size -= 1
    return data[:size]


@cache
def _sizes(record: type[Record]) -> tuple[int, ...]:
    """Return how many bytes each field of a record's row has."""
    dtype = row_dtype(record)
    return tuple(dtype[name].itemsize for name in record.__struct_fields__)


def from_row(record: type[_R], row: np.void) -> _R:
    """Return the record that a row of a structured array holds.

    What an older version of the contract did not have is as the record has it.
    """
    values: dict[str, Any] = {
        name: value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        for name, value in zip(row.dtype.names or (), row.tolist(), strict=True)
    }
    return record(**values)
