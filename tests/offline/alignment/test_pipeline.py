"""A sound session: every stream within the errors that are stated."""

import json

import h5py
import numpy as np
import pytest

from offline.alignment.pipeline import align
from offline.alignment.result import Latency
from offline.alignment.store import write_aligned
from rig.errors import SessionError
from rig.recording.reader import Recording


def _coverage(error_ns, sd_ns):
    return float(np.mean(np.abs(error_ns) <= 1.96 * sd_ns))


def test_every_stream_is_within_its_own_band(bench, aligned):
    rig = bench()
    found = aligned(rig)
    assert found.alignment.reference == "daq"
    frames = found.streams["cameras/cam"]
    truth = rig.truth(found, rig.frames["start"] + 1_000_000)
    # the trigger's own 60 us cannot be seen: it is the cable and the camera
    error = frames.time_ns - truth + 60_000
    assert _coverage(error, frames.sd_ns) > 0.92
    assert np.std(error) < 3_000
    times, _, _ = rig.board_events("scope")
    events = found.streams["events/scope"]
    error = events.time_ns - rig.truth(found, times)
    assert _coverage(error, events.sd_ns) > 0.95
    assert np.abs(error).max() < 5_000


def test_the_host_is_known_to_half_a_round_trip(bench, aligned):
    rig = bench()
    found = aligned(rig)
    host = next(one for one in found.alignment.relations if one.source == "host")
    assert host.how == "exchanges"
    clocks = found.streams["clocks/daq"]
    arrived = 5_000_000_000_000 + np.arange(len(clocks.time_ns)) * 10**8
    error = clocks.time_ns - rig.truth(found, arrived)
    # rows lie a round trip after the question
    assert _coverage(error - np.median(error), clocks.sd_ns) > 0.8
    assert host.constant_sd_ns == pytest.approx(160_000 / np.sqrt(12), rel=0.2)


def test_a_second_way_is_a_check(bench, aligned):
    found = aligned(bench())
    ways = [one for one in found.alignment.relations if one.source == "scope"]
    assert [one.primary for one in ways] == [True, False]
    (finding,) = (
        one
        for one in found.alignment.findings
        if one.check == "second_way_ns" and one.subject == "scope - host by exchanges"
    )
    assert finding.level == "PASS"


def test_what_no_clock_can_show_is_said(bench, aligned):
    found = aligned(bench())
    said = [one for one in found.alignment.findings if one.level != "PASS"]
    assert [one.subject for one in said] == ["latency"]
    assert "calibrate-latency" in said[0].words


def test_a_constant_delay_is_taken_off(bench, aligned):
    before = aligned(bench())
    latency = Latency(
        stream="cameras/cam",
        delay_ns=250_000,
        sd_ns=3_000,
        count=40,
        method="LED",
        made_utc="2026-01-01T00:00:00+00:00",
        rig_matches=True,
    )
    after = aligned(bench(), latencies={"cameras/cam": latency})
    moved = after.streams["cameras/cam"].time_ns - before.streams["cameras/cam"].time_ns
    assert set(moved.tolist()) == {-250_000}
    summary = after.alignment.streams[0]
    assert summary.latency == latency
    assert summary.sd_ns > before.alignment.streams[0].sd_ns


def test_a_calibration_of_another_rig_is_a_warning(bench, aligned):
    latency = Latency(
        stream="cameras/cam",
        delay_ns=250_000,
        sd_ns=3_000,
        count=40,
        method="LED",
        made_utc="2025-01-01T00:00:00+00:00",
        rig_matches=False,
    )
    found = aligned(bench(), latencies={"cameras/cam": latency})
    (said,) = (one for one in found.alignment.findings if one.subject == "cameras/cam"
               and one.check == "calibration_age_days")  # fmt: skip
    assert said.level == "WARN"
    assert "another rig file" in said.words
    assert "366 days before" in said.words


def test_what_was_written_is_what_was_found(bench, aligned, tmp_path):
    found = aligned(bench())
    path = tmp_path / "derived" / "aligned.h5"
    for _ in range(2):  # an older one is replaced
        write_aligned(path, found.alignment, found.streams, found.evidence)
    with h5py.File(path) as file:
        for name, stream in found.streams.items():
            assert np.array_equal(file[name]["time_ns"], stream.time_ns)
        assert file.attrs["reference"] == "daq"
        assert json.loads(file.attrs["json"])["level"] == found.alignment.level
        for (source, target), proof in found.evidence.items():
            stored = file[f"relations/{source}-{target}/source_ns"]
            assert np.array_equal(stored, proof.source_ns)
    assert [one.name for one in path.parent.iterdir()] == ["aligned.h5"]


def test_a_session_that_does_not_know_its_rig_is_refused(bench, tmp_path):
    folder = bench(seconds=5).write(tmp_path / "session")
    with Recording.open(folder) as recording:
        sidecar = folder / "session.json"
        text = json.loads(sidecar.read_text())
        text["configs"]["rig"]["devices"]["cam"]["width_px"] = -1
        sidecar.write_text(json.dumps(text))
        with pytest.raises(SessionError, match="width_px"):
            align(recording)
