"""A small session of known content, made by the real writer."""

from __future__ import annotations

from types import SimpleNamespace

import msgspec
import numpy as np
import pytest

from rig.config.examples import examples_folder
from rig.config.loading import load_rig, load_task
from rig.config.rig import LedgerLimits
from rig.messages import (
    EDGE_FALLING,
    EDGE_RISING,
    Decision,
    Loss,
    NodeEvent,
    PayloadSpec,
    StreamSpec,
    row_dtype,
    to_row,
)
from rig.recording.balance import build_ledger
from rig.recording.count import count_recording, with_writers
from rig.recording.finish import finish_session
from rig.recording.notes import note_events
from rig.recording.reader import Recording
from rig.recording.sidecar import Configs, SessionInfo
from rig.recording.writer import SessionWriter

ZERO = 5_000_000_000
HEIGHT, WIDTH, BLOCK = 48, 64, 10
PARTS = ["nose", "toe"]
LOST_ID, LOST = 120, 5
"""Frames that never came."""
SKIPPED = (70, 71)
"""Frames that the network did not look at."""
LOW = (200, 230)
"""Poses that the network was not sure of, by frame number."""


def _spec(name, kind, node="inference", payload=None, rows_hz=None, **attributes):
    return StreamSpec(
        name=name,
        kind=kind,
        node=node,
        payload=payload and PayloadSpec(*payload),
        rate_hz=rows_hz,
        attributes=attributes,
    )


def _specs():
    found = (
        _spec("cameras/left", "frames", "left", ("|u1", (HEIGHT, WIDTH)), 100),
        _spec("cameras/top", "frames", "top", ("|u1", (HEIGHT, WIDTH, 3)), 50),
        _spec("poses/left", "poses", payload=("<f4", (2, 3)), bodyparts=PARTS),
        _spec("estimates/left", "estimates", payload=("<f4", (2, 7)), bodyparts=PARTS),
        _spec("points/space", "points", payload=("<f4", (2, 6)), bodyparts=PARTS),
        _spec(
            "signals/daq/emg",
            "samples",
            "daq",
            ("<i2", (BLOCK, 2)),
            1000 / BLOCK,
            rate_hz=1000.0,
            units=["uV", "uV"],
            channels=["GL", "TA"],
            scale=[0.5, 2.0],
        ),
        _spec("events/daq", "events", "daq", lines=["frame_clock"]),
        _spec("clocks/daq", "clocks", "daq"),
        _spec("features", "features"),
        _spec("decisions", "decisions"),
        _spec("node_events", "node_events", "supervisor"),
        _spec("losses/left", "losses", "left"),
    )
    return {spec.name: spec for spec in found}


class Known:
    """All that is true of the small session; times are s since its start."""

    zero = ZERO
    parts = PARTS
    low = LOW
    lost = (LOST_ID, LOST)
    seconds = 3.0
    fired_s, sham_s, held_s, by_hand_s, note_s = 1.0, 2.0, 2.2, 2.5, 1.234

    @property
    def frame_ids(self):
        """Of the frames of the left camera, in order."""
        ids = np.arange(300)
        return ids[(ids < LOST_ID) | (ids >= LOST_ID + LOST)]

    def exposed_s(self, frame_id):
        return np.asarray(frame_id) / 100 + 0.05

    def keypoints(self, frame_id):
        """The nose walks to the right, the toe stays."""
        likelihood = np.float32(0.2 if LOW[0] <= frame_id < LOW[1] else 0.9)
        nose = (8 + 0.15 * frame_id, 20, likelihood)
        return np.array([nose, (40, 30, likelihood)], np.float32)

    def picture(self, frame_id):
        picture = np.full((HEIGHT, WIDTH), 40, np.uint8)
        picture[:4, :] = frame_id % 200
        return picture

    def emg(self, sample):
        """What was measured, in counts."""
        sample = np.asarray(sample)
        return np.stack([sample % 1000, -(sample % 500)], axis=-1).astype(np.int16)


def _ns(time_s):
    return ZERO + np.rint(1e9 * np.asarray(time_s, np.float64)).astype(np.int64)


def _table(spec, length, **columns):
    rows = np.zeros(length, spec.row)
    rows["seq"] = np.arange(length)
    for name, values in columns.items():
        rows[name] = values
    return rows


def _frames(known, spec):
    ids = known.frame_ids if spec.name.endswith("left") else np.arange(150)
    rate_hz = 100 if spec.name.endswith("left") else 50
    exposed = _ns(ids / rate_hz + 0.05)
    rows = _table(
        spec, len(ids), host_ns=exposed + 3_000_000, frame_id=ids, exposure_ns=exposed
    )
    pictures = np.stack([known.picture(k) for k in ids])
    if rate_hz == 50:
        pictures = np.repeat(pictures[..., None], 3, axis=3)
    return rows, pictures


def _poses(known, spec):
    ids = known.frame_ids
    frame_seq = np.arange(len(ids))
    seen = ~np.isin(ids, SKIPPED)
    exposed = _ns(known.exposed_s(ids[seen]))
    rows = _table(
        spec,
        int(seen.sum()),
        host_ns=exposed + 8_000_000,
        frame_seq=frame_seq[seen],
        frame_id=ids[seen],
        exposure_ns=exposed,
        arrival_ns=exposed + 3_000_000,
        dequeued_ns=exposed + 4_000_000,
        inferred_ns=exposed + 7_000_000,
    )
    return rows, np.stack([known.keypoints(k) for k in ids[seen]])


def _estimates(known, spec):
    poses, keypoints = _poses(known, _specs()["poses/left"])
    rows = _table(
        spec,
        len(poses),
        host_ns=poses["host_ns"],
        pose_seq=poses["seq"],
        exposure_ns=poses["exposure_ns"],
        at_ns=poses["host_ns"],
    )
    payload = np.zeros((len(poses), 2, 7), np.float32)
    payload[..., :3] = keypoints
    payload[:, 1, 3] = 2
    payload[..., 4:6] = keypoints[..., :2] + 5
    payload[..., 6] = 1.5
    return rows, payload


def _points(known, spec):
    exposed = _ns(np.arange(10) / 10 + 0.5)
    rows = _table(
        spec, 10, host_ns=exposed, exposure_ns=exposed, oldest_ns=exposed, views=2
    )
    payload = np.zeros((10, 2, 6), np.float32)
    payload[:, :, 0] = np.arange(10)[:, None]
    payload[:, :, 3] = 0.25
    return rows, payload


def _blocks(known, spec):
    """Three seconds of samples on a clock that is 1 s behind, then 2 s."""
    count = 300
    began = _ns(np.arange(count) / 100)
    offset = np.where(np.arange(count) < 150, 1_000_000_000, 2_000_000_000)
    rows = _table(
        spec,
        count,
        host_ns=began + 12_000_000,
        first_sample=BLOCK * np.arange(count),
        count=BLOCK,
        device_ns=began - offset,
        device_sample=BLOCK * np.arange(count),
    )
    return rows, known.emg(np.arange(BLOCK * count)).reshape(count, BLOCK, 2)


def _clocks(known, spec):
    said = _ns([-0.5, 1.505])
    return _table(
        spec,
        2,
        host_ns=said,
        device_ns=0,
        offset_ns=[1_000_000_000, 2_000_000_000],
        sd_ns=5000,
        skew_ppb=0,
    ), None


def _edges(known, spec):
    at = np.repeat(_ns(np.arange(30) / 30), 2)
    rows = _table(
        spec,
        60,
        host_ns=at + 2_000_000,
        device_ns=at - 1_000_000_000,
        device_seq=np.arange(60),
        line=b"frame_clock",
        edge=np.tile([EDGE_RISING, EDGE_FALLING], 30),
    )
    return rows, None


def _features(known, spec):
    at = _ns(np.arange(20) / 10)
    return _table(
        spec, 20, host_ns=at + 1000, feature=b"weight", value=np.arange(20), at_ns=at
    ), None


def _records(spec, record, records):
    rows = np.zeros(len(records), row_dtype(record))
    for k, each in enumerate(records):
        rows[k] = to_row(each)
    rows["seq"] = np.arange(len(records))
    return rows, None


def _decisions(known, spec):
    def decide(number, at_s, rule, outcome):
        return Decision(
            host_ns=int(_ns(at_s)),
            decision_id=number,
            rule=rule,
            camera="left",
            frame_id=5,
            pose_seq=5,
            outcome=outcome,
            cause="because",
            exposure_ns=int(_ns(at_s)) - 8_000_000,
            age_ns=8_000_000,
            max_age_ns=60_000_000,
            latency_ns=0,
            value=1.0,
            threshold=2.0,
            likelihood=0.9,
            sham_draw=0.5,
            armed=1,
            line="laser",
            pulse_width_us=1000,
            pulse_count=1,
            pulse_period_us=0,
        )

    records = [
        decide(0, known.fired_s, "take_off", "fired"),
        decide(1, known.sham_s, "take_off", "sham"),
        decide(2, known.held_s, "take_off", "suppressed_age"),
        decide(3, known.by_hand_s, "by_hand", "fired"),
    ]
    return _records(spec, Decision, records)


def _events(known, spec):
    def happen(at_s, node, state, detail=""):
        return NodeEvent(host_ns=int(_ns(at_s)), node=node, state=state, detail=detail)

    records = [
        happen(0.01, "left", "running"),
        happen(2.9, "inference", "over_budget", "total p99 is 80 ms, budget 60 ms"),
        # sent after that, and it stands at when it was begun
        *note_events("wet " * 60, "3", int(_ns(known.note_s))),
    ]
    return _records(spec, NodeEvent, records)


def _losses(known, spec):
    loss = Loss(
        host_ns=int(_ns(known.exposed_s(LOST_ID + LOST))) + 4_000_000,
        stream="cameras/left",
        stage="transport",
        first_id=LOST_ID,
        count=LOST,
        cause="the cable",
    )
    return _records(spec, Loss, [loss])


_CONTENTS = {
    "losses": _losses,
    "frames": _frames,
    "poses": _poses,
    "estimates": _estimates,
    "points": _points,
    "samples": _blocks,
    "clocks": _clocks,
    "events": _edges,
    "features": _features,
    "decisions": _decisions,
    "node_events": _events,
}


def _write(folder, known, *, closed=True, until=None, configs=None):
    info = SessionInfo(
        session_id=folder.name,
        subject="m1",
        task="jump",
        started_utc="2026-01-02T10:00:00+00:00",
        started_host_ns=ZERO,
        configs=configs or Configs(),
    )
    specs = _specs()
    writer = SessionWriter.create(folder, info, specs.values(), 1.0)
    append(writer, known, 0, until)
    writer.close()
    if closed:
        close(folder)
    return folder


def append(writer, known, first, until=None):
    """Append the rows whose number is from `first` to before `until`."""
    for spec in _specs().values():
        if spec.kind not in _CONTENTS:
            continue
        rows, payload = _CONTENTS[spec.kind](known, spec)
        part = slice(first, until)
        if len(rows[part]):
            there = None if payload is None else payload[part]
            writer.append_block(spec.name, rows[part], there)


def close(folder):
    """Close a session, with its ledger."""
    with Recording.open(folder) as recording:
        count = with_writers(
            count_recording(recording), {}, {"cameras/left": {"missing_ids": LOST}}
        )
        ledger = build_ledger(count, LedgerLimits())
    finish_session(folder, ledger)


def _configs():
    """The rig and task of the example that has shams."""
    place = examples_folder()
    rig = load_rig(place / "rig" / "demo.yaml").model_dump(mode="json")
    task = load_task(place / "task" / "demo.yaml").model_dump(mode="json")
    return Configs(rig=rig, task=task)


@pytest.fixture(scope="session")
def known():
    """What is true of the small session."""
    return Known()


@pytest.fixture(scope="session")
def small_session(tmp_path_factory, known):
    """A small closed session; nobody writes into it."""
    return _write(tmp_path_factory.mktemp("sessions") / "small", known)


@pytest.fixture
def sessions(tmp_path, known):
    """Make sessions of your own, go on with them, and close them."""

    def make(name="own", **how):
        return _write(tmp_path / name, known, **how)

    def go_on(folder, first):
        with SessionWriter.reopen(folder) as writer:
            append(writer, known, first)

    def claim(folder, **changes):
        path = folder / "session.json"
        found = msgspec.json.decode(path.read_bytes())
        path.write_bytes(msgspec.json.encode(found | changes))

    return SimpleNamespace(
        make=make, go_on=go_on, close=close, claim=claim, configs=_configs
    )
