import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig import messages
from rig.errors import VersionError
from rig.messages import (
    CONTRACT_VERSION,
    RECORDS,
    ClockRecord,
    Decision,
    Event,
    Heartbeat,
    Hello,
    Message,
    NodeEvent,
    PayloadSpec,
    Pose,
    Reply,
    Request,
    StreamSpec,
    StreamStatus,
    from_row,
    row_dtype,
    to_row,
)

_INTEGERS = {"<i8": 63, "<i4": 31, "<i2": 15, "|i1": 7}


def _value(dtype):
    if dtype.kind == "S":
        printable = st.characters(min_codepoint=32, max_codepoint=126)
        return st.text(printable, max_size=dtype.itemsize)
    if dtype.kind == "f":
        return st.floats(allow_nan=False)
    bits = _INTEGERS[dtype.str]
    return st.integers(-(2**bits), 2**bits - 1)


@pytest.mark.parametrize("kind", RECORDS)
@given(data=st.data())
def test_a_row_gives_the_record_back(kind, data):
    record = RECORDS[kind]
    dtype = row_dtype(record)
    values = {name: data.draw(_value(dtype.fields[name][0])) for name in dtype.names}
    made = record(**values)
    table = np.zeros(1, dtype)
    table[0] = to_row(made)
    assert from_row(record, table[0]) == made


@pytest.mark.parametrize("kind", RECORDS)
def test_rows_do_not_lie_across_pages(kind):
    dtype = row_dtype(RECORDS[kind])
    assert dtype.itemsize & (dtype.itemsize - 1) == 0
    assert dtype.itemsize <= 4096
    ends = [offset + field.itemsize for field, offset in dtype.fields.values()]
    assert max(ends) <= dtype.itemsize
    starts = sorted(offset for _, offset in dtype.fields.values())
    assert starts == sorted([0, *sorted(ends)[:-1]]), "packed, in order, no overlap"


@pytest.mark.parametrize("kind", RECORDS)
def test_every_row_begins_with_its_number_and_time(kind):
    dtype = row_dtype(RECORDS[kind])
    assert dtype.names[:2] == ("seq", "host_ns")
    assert [dtype.fields[name][0].str for name in dtype.names[:2]] == ["<i8", "<i8"]


def stored(record):
    """A record's row, as it is kept."""
    table = np.zeros(1, row_dtype(type(record)))
    table[0] = to_row(record)
    return table[0]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("x" * 40, "x" * 24),
        ("é" + "x" * 40, "é" + "x" * 22),
        ("x" + "é" * 40, "x" + "é" * 11),
        ("日本" * 20, "日本" * 4),
        ("xx" + "日" * 20, "xx" + "日" * 7),
        ("5 µm, 🐁", "5 µm, 🐁"),
        ("a\udcffb", "a?b"),
    ],
)
def test_text_that_does_not_fit_is_cut_after_a_whole_character(text, kept):
    event = Event(host_ns=1, device_ns=1, device_seq=0, line=text, edge=1)
    assert from_row(Event, stored(event)).line == kept


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=200))
def test_text_of_any_language_is_kept_as_far_as_there_is_room(text):
    event = NodeEvent(host_ns=1, node="n", state="s", detail=text)
    kept = from_row(NodeEvent, stored(event)).detail
    assert text.startswith(kept)
    room = 160 - len(kept.encode())
    assert kept == text or len(text[len(kept)].encode()) > room


def test_rows_in_ascii_are_what_they_were():
    event = NodeEvent(host_ns=1, node="left", state="died", detail="signal 9")
    row = stored(event)
    assert row["detail"] == b"signal 9"
    assert from_row(NodeEvent, row) == event


def test_records_are_frozen_and_closed():
    event = Event(host_ns=1, device_ns=1, device_seq=0, line="a", edge=1)
    with pytest.raises(AttributeError):
        event.edge = 2
    with pytest.raises(msgspec.ValidationError, match="unknown field `colour`"):
        msgspec.convert({**msgspec.to_builtins(event), "colour": 1}, Event)


def test_every_kind_has_one_record():
    kinds = set(messages.StreamKind.__args__)
    assert kinds == set(RECORDS)
    assert all(record.kind == kind for kind, record in RECORDS.items())


@pytest.mark.parametrize(
    "message",
    [
        Hello(node="left", pid=3),
        Heartbeat(
            node="left",
            state="running",
            host_ns=2**62,
            reads={"cameras/left": StreamStatus(taken=1, skipped=2, lost=3)},
            metrics={"latency_p50_ms": 1.5},
        ),
        Request(request_id=2, name="open", arguments={"a": [1, {"b": None}]}),
        Reply(request_id=2, node="left", ok=False, error="no"),
    ],
    ids=lambda message: type(message).__name__,
)
def test_messages_survive_the_wire(message):
    data = msgspec.msgpack.encode(message)
    assert msgspec.msgpack.decode(data, type=Message) == message
    assert msgspec.json.decode(msgspec.json.encode(message), type=Message) == message


def test_another_version_is_refused_with_both():
    newer = CONTRACT_VERSION + 1
    words = rf"'x' .* version {CONTRACT_VERSION}, got {newer}: install"
    with pytest.raises(VersionError, match=words):
        StreamSpec(name="x", kind="frames", node="x", version=newer)
    with pytest.raises(VersionError, match="got 0: install"):
        StreamSpec(name="x", kind="frames", node="x", version=0)
    with pytest.raises(VersionError, match="a request to follow contract version"):
        Request(request_id=1, name="open", version=CONTRACT_VERSION - 1)


class TestRowsOfOlderVersions:
    """What was recorded before can be read: its rows are as they were."""

    FIRST = np.dtype(
        {
            "names": ["seq", "host_ns", "device_ns", "offset_ns", "skew_ppb", "sd_ns"],
            "formats": ["<i8", "<i8", "<i8", "<i8", "<f8", "<i8"],
            "offsets": [0, 8, 16, 24, 32, 40],
            "itemsize": 64,
        }
    )

    def test_a_clocks_row_was_shorter(self):
        spec = StreamSpec(name="clocks/daq", kind="clocks", node="daq", version=1)
        assert spec.row == self.FIRST
        assert row_dtype(ClockRecord).itemsize == 128
        assert row_dtype(ClockRecord).names[:6] == self.FIRST.names

    def test_all_others_are_the_same(self):
        for record in set(RECORDS.values()) - {ClockRecord, Pose}:
            assert row_dtype(record, 1) == row_dtype(record, 2) == row_dtype(record)
        assert row_dtype(ClockRecord, 2) == row_dtype(ClockRecord)

    @pytest.mark.parametrize("version", [1, 2])
    def test_a_poses_row_did_not_say_what_was_looked_at(self, version):
        names = ["seq", "host_ns", "frame_seq", "frame_id", "exposure_ns"]
        names += ["arrival_ns", "dequeued_ns", "inferred_ns"]
        spec = StreamSpec(name="poses/left", kind="poses", node="x", version=version)
        assert spec.row == np.dtype([(name, "<i8") for name in names])
        assert row_dtype(Pose).names[:8] == tuple(names)
        pose = from_row(Pose, np.array([tuple(range(8))], spec.row)[0])
        assert pose.inferred_ns == 7
        box = (pose.box_x0_px, pose.box_y0_px, pose.box_x1_px, pose.box_y1_px)
        assert box == (-1,) * 4

    def test_what_an_old_row_did_not_have_is_said_not_to_be_there(self):
        row = np.array([(3, 4, 5, 6, 7.0, 8)], self.FIRST)[0]
        record = from_row(ClockRecord, row)
        assert record == ClockRecord(
            seq=3, host_ns=4, device_ns=5, offset_ns=6, skew_ppb=7.0, sd_ns=8
        )
        assert (record.asked_ns, record.answered_ns, record.received_ns) == (-1,) * 3
        assert record.skew_sd_ppb == -1


def test_a_description_of_a_stream_survives_json():
    spec = StreamSpec(
        name="signals/daq/emg",
        kind="samples",
        node="daq",
        payload=PayloadSpec("<i2", (10, 8)),
        attributes={"units": "uV", "channels": ["GL", "TA"], "scale": [0.195, 1]},
    )
    again = msgspec.json.decode(msgspec.json.encode(spec), type=StreamSpec)
    assert again == spec
    assert again.payload is not None
    assert again.payload.nbytes == 160


def test_a_decision_says_what_replay_needs():
    needed = {"host_ns", "pose_seq", "frame_id", "latency_ns", "sham_draw", "armed"}
    assert needed <= set(Decision.__struct_fields__)
