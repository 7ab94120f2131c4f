from types import SimpleNamespace

import numpy as np

from rig.messages import Acknowledgement, Pose, row_dtype, to_row
from rig.recording.latency import latencies


class Rows:
    """Stands for an opened session: streams and their rows."""

    def __init__(self, **rows):
        self._rows = {name.replace("__", "/"): value for name, value in rows.items()}
        self.streams = {
            name: SimpleNamespace(kind=name.split("/")[0]) for name in self._rows
        }

    def rows(self, name):
        return self._rows[name]


def _table(record, *rows):
    table = np.zeros(len(rows), row_dtype(record))
    for k, row in enumerate(rows):
        table[k] = to_row(row)
    return table


def _pose(exposure_ms, dequeued_ms, inferred_ms, published_ms):
    return Pose(
        host_ns=published_ms * 1_000_000,
        frame_seq=0,
        frame_id=0,
        exposure_ns=exposure_ms * 1_000_000,
        arrival_ns=(exposure_ms + 1) * 1_000_000,
        dequeued_ns=dequeued_ms * 1_000_000,
        inferred_ns=inferred_ms * 1_000_000,
    )


def test_each_stage_is_told_apart():
    poses = _table(Pose, _pose(10, 12, 15, 16), _pose(20, 22, 27, 28))
    found = latencies(Rows(poses__left=poses))
    assert found["left: exposure to pose"].p50_ms == 7.0
    assert found["left: exposure to pose"].max_ms == 8.0
    assert found["left: arrival to pose"].p50_ms == 6.0
    assert found["left: the network"].p50_ms == 4.0


def test_only_edges_that_came_count():
    ms = 1_000_000
    common = {"host_ns": 9 * ms, "decision_id": 1, "line": "laser", "age_ns": 8 * ms}
    done = Acknowledgement(
        status="done", sent_ns=5 * ms, edge_device_ns=0, edge_host_ns=6 * ms, **common
    )
    stale = Acknowledgement(
        status="stale", sent_ns=-1, edge_device_ns=-1, edge_host_ns=-1, **common
    )
    rows = _table(Acknowledgement, done, stale)
    found = latencies(Rows(acknowledgements=rows))
    assert found["command sent to edge"].count == 1
    assert found["exposure to edge"].p50_ms == 9.0


def test_nothing_recorded_is_left_out():
    assert latencies(Rows(poses__left=_table(Pose))) == {}
