"""What goes wrong on rigs: found, named, and repaired or refused.

The faults are those that published tools were seen to fail at; each test puts one in a
session whose truth is known.
"""

import copy

import numpy as np
import pytest

pytestmark = pytest.mark.slow

REBOOT_S = 60.0


def _within(error_ns, sd_ns, share=0.9):
    return np.mean(np.abs(error_ns) <= 1.96 * sd_ns) >= share


def _of(found, check, subject):
    return next(
        one
        for one in found.alignment.findings
        if one.check == check and one.subject == subject
    )


def _relation(found, source):
    return next(one for one in found.alignment.relations if one.source == source)


def _frame_error(rig, found):
    """Of all frames that are in their places, lost ones too; the cable's 60 us off."""
    frames = found.streams["cameras/cam"]
    every = rig.truth(found, rig.triggers + 60_000 + 1_000_000)
    assert len(frames.time_ns) == len(every)
    return frames.time_ns - every + 60_000, frames


def _keep(rig, kept):
    rig.frames = {name: values[kept] for name, values in rig.frames.items()}


def _edges(rig, extra):
    rig.heard = np.concatenate([rig.heard, extra])
    rig.heard = rig.heard[np.argsort(rig.heard[:, 0], kind="stable")]


def test_lost_frames_keep_their_places(bench, aligned):
    rig = bench()
    lost = [100, 101, 102, 5_000, 11_990]
    _keep(rig, np.setdiff1d(np.arange(len(rig.triggers)), lost))
    found = aligned(rig)
    error, frames = _frame_error(rig, found)
    assert np.flatnonzero(frames.row < 0).tolist() == lost
    assert frames.frame_id.tolist() == list(range(len(rig.triggers)))
    assert _within(error, frames.sd_ns)
    assert np.abs(error).max() < 20_000
    runs = found.alignment.streams[0].losses
    assert [(run.first_id, run.count) for run in runs] == [
        (100, 3), (5_000, 1), (11_990, 1),
    ]  # fmt: skip
    assert "5 lost" in found.alignment.streams[0].sentence


def test_frames_lost_at_both_ends_are_missed_too(bench, aligned):
    rig = bench()
    _keep(rig, np.arange(7, len(rig.triggers) - 3))
    error, frames = _frame_error(rig, aligned(rig))
    assert np.flatnonzero(frames.row < 0).tolist() == [
        *range(7), *range(len(rig.triggers) - 3, len(rig.triggers)),
    ]  # fmt: skip
    assert np.abs(error).max() < 20_000


def test_a_trigger_that_the_camera_ignored_makes_no_frame(bench, aligned):
    rig = bench()
    ignored = [500, 501]
    _keep(rig, np.setdiff1d(np.arange(len(rig.triggers)), ignored))
    rig.frames["frame_id"] = np.arange(len(rig.frames["start"]))
    error, frames = _frame_error(rig, aligned(rig))
    assert np.flatnonzero(frames.row < 0).tolist() == ignored
    assert frames.frame_id[ignored].tolist() == [-1, -1]
    assert np.abs(error).max() < 20_000


def test_frames_noted_with_the_wrong_triggers_are_put_right(bench, aligned):
    rig = bench()
    rig.frames["trigger"] = np.clip(rig.frames["trigger"] - 1, 0, None)
    found = aligned(rig)
    frames = found.streams["cameras/cam"]
    truth = rig.truth(found, rig.frames["start"] + 1_000_000)
    assert np.abs(frames.time_ns[frames.row >= 0] - truth + 60_000).max() < 20_000
    assert "+1" in _relation(found, "cam").reason


def test_a_regular_train_is_ambiguous_and_fails(bench, aligned):
    rig = bench(dither_us=0, jitter_ns=20_000)
    found = aligned(rig)
    assert _relation(found, "cam").verdict == "ambiguous"
    assert _of(found, "ambiguity", "cam - daq").level == "FAIL"
    assert found.alignment.level == "FAIL"
    assert "dither_us" in _of(found, "ambiguity", "cam - daq").words
    stream = found.alignment.streams[0]
    assert not stream.unique
    assert "alignment ambiguous" in stream.sentence


def test_glitches_are_listed_and_left_out(bench, aligned):
    rig = bench()
    at = np.sort(rig.rng.integers(rig.sync[0, 0], rig.sync[-1, 0], 12))
    pairs = np.stack([at, at + 200_000], axis=1).ravel()
    _edges(rig, np.stack([pairs, np.tile([1, 0], 12)], axis=1))
    found = aligned(rig)
    relation = _relation(found, "scope")
    assert relation.verdict == "unique"
    assert "glitches" in relation.reason
    assert relation.residual_ns < 2_000


def test_a_line_that_is_turned_over_is_read_all_the_same(bench, aligned):
    rig = bench()
    rig.heard[:, 1] = 1 - rig.heard[:, 1]
    found = aligned(rig)
    relation = _relation(found, "scope")
    assert relation.verdict == "unique"
    assert "turned over" in relation.reason
    times, _, _ = rig.board_events("scope")
    error = found.streams["events/scope"].time_ns - rig.truth(found, times)
    assert np.abs(error).max() < 5_000


def test_a_crystal_far_off_is_followed_and_told(bench, aligned):
    rig = bench()
    rig.clocks["scope"].ppm = -150.0
    found = aligned(rig)
    times, _, _ = rig.board_events("scope")
    error = found.streams["events/scope"].time_ns - rig.truth(found, times)
    assert np.abs(error).max() < 5_000
    assert _of(found, "drift_ppm", "scope - daq").level == "WARN"


def _reboot(clock, to_ns):
    def shown(true_ns):
        began = np.int64(5_000_000_000_000 + REBOOT_S * 1e9)
        true_ns = np.asarray(true_ns)
        back = clock(began) - to_ns
        return clock(true_ns) - np.where(true_ns >= began, back, 0)

    return shown


@pytest.mark.parametrize("to_ns", [0, 12_000_000_000], ids=["to_zero", "a_little"])
def test_a_board_that_began_anew_is_mapped_on_both_sides(bench, aligned, to_ns):
    rig = bench()
    rig.shown["scope"] = _reboot(rig.clocks["scope"], to_ns)
    found = aligned(rig)
    relation = _relation(found, "scope")
    assert relation.segments == 2
    assert relation.verdict == "unique"
    times, _, _ = rig.board_events("scope")
    events = found.streams["events/scope"]
    assert np.abs(events.time_ns - rig.truth(found, times)).max() < 5_000


def test_a_counter_that_wraps_is_a_new_start(bench, aligned):
    rig = bench()
    clock = rig.clocks["scope"]
    clock.offset_ns = (1 << 32) * 1000 - 50_000_000_000
    rig.shown["scope"] = lambda true_ns: clock(true_ns) % ((1 << 32) * 1000)
    found = aligned(rig)
    times, _, _ = rig.board_events("scope")
    error = found.streams["events/scope"].time_ns - rig.truth(found, times)
    assert np.abs(error).max() < 5_000


def test_a_camera_whose_clock_was_set_back(bench, aligned):
    rig = bench()
    rig.shown["cam"] = _reboot(rig.clocks["cam"], 0)
    error, frames = _frame_error(rig, found := aligned(rig))
    assert _relation(found, "cam").segments == 2
    assert np.abs(error).max() < 20_000
    assert (frames.row >= 0).all()


def test_a_reference_that_began_anew_is_no_reference(bench, aligned):
    rig = bench()
    rig.shown["daq"] = _reboot(rig.clocks["daq"], 0)
    found = aligned(rig)
    assert found.alignment.reference != "daq"
    times, _, _ = rig.board_events("daq")
    events = found.streams["events/daq"]
    error = events.time_ns - rig.truth(found, times)
    assert np.abs(np.diff(error)).max() < 500_000
    assert _within(error, events.sd_ns)


def test_an_outage_is_told_and_its_middle_is_less_sure(bench, aligned):
    rig = bench(seconds=300, wander_ppb=20.0)
    away = (rig.heard[:, 0] - rig.heard[0, 0]) / 1e9
    rig.heard = rig.heard[(away < 60) | (away > 200)]
    found = aligned(rig)
    assert _of(found, "gap_s", "scope - daq").level == "WARN"
    events = found.streams["events/scope"]
    times, _, _ = rig.board_events("scope")
    error = events.time_ns - rig.truth(found, times)
    assert _within(error, events.sd_ns)
    middle = (events.time_ns > 120e9) & (events.time_ns < 140e9)
    assert np.median(events.sd_ns[middle]) > 2 * np.median(events.sd_ns[-100:])


def test_lost_samples_are_a_gap_not_a_stretch(bench, aligned):
    rig = bench()
    rig.blocks = np.setdiff1d(rig.blocks, np.arange(1000, 1040))
    found = aligned(rig)
    emg = found.streams["signals/daq/emg"]
    (run,) = next(
        one for one in found.alignment.streams if one.stream == "signals/daq/emg"
    ).losses
    assert (run.first_id, run.count) == (10_000, 400)
    steps = np.diff(emg.time_ns)
    assert np.flatnonzero(steps > 600_000).tolist() == [9_999]
    assert abs(int(steps[9_999]) - 401 * 500_000) < 2_000


def test_edges_told_twice_are_taken_once(bench, aligned):
    rig = bench()
    _edges(rig, rig.heard[50:90].copy())
    found = aligned(rig)
    relation = _relation(found, "scope")
    assert relation.verdict == "unique"
    assert "told twice" in relation.reason


def test_swapped_cables_are_named(bench, aligned):
    rig = bench()
    rig.swapped = True
    found = aligned(rig)
    finding = _of(found, "ambiguity", "scope - daq")
    assert finding.level == "FAIL"
    assert "'frame_clock' instead of 'sync'" in finding.words


def test_a_cable_that_is_not_there_is_named(bench, aligned):
    rig = bench()
    rig.heard = rig.heard[:0]
    found = aligned(rig)
    finding = _of(found, "ambiguity", "scope - daq")
    assert finding.level == "FAIL"
    assert "check the cable" in finding.words
    # the scope is then known by way of the host, and no better than that
    assert next(
        one.path for one in found.alignment.streams if one.stream == "events/scope"
    ) == ("scope", "host", "daq")


def test_the_line_of_another_session_is_refused(bench, aligned):
    rig, other = bench(), bench(seed=2, number=99 << 16)
    rig.heard = other.sync
    found = aligned(rig)
    finding = _of(found, "ambiguity", "scope - daq")
    assert finding.level == "FAIL"
    assert "another session" in finding.words


@pytest.mark.parametrize("share", [0.02, 0.2])
def test_pulses_missing_and_spurious_ones_are_counted(bench, aligned, share):
    rig = bench(seconds=300)
    pairs = rig.heard.reshape(-1, 2, 2)
    kept = rig.rng.random(len(pairs)) >= share
    pairs = pairs[kept]
    at = rig.rng.integers(rig.sync[0, 0], rig.sync[-1, 0], int(share * 300))
    extra = np.stack([at, at + 10_000_000], axis=1).ravel()
    rig.heard = pairs.reshape(-1, 2)
    _edges(rig, np.stack([extra, np.tile([1, 0], len(at))], axis=1))
    found = aligned(rig)
    assert _of(found, "unmatched_fraction", "scope - daq").level == "FAIL"
    times, _, _ = rig.board_events("scope")
    error = found.streams["events/scope"].time_ns - rig.truth(found, times)
    assert np.abs(error).max() < 10_000


def test_limits_of_the_rig_file_are_obeyed(bench, aligned):
    rig = copy.deepcopy(bench().rig)
    rig["alignment"] = {"drift_ppm": {"warn": 1, "fail": 2}}
    found = aligned(bench(rig=rig))
    assert _of(found, "drift_ppm", "scope - daq").level == "FAIL"


def test_frames_without_a_trigger_are_counted_by_their_stamps(bench, aligned):
    """A camera that paces itself, and whose writer numbers what it keeps."""
    rig = copy.deepcopy(bench().rig)
    rig["devices"]["cam"]["trigger"] = {"mode": "free_running", "rate_hz": 100}
    del rig["devices"]["daq"]["camera_trigger"]["dither_us"]
    one = bench(rig=rig, dither_us=0)
    _keep(one, np.setdiff1d(np.arange(len(one.triggers)), [300, 301, 7_000]))
    one.frames["frame_id"] = np.arange(len(one.frames["start"]))
    one.frames["trigger"][:] = -1
    found = aligned(one)
    error, frames = _frame_error(one, found)
    assert np.flatnonzero(frames.row < 0).tolist() == [300, 301, 7_000]
    assert _within(error - np.median(error), frames.sd_ns)


@pytest.mark.parametrize("high", [1, 0], ids=["high", "low"])
def test_an_exposure_line_is_the_truth_of_an_exposure(bench, aligned, high):
    rig = bench()
    rig.show_exposures(high=high)
    found = aligned(rig)
    relation = _relation(found, "cam")
    assert (relation.how, relation.target) == ("exposures", "scope")
    assert ("turned over" in relation.reason) == (not high)
    frames = found.streams["cameras/cam"]
    truth = rig.truth(found, rig.frames["start"] + 1_000_000)
    # no cable's delay is left in it
    assert _within(frames.time_ns - truth, frames.sd_ns)
    finding = _of(found, "second_way_ns", "cam - daq by triggers")
    assert finding.value == pytest.approx(60_000, abs=2_000)
    assert "from their triggers" in finding.words


@pytest.mark.parametrize("frames", [0, 1, 2, 9])
def test_hardly_any_frames_are_no_trouble(bench, aligned, frames):
    rig = bench(seconds=40)
    _keep(rig, np.arange(frames))
    found = aligned(rig)
    stream = found.streams["cameras/cam"]
    assert (stream.row >= 0).sum() == frames
    assert found.alignment.level in {"WARN", "FAIL"}


@pytest.mark.parametrize("what", ["sync", "scope_clock", "triggers", "blocks"])
def test_what_recorded_nothing_is_no_trouble(bench, aligned, what):
    rig = bench(seconds=40)
    setattr(rig, what, getattr(rig, what)[:0])
    if what == "triggers":
        _keep(rig, np.arange(0))
    found = aligned(rig)
    assert found.alignment.streams
    assert all(len(one.sentence) > 10 for one in found.alignment.streams)
