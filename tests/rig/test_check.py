"""``springhare check``, as a person and as a program sees it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rig.cli import main
from rig.messages import Loss, PayloadSpec, StreamSpec, to_row
from rig.recording.count import ledger_from_recording
from rig.recording.finish import finish_session
from rig.recording.reader import Recording
from rig.recording.sidecar import SessionInfo
from rig.recording.writer import SessionWriter

CAMERA = StreamSpec(
    name="cameras/left",
    kind="frames",
    node="left",
    payload=PayloadSpec("|u1", (4, 4)),
    rate_hz=100,
)
LOSSES = StreamSpec(name="losses/recorder", kind="losses", node="recorder")


@pytest.fixture
def record(tmp_path):
    """Record 3000 frames, of which the recorder lost some, and close the session."""

    def record(lost=0, listed=None):
        info = SessionInfo(
            session_id="m1_jump",
            subject="m1",
            task="jump",
            started_utc="2026-01-02T10:00:00+00:00",
            started_host_ns=1,
        )
        seqs = np.delete(np.arange(3000), np.arange(100, 100 + lost))
        rows = np.zeros(len(seqs), CAMERA.row)
        rows["seq"], rows["host_ns"], rows["frame_id"] = seqs, seqs + 1, seqs
        with SessionWriter.create(tmp_path / "s", info, [CAMERA, LOSSES]) as writer:
            pixels = np.zeros((len(seqs), 4, 4), np.uint8)
            writer.append_block("cameras/left", rows, pixels)
            if listed := lost if listed is None else listed:
                loss = Loss(
                    seq=0,
                    host_ns=1,
                    stream="cameras/left",
                    stage="recorder",
                    first_id=100,
                    count=listed,
                    cause="the disk was slow",
                )
                writer.append_block(
                    "losses/recorder", np.array([to_row(loss)], LOSSES.row)
                )
        with Recording.open(tmp_path / "s") as recording:
            ledger = ledger_from_recording(recording)
        finish_session(tmp_path / "s", ledger)
        return str(tmp_path / "s")

    return record


@pytest.mark.parametrize(
    ("lost", "verdict", "status"), [(0, "PASS", 0), (2, "WARN", 0), (3, "FAIL", 1)]
)
def test_the_exit_status_follows_the_verdict(record, capsys, lost, verdict, status):
    assert main(["check", record(lost)]) == status
    shown = capsys.readouterr().out
    assert f"\n{verdict}: " in shown
    assert "cameras/left" in shown
    assert ("the disk was slow" in shown) == bool(lost)


def test_says_everything_to_a_program(record, capsys):
    assert main(["check", "--json", record(2)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "WARN"
    assert found["ledger"]["closes"] is True
    stream = found["ledger"]["streams"]["cameras/left"]
    assert (stream["published"], stream["recorded"], stream["lost"]) == (3000, 2998, 2)
    [missing] = stream["missing"]
    assert (missing["stage"], missing["cause"]) == ("recorder", "the disk was slow")
    assert (missing["first_id"], missing["count"]) == (100, 2)
    assert missing["at_s"] == pytest.approx(0, abs=1e-3)
    assert missing["duration_ms"] >= 0
    assert found["streams"]["cameras/left"]["verified"] == 2998


def test_names_what_does_not_add_up(record, capsys):
    assert main(["check", record(3, listed=1)]) == 1
    shown = capsys.readouterr().out
    assert "2 more" in shown or "seq 100 to 102 are missing" in shown
    assert "≠" in shown


def test_what_is_no_session_is_said_in_words(tmp_path, capsys):
    assert main(["check", str(tmp_path / "nothing")]) == 2
    assert "Expected a session at" in capsys.readouterr().err
