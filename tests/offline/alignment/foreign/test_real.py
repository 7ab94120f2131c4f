"""Real recordings: a stream's computer that rebooted, and two Harp logs."""

from __future__ import annotations

import numpy as np
import pytest

from offline.alignment.foreign import Options, align_files, read_files
from offline.alignment.result import NO_TIME


@pytest.fixture
def clocks(shared):
    return shared / "data" / "clocks"


def test_the_reboot_in_the_xdf_file_is_found(clocks):
    pytest.importorskip("pyxdf")
    aligned = align_files([clocks / "clock_resets.xdf"], Options())
    alignment = aligned.alignment
    assert [one.stream for one in alignment.streams] == ["MyMarkerStream", "BioSemi"]
    for relation in alignment.relations:
        assert relation.segments == 2
        assert 30_000 < relation.residual_ns < 60_000
        assert "54 of 115 clock measurements repeat" in relation.reason
        # the same crystal before and after, though LSL's line says -1.3 before
        assert relation.drift_ppm == pytest.approx(-4.8, abs=0.3)
    restarts = [f for f in alignment.findings if f.check == "restarts"]
    assert [found.value for found in restarts] == [1, 1]
    for name, cut in (("MyMarkerStream", 91), ("BioSemi", 12_876)):
        times = aligned.streams[name].time_ns
        assert np.all(times != NO_TIME)
        assert np.all(np.diff(times) > 0)
        # the recorder saw five minutes between them, the stream's clock went back
        assert 270e9 < times[cut] - times[cut - 1] < 310e9
    assert np.nanmax(aligned.streams["BioSemi"].sd_ns) < 70_000


def test_the_jump_of_the_reboot_is_the_known_one(clocks):
    pytest.importorskip("pyxdf")
    for train in read_files([clocks / "clock_resets.xdf"], Options()):
        ahead = train.measured.recorder_ns - train.measured.own_ns
        jump = np.abs(np.diff(ahead)).max()
        assert jump == pytest.approx(653_461e9, abs=1e9)
        assert len(ahead) == 61


def test_the_regular_harp_log_is_sound(clocks):
    alignment = align_files([clocks / "mono.bin"], Options()).alignment
    assert alignment.level == "PASS"
    (stream,) = alignment.streams
    assert stream.recorded == 2000
    assert stream.rate_hz == pytest.approx(500, rel=1e-4)
    assert (stream.lost, stream.sd_ns) == (0, pytest.approx(32_000 / 12**0.5))


def test_the_step_back_in_the_other_one_is_counted(clocks):
    alignment = align_files([clocks / "nonmono.bin"], Options()).alignment
    (found,) = [one for one in alignment.findings if one.check == "steps_back"]
    assert (found.level, found.value) == ("PASS", 1)
    assert "of one tick at most (32" in found.words


def test_logs_of_two_unknown_clocks_are_not_brought_together(clocks):
    aligned = align_files([clocks / "mono.bin", clocks / "nonmono.bin"], Options())
    assert aligned.alignment.level == "FAIL"
    assert np.all(aligned.streams["nonmono"].time_ns == NO_TIME)
