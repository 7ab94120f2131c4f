"""Kill a compression again and again, at any instant, and go on with it.

Run by `test_kill.py` as a program: one process imports everything and forks one
that compresses for each kill. Half of the kills come at one of its dealings with
the file system, the others at any moment. After each, the session must be readable
and whole; some sessions are killed several times before they are finished.

Usage: killer.py TEMPLATE FOLDER KILLS SEED
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

from offline.archive.compress import Options, compress
from rig.recording.reader import Recording

FILE_EVENTS = {"open", "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.scandir"}
OPTIONS = Options(piece_bytes=20_000)


def content(session):
    """Return a digest of everything that a reader sees of a session."""
    digest = hashlib.sha256()
    with Recording.open(session) as recording:
        digest.update(repr((recording.info, recording.ledger)).encode())
        for name, spec in recording.streams.items():
            digest.update(repr((name, spec, recording.attributes(name))).encode())
            digest.update(recording.rows(name).tobytes())
            digest.update(recording.checksums(name).tobytes())
            if spec.payload is not None:
                digest.update(recording.payload(name).tobytes())
    return digest.hexdigest()


def killed_at_event(number):
    """End this process at its so-many-th dealing with the file system."""
    events = itertools.count()

    def audit(event, args):
        if event in FILE_EVENTS and next(events) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(audit)


def run(session, event):
    """Compress in a process of its own; return its process number."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            if event is not None:
                killed_at_event(event)
            compress(session, OPTIONS)
            status = 0
        finally:
            os._exit(status)
    return pid


def count_events(session):
    """Return how many dealings with the file system a compression has."""
    counts = {"events": 0}

    def audit(event, args):
        counts["events"] += event in FILE_EVENTS

    began = time.monotonic()
    sys.addaudithook(audit)
    compress(session, OPTIONS)
    return counts["events"], time.monotonic() - began


def phase_of(session):
    """Return how far a session came."""
    with Recording.open(session) as recording:
        folded = recording.folded
    if folded:
        left = (".compress", "segments", ".segments")
        return "cleaning" if any((session / n).exists() for n in left) else "done"
    return "packing" if (session / ".compress").exists() else "before"


def main(template, folder, kills, seed):
    generator = random.Random(seed)
    wanted = content(template)
    events, duration_s = count_events(shutil.copytree(template, folder / "whole"))
    results, session, number = [], None, 0
    while len(results) < kills:
        if session is None:
            session = shutil.copytree(template, folder / f"{number}")
            number += 1
        by_event = generator.random() < 0.5
        pid = run(session, generator.randrange(events) if by_event else None)
        if not by_event:
            time.sleep(generator.uniform(0, 1.2 * duration_s))
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        readable = content(session) == wanted
        results.append(
            {
                "killed": os.WIFSIGNALED(status),
                "status": status,
                "readable": readable,
                "phase": phase_of(session),
            }
        )
        if generator.random() < 0.5 or results[-1]["phase"] == "done":
            report = compress(session, OPTIONS)
            results[-1]["finished"] = (
                content(session) == wanted
                and phase_of(session) == "done"
                and not (session / ".compress").exists()
            )
            results[-1]["carried_over"] = report.carried_over_bytes
            shutil.rmtree(session)
            session = None
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
