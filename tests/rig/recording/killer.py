"""Kill a recorder again and again, at any instant, and read what it left.

Run by `test_kill.py` as a program: one process imports everything, forks a writer
for each kill, ends it with SIGKILL and reads its files with plain h5py. The
writer notes in shared memory what each `append_block` told it was committed.

Usage: killer.py FOLDER KILLS SEED
"""

from __future__ import annotations

import itertools
import json
import mmap
import os
import random
import signal
import sys
import time
from pathlib import Path

import h5py
import numpy as np

from rig.messages import PayloadSpec, StreamSpec
from rig.recording.count import ledger_from_recording
from rig.recording.finish import finish_session
from rig.recording.reader import Recording
from rig.recording.sidecar import SessionInfo
from rig.recording.writer import SessionWriter

SHAPE, SAMPLES, CHANNELS = (40, 64), 20, 4
SPECS = (
    StreamSpec(
        name="cameras/left",
        kind="frames",
        node="left",
        payload=PayloadSpec("|u1", SHAPE),
        rate_hz=100,
    ),
    StreamSpec(
        name="signals/daq/emg",
        kind="samples",
        node="daq",
        payload=PayloadSpec("<i2", (SAMPLES, CHANNELS)),
        rate_hz=100,
    ),
    StreamSpec(name="events/daq", kind="events", node="daq", rate_hz=100),
)
INFO = SessionInfo(
    session_id="s", subject="m", task="t", started_utc="now", started_host_ns=1
)


def rows_of(spec, seqs):
    rows = np.zeros(len(seqs), spec.row)
    for name in rows.dtype.names:
        if rows.dtype[name].kind == "i" and name != "edge":
            rows[name] = 3 * seqs + 1
    rows["seq"] = seqs
    if spec.kind == "samples":
        rows["count"] = SAMPLES
    if spec.kind == "events":
        rows["line"] = b"a_line_of_24_characters"
    return rows


def payload_of(spec, seqs):
    if spec.payload is None:
        return None
    payload = np.empty((len(seqs), *spec.payload.shape), spec.payload.dtype)
    payload[...] = (seqs % 199 + 1).reshape(-1, *(1,) * len(spec.payload.shape))
    return payload


def write(folder, told, generator):
    """Record sessions one after the other until killed."""
    for number in itertools.count():
        session = folder / f"{number}"
        with SessionWriter.create(session, INFO, SPECS, 0.6) as writer:
            for _ in range(generator.randrange(1, 60)):
                spec = generator.choice(SPECS)
                first = writer.count(spec.name)
                seqs = np.arange(first, first + generator.randrange(1, 90))
                writer.append_block(
                    spec.name, rows_of(spec, seqs), payload_of(spec, seqs)
                )
                told[number % len(told), SPECS.index(spec)] = seqs[-1] + 1
        with Recording.open(session) as recording:
            ledger = ledger_from_recording(recording)
        finish_session(session, ledger)


def read(session, told):
    """Return what is wrong with a session, and where it was when it was killed."""
    if not (session / "session.h5").exists():
        return (["told but not there"] if told.any() else []), "start"
    faults = []
    # the writer removes its hidden spare segments when it ends
    ending = told.any() and not any((session / "segments").glob(".*.h5"))
    with h5py.File(session / "session.h5") as file:
        for spec, least in zip(SPECS, told.tolist(), strict=True):
            faults += [f"{spec.name}: {fault}" for fault in compare(file, spec, least)]
    with SessionWriter.reopen(session) as writer:
        for spec, least in zip(SPECS, told.tolist(), strict=True):
            if writer.count(spec.name) < least:
                faults.append(f"{spec.name}: reopened with fewer rows")
    return faults, "stop" if ending else "run"


def compare(file, spec, least):
    """Yield how a stream differs from what was written."""
    rows = file[spec.name if spec.payload is None else f"{spec.name}/index"][:]
    marked = rows["host_ns"] != 0
    n = int(marked.sum())
    seqs = np.arange(n)
    wanted = rows_of(spec, seqs)
    if spec.kind == "samples":
        wanted["first_sample"] = SAMPLES * seqs
    done = "json" in file["ledger"].attrs
    if n < least:
        yield f"told {least}, found {n}"
    if not marked[:n].all() or (done and len(rows) != n):
        yield f"a hole before {n}"
    elif (rows[:n] != wanted).any():
        yield "torn rows"
    if spec.payload is not None and n:
        kind = "frames" if spec.kind == "frames" else "samples"
        expected = payload_of(spec, seqs)
        if kind == "samples":
            expected = expected.reshape(-1, CHANNELS)
        if not np.array_equal(file[f"{spec.name}/{kind}"][: len(expected)], expected):
            yield "wrong payload"


def wait(told, generator):
    """Let the writer come to a random point: while it begins, or after some rows."""
    if generator.random() < 0.2:
        time.sleep(generator.uniform(0, 0.02))
        return
    target, deadline = generator.randrange(1, 3000), time.monotonic() + 30
    while told.sum() < target and time.monotonic() < deadline:
        time.sleep(0.0005)
    time.sleep(generator.uniform(0, 0.003))


def main(folder, kills, seed):
    generator = random.Random(seed)
    results = []
    for k in range(kills):
        place = folder / f"kill-{k}"
        place.mkdir()
        shared = mmap.mmap(-1, 8 * 3 * 1000)
        told = np.frombuffer(shared, np.int64).reshape(1000, 3)
        pid = os.fork()
        if pid == 0:
            write(place, told, random.Random(generator.random()))
        wait(told, generator)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        sessions = sorted(place.iterdir(), key=lambda path: int(path.name))
        faults, phases = [], []
        for session in sessions:
            found, phase = read(session, told[int(session.name)])
            faults += [f"{session.name}: {fault}" for fault in found]
            phases.append(phase)
        results.append(
            {
                "faults": faults,
                "sessions": len(sessions),
                "phase": phases[-1] if phases else "start",
                "rows": int(told.sum()),
            }
        )
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
