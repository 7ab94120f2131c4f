"""Foreign files of known truth, brought together; what cannot be known is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from offline.alignment.foreign import Options, align_files
from offline.alignment.result import NO_TIME
from rig.errors import SessionError

UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("form", ["csv", "tsv", "npy", "npz"])
def test_trains_come_together_whatever_they_are_written_in(files, tmp_path, form, unit):
    pair = files.pair(miss=0.05, spurious=0.05)
    daq = files.table(tmp_path / "daq.csv", {"time_s": pair.reference_ns})
    scale = UNITS[unit]
    path = tmp_path / f"camera.{form}"
    if form in {"csv", "tsv"}:
        digits = len(str(scale)) - 1
        columns = {"frame": np.arange(pair.source_ns.size) * scale}
        columns[f"timestamp [{unit}]"] = pair.source_ns
        mark = "," if form == "csv" else "\t"
        files.table(path, columns, digits=digits, mark=mark, unit_ns=scale)
    elif form == "npy":
        np.save(path, pair.source_ns / scale if scale > 1 else pair.source_ns)
    else:
        np.savez(path, **{f"camera_{unit}": pair.source_ns / scale})
    aligned = align_files([daq, path], Options(unit=unit))
    wrong = files.error(aligned, "camera", pair.true_ns)
    assert wrong.rms_us < 25
    assert wrong.coverage > 0.93
    (relation,) = aligned.alignment.relations
    assert (relation.verdict, relation.how) == ("unique", "pulses")
    assert relation.drift_ppm == pytest.approx(-40, abs=0.5)
    assert relation.jitter_ns == pytest.approx(20_000, rel=0.15)
    assert aligned.alignment.level == "WARN"  # one in ten pulses has no partner


def test_a_sound_pair_passes_and_says_how_well_it_is_known(files, tmp_path):
    pair = files.pair(seed=3, count=1500)
    daq = files.table(tmp_path / "daq.csv", {"time_s": pair.reference_ns})
    camera = files.table(tmp_path / "camera.csv", {"time_s": pair.source_ns})
    aligned = align_files([daq, camera], Options())
    alignment = aligned.alignment
    assert alignment.level == "PASS"
    assert alignment.reference == "daq"
    assert alignment.origin_ns == pair.reference_ns[0]
    assert alignment.streams[1].path == ("camera", "daq")
    assert "alignment unique" in alignment.sentence
    assert aligned.streams["daq"].time_ns[0] == 0
    assert set(alignment.sha256) == {"daq.csv", "camera.csv"}
    proof = aligned.evidence["camera", "daq"]
    assert proof.time_s.shape == proof.residual_ns.shape == (1500,)
    assert json.loads(alignment.to_json())["level"] == "PASS"


def test_which_is_the_reference_makes_no_difference_but_the_clock(files, tmp_path):
    pair = files.pair()
    daq = files.table(tmp_path / "daq.csv", {"time_s": pair.reference_ns})
    camera = files.table(tmp_path / "camera.csv", {"time_s": pair.source_ns})
    one = align_files([daq, camera], Options())
    for name in ("daq", "daq.csv"):
        other = align_files([camera, daq], Options(reference=name))
        assert other.alignment.reference == "daq"
        for stream in ("daq", "camera"):
            ours, theirs = one.streams[stream], other.streams[stream]
            assert np.array_equal(ours.time_ns, theirs.time_ns)
    with pytest.raises(SessionError, match=r"'clock'.*daq, camera"):
        align_files([daq, camera], Options(reference="clock"))


def test_columns_of_one_table_are_one_clock_until_one_is_named(files, tmp_path):
    pair = files.pair()
    columns = {"daq_s": pair.reference_ns, "camera_s": pair.source_ns}
    log = files.table(tmp_path / "log.csv", columns)
    alone = align_files([log], Options()).alignment
    assert alone.relations == ()
    assert alone.reference == "log"
    aligned = align_files([log], Options(reference="log.daq_s"))
    (relation,) = aligned.alignment.relations
    assert (relation.source, relation.verdict) == ("log.camera_s", "unique")
    assert files.error(aligned, "log.camera_s", pair.true_ns).coverage > 0.93


def test_a_train_is_matched_with_that_column_of_the_reference_that_it_fits(
    files, tmp_path
):
    one, other = files.pair(seed=1), files.pair(seed=2)
    log = files.table(
        tmp_path / "daq.csv",
        {"trial_s": other.reference_ns, "camera_s": one.reference_ns},
    )
    camera = files.table(tmp_path / "camera.csv", {"time_s": one.source_ns})
    aligned = align_files([log, camera], Options())
    assert files.error(aligned, "camera", one.true_ns).coverage > 0.93


@pytest.mark.parametrize("period_s", [1.0, 1 / 30])
def test_a_regular_train_is_ambiguous_and_gets_no_times(files, tmp_path, period_s):
    times = period_s * np.arange(400)
    pair = files.pair(times_s=times)
    daq = files.table(tmp_path / "daq.csv", {"time_s": pair.reference_ns[3:]})
    camera = files.table(tmp_path / "camera.csv", {"time_s": pair.source_ns})
    aligned = align_files([daq, camera], Options())
    stream = aligned.alignment.streams[1]
    assert aligned.alignment.relations[0].verdict == "ambiguous"
    assert (stream.level, stream.unique) == ("FAIL", False)
    assert "ambiguous" in stream.sentence
    assert np.all(aligned.streams["camera"].time_ns == NO_TIME)
    assert np.all(np.isnan(aligned.streams["camera"].sd_ns))
    assert aligned.alignment.level == "FAIL"


def test_trains_of_different_things_do_not_match(files, tmp_path):
    daq = files.table(tmp_path / "d.csv", {"time_s": files.pair(seed=1).reference_ns})
    camera = files.table(tmp_path / "c.csv", {"time_s": files.pair(seed=2).source_ns})
    aligned = align_files([daq, camera], Options())
    assert aligned.alignment.relations[0].verdict == "no_match"
    assert aligned.alignment.level == "FAIL"
    assert np.all(aligned.streams["c"].time_ns == NO_TIME)


def test_one_wrong_unit_does_not_fit_and_is_not_believed(files, tmp_path):
    pair = files.pair()
    daq = files.table(tmp_path / "daq.csv", {"time_s": pair.reference_ns})
    camera = files.table(
        tmp_path / "camera.csv", {"times": pair.source_ns}, digits=6, unit_ns=10**3
    )
    aligned = align_files([daq, camera], Options(unit="ms"))
    assert aligned.alignment.streams[1].level == "FAIL"


def test_a_device_that_restarted_keeps_its_times_before_and_after(files, tmp_path):
    pair = files.pair(count=900)
    source = pair.source_ns.copy()
    source[500:] -= source[500] - 2 * files.NS
    source[:500] -= source[0] - 700 * files.NS
    daq = files.table(tmp_path / "daq.csv", {"time_s": pair.reference_ns})
    camera = files.table(tmp_path / "camera.csv", {"time_s": source})
    aligned = align_files([daq, camera], Options())
    wrong = files.error(aligned, "camera", pair.true_ns)
    assert wrong.rms_us < 25
    assert wrong.coverage > 0.93
    assert aligned.alignment.relations[0].segments == 2
    (found,) = [f for f in aligned.alignment.findings if f.check == "restarts"]
    assert "began anew once" in found.words


def test_of_a_reference_that_restarted_only_one_stretch_is_counted_on(files, tmp_path):
    pair = files.pair(count=900)
    reference = pair.reference_ns.copy()
    reference[600:] -= reference[600]
    daq = files.table(tmp_path / "daq.csv", {"time_s": reference})
    camera = files.table(tmp_path / "camera.csv", {"time_s": pair.source_ns})
    aligned = align_files([daq, camera], Options())
    assert np.count_nonzero(aligned.streams["daq"].time_ns == NO_TIME) == 300
    times = aligned.streams["camera"].time_ns[:600] + aligned.alignment.origin_ns
    assert np.max(np.abs(times - pair.true_ns[:600])) < 150_000
    assert aligned.alignment.level != "PASS"


def test_only_rises_are_matched_and_falls_get_times_too(files, tmp_path):
    pair = files.pair()
    both = np.sort(np.concatenate([pair.source_ns, pair.source_ns + 40_000_000]))
    states = (np.arange(both.size) % 2 == 0).astype(int)
    rows = [f"{ns / 1e9:.9f},{s}" for ns, s in zip(both, states, strict=True)]
    camera = tmp_path / "camera.csv"
    camera.write_text("\n".join(["time_s,state", *rows]))
    daq = files.table(tmp_path / "daq.csv", {"time_s": pair.reference_ns})
    aligned = align_files([daq, camera], Options())
    assert aligned.alignment.relations[0].pulses == pair.source_ns.size
    times = aligned.streams["camera"].time_ns
    assert np.all(times != NO_TIME)
    falls = times[1::2] + aligned.alignment.origin_ns - pair.true_ns
    assert np.max(np.abs(falls - 40_000_000)) < 150_000


def test_coarse_ticks_are_in_the_error(files, tmp_path):
    pair = files.pair(times_s=np.sort(np.random.default_rng(2).uniform(0, 600, 500)))
    camera = files.table(
        tmp_path / "camera.csv", {"time [ms]": pair.source_ns}, digits=0, unit_ns=10**6
    )
    daq = files.table(tmp_path / "daq.csv", {"time_s": pair.reference_ns})
    aligned = align_files([daq, camera], Options())
    wrong = files.error(aligned, "camera", pair.true_ns)
    assert wrong.coverage > 0.93
    assert np.median(aligned.streams["camera"].sd_ns) > 280_000


def test_registers_of_a_device_come_along_with_the_one_that_is_matched(files, tmp_path):
    pair = files.pair(count=500)
    own = pair.source_ns + 4000 * files.NS
    lines = b"".join(
        files.harp_message(32, int(ns), bytes([k % 2]), code=0x11)
        for k, ns in enumerate(own.tolist())
    )
    (tmp_path / "Board_32.bin").write_bytes(lines)
    samples = np.arange(own[0], own[-1], 201_600_000)
    words = b"".join(files.harp_message(44, ns, b"\1\0") for ns in samples.tolist())
    (tmp_path / "Board_44.bin").write_bytes(words)
    daq = files.table(tmp_path / "daq.csv", {"time_s": pair.reference_ns})
    aligned = align_files(
        [daq, tmp_path / "Board_32.bin", tmp_path / "Board_44.bin"], Options()
    )
    assert files.error(aligned, "Board_32", pair.true_ns).coverage > 0.93
    true = np.interp(samples, own, pair.true_ns)
    assert files.error(aligned, "Board_44", true).worst_us < 150
    assert [one.clock for one in aligned.alignment.streams] == ["daq", "Board", "Board"]
    assert len(aligned.alignment.relations) == 1


def test_an_xdf_file_goes_onto_another_reference_by_its_recorder(files, tmp_path):
    pytest.importorskip("pyxdf")
    pair = files.pair(count=700)
    recorder_s = pair.source_ns / 1e9
    xdf = files.Xdf().stream(1, "pulses").stream(2, "emg")
    rng = np.random.default_rng(1)
    moments = np.linspace(recorder_s[0], recorder_s[-1], 900)
    for number, stamps, ahead in ((1, recorder_s, 70.0), (2, moments, -3000.0)):
        xdf.samples(number, stamps - ahead)
        for now in np.arange(recorder_s[0], recorder_s[-1], 5.0):
            xdf.clock(number, now - ahead, ahead + rng.normal(0, 30e-6))
    daq = files.table(tmp_path / "daq.csv", {"time_s": pair.reference_ns})
    aligned = align_files([daq, xdf.write(tmp_path / "lsl.xdf")], Options())
    assert aligned.alignment.streams[2].path == ("emg", "lsl recorder", "daq")
    assert files.error(aligned, "pulses", pair.true_ns).coverage > 0.93
    true = np.interp(moments * 1e9, pair.source_ns, pair.true_ns)
    assert files.error(aligned, "emg", true).coverage > 0.93


def test_files_of_one_name_are_told_apart(files, tmp_path):
    pair = files.pair()
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    paths = [
        files.table(tmp_path / "a" / "log.csv", {"time_s": pair.reference_ns}),
        files.table(tmp_path / "b" / "log.csv", {"time_s": pair.source_ns}),
    ]
    aligned = align_files(paths, Options())
    assert list(aligned.streams) == ["a.log.csv", "b.log.csv"]
    assert len(aligned.alignment.sha256) == 2


def test_a_drift_beyond_belief_is_not_believed(files, tmp_path):
    pair = files.pair(ppm=700)
    daq = files.table(tmp_path / "daq.csv", {"time_s": pair.reference_ns})
    camera = files.table(tmp_path / "camera.csv", {"time_s": pair.source_ns})
    refused = align_files([daq, camera], Options())
    assert refused.alignment.relations[0].verdict == "no_match"
    aligned = align_files([daq, camera], Options(max_drift_ppm=1000))
    assert aligned.alignment.relations[0].verdict == "unique"
    assert files.error(aligned, "camera", pair.true_ns).rms_us < 25
    assert aligned.alignment.level == "FAIL"  # no crystal is 700 ppm off


def test_a_table_and_a_device_of_one_name_are_two_clocks(files, tmp_path):
    pair = files.pair(count=300)
    daq = files.table(tmp_path / "daq.csv", {"time_s": pair.reference_ns})
    log = tmp_path / "daq_32.bin"
    own = (pair.source_ns + 4000 * files.NS).tolist()
    log.write_bytes(b"".join(files.harp_message(32, ns, b"\1\0") for ns in own))
    aligned = align_files([daq, log], Options())
    assert [one.clock for one in aligned.alignment.streams] == ["daq", "daq 2"]
    assert files.error(aligned, "daq_32", pair.true_ns).coverage > 0.93


@pytest.mark.parametrize("drift", [0, -5, 10_000])
def test_a_drift_that_makes_no_sense_is_refused(files, tmp_path, drift):
    log = files.table(tmp_path / "log.csv", {"time_s": np.arange(50) * files.NS})
    with pytest.raises(SessionError, match="ppm"):
        align_files([log], Options(max_drift_ppm=drift))


def test_what_is_no_file_of_a_known_kind_is_said(files, tmp_path):
    with pytest.raises(SessionError, match=r"got nothing at"):
        align_files([tmp_path / "none.csv"], Options())
    with pytest.raises(SessionError, match=r"got a folder"):
        align_files([tmp_path], Options())
    (tmp_path / "log.mat").write_bytes(b"MATLAB")
    with pytest.raises(SessionError, match=r"got log.mat.*CSV"):
        align_files([tmp_path / "log.mat"], Options())
    for name in ("a.csv", "a.npy", "a.npz", "a.xdf", "a.bin"):
        (tmp_path / name).touch()
        with pytest.raises(SessionError, match="empty file"):
            align_files([tmp_path / name], Options())
    log = files.table(tmp_path / "log.csv", {"time_s": np.arange(5) * files.NS})
    with pytest.raises(SessionError, match="twice"):
        align_files([log, tmp_path / "." / "log.csv"], Options())


def _bent(data, trial):
    rng = np.random.default_rng(trial)
    bent = bytearray(data[: rng.integers(1, len(data) + 1)] if trial % 2 else data)
    for at in rng.integers(0, len(bent), rng.integers(0, 6)):
        bent[at] = rng.integers(256)
    return bytes(bent)


@pytest.mark.parametrize("form", ["csv", "npy", "npz"])
def test_any_cut_or_bent_byte_is_said_never_thrown(files, tmp_path, form):
    times = files.pair(count=60).reference_ns
    path = files.table(tmp_path / "log.csv", {"n": times, "time_s": times})
    if form == "npy":
        path = tmp_path / "log.npy"
        np.save(path, times / 1e9)
    elif form == "npz":
        path = tmp_path / "log.npz"
        np.savez(path, a_s=times / 1e9, b_s=times / 1e9)
    data = path.read_bytes()
    refused = 0
    for trial in range(120):
        path.write_bytes(_bent(data, trial))
        try:
            align_files([path], Options(unit="s"))
        except SessionError:
            refused += 1
    assert 0 < refused < 120
