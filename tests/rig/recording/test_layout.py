from __future__ import annotations

import pytest

from rig.errors import SessionError
from rig.messages import RECORDS, PayloadSpec, StreamSpec, row_dtype
from rig.recording.layout import PAGE_BYTES, StreamLayout

PIXELS = PayloadSpec("|u1", (4, 6))


def spec(name, kind, payload=None, **fields):
    return StreamSpec(name=name, kind=kind, node="n", payload=payload, **fields)


@pytest.mark.parametrize(
    ("stream", "paths"),
    [
        (spec("cameras/left", "frames", PIXELS), ["frames", "index"]),
        (
            spec("signals/daq/emg", "samples", PayloadSpec("<i2", (20, 8))),
            ["samples", "index"],
        ),
        (
            spec("poses/left", "poses", PayloadSpec("<f4", (10, 3))),
            ["keypoints", "index"],
        ),
        (
            spec("estimates/left", "estimates", PayloadSpec("<f4", (10, 7))),
            ["estimates", "index"],
        ),
        (
            spec("points/space", "points", PayloadSpec("<f4", (10, 6))),
            ["points", "index"],
        ),
        (spec("features", "features"), None),
        (spec("events/daq", "events"), None),
        (spec("decisions", "decisions"), None),
        (spec("acknowledgements", "acknowledgements"), None),
        (spec("clocks/daq", "clocks"), None),
        (spec("losses/left", "losses"), None),
        (spec("node_events", "node_events"), None),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_each_kind_has_its_place(stream, paths):
    layout = StreamLayout.of(stream, 60)
    found = [dataset.session_path for dataset in layout.datasets]
    wanted = [f"/{stream.name}{f'/{path}' if path else ''}" for path in paths or [""]]
    assert found == [*wanted, f"/checksums/{stream.name}"]


def test_samples_lie_one_after_the_other_not_in_blocks():
    layout = StreamLayout.of(
        spec("signals/daq/emg", "samples", PayloadSpec("<i2", (20, 8)), rate_hz=100), 60
    )
    assert layout.payload.entry_shape == (8,)
    assert layout.payload.entries_per_segment == 20 * layout.rows_per_segment
    assert layout.attributes["rate_hz"] == 2000


@pytest.mark.parametrize("record", RECORDS.values(), ids=list(RECORDS))
@pytest.mark.parametrize("rate_hz", [None, 0.1, 1, 33, 100, 1000])
def test_rows_never_cross_a_page(record, rate_hz):
    size = row_dtype(record).itemsize
    assert PAGE_BYTES % size == 0 or size % PAGE_BYTES == 0
    layout = StreamLayout.of(placed(record.kind, rate_hz), 60)
    assert layout.rows_per_segment >= max(16, 60 * (rate_hz or 0))
    assert layout.index.nbytes % PAGE_BYTES == 0


def placed(kind, rate_hz):
    names = {
        "frames": "cameras/a",
        "samples": "signals/a/b",
        "poses": "poses/a",
        "estimates": "estimates/a",
        "points": "points/a",
        "events": "events/a",
        "clocks": "clocks/a",
        "losses": "losses/a",
    }
    large = {"frames", "samples", "poses", "estimates", "points"}
    payload = PIXELS if kind in large else None
    return spec(names.get(kind, kind), kind, payload, rate_hz=rate_hz)


@pytest.mark.parametrize(
    "stream",
    [
        spec("left", "frames", PIXELS),
        spec("cameras/Left", "frames", PIXELS),
        spec("cameras/../left", "frames", PIXELS),
        spec("cameras/left%b", "frames", PIXELS),
        spec("cameras/left", "frames"),
        spec("events/daq", "events", PIXELS),
        spec("decisions2", "decisions"),
    ],
    ids=lambda stream: f"{stream.name} {stream.kind}",
)
def test_refuses_what_has_no_place(stream):
    with pytest.raises(SessionError, match="Expected"):
        StreamLayout.of(stream, 60)
