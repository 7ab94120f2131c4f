"""Where results of foreign files go, and what stands in the tables."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from offline.alignment.foreign import (
    Options,
    align_files,
    is_foreign,
    output_files,
    write_tables,
)
from offline.alignment.report import write_report
from offline.alignment.store import write_aligned
from rig.errors import SessionError


@pytest.fixture
def paths(files, tmp_path):
    pair = files.pair(count=200)
    return [
        files.table(tmp_path / "daq.csv", {"time_s": pair.reference_ns}),
        files.table(tmp_path / "camera.csv", {"time_s": pair.source_ns}),
    ]


def test_the_tables_stand_on_the_references_own_clock(paths):
    before = [path.read_bytes() for path in paths]
    aligned = align_files(paths, Options())
    outputs = output_files(paths, aligned.streams)
    written = write_tables(outputs, aligned.streams, aligned.alignment.origin_ns)
    assert [path.name for path in written] == ["daq.aligned.csv", "camera.aligned.csv"]
    with written[0].open() as file:
        rows = list(csv.DictReader(file))
    with paths[0].open() as file:
        own = [round(float(row["time_s"]) * 1e9) for row in csv.DictReader(file)]
    assert [int(row["time_ns"]) for row in rows] == own
    assert float(rows[0]["sd_ns"]) < 1
    assert [int(row["row"]) for row in rows] == list(range(len(own)))
    assert [path.read_bytes() for path in paths] == before


def test_what_has_no_time_is_empty_and_rows_left_out_are_told(tmp_path):
    log = tmp_path / "log.csv"
    log.write_text("time_s\n10\n\nnan\n20\n30\n40\n50\n1\n2\n3\n4\n")
    aligned = align_files([log], Options())
    outputs = output_files([log], aligned.streams, tmp_path / "out")
    (path,) = write_tables(outputs, aligned.streams, aligned.alignment.origin_ns)
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["row"]) for row in rows] == [0, *range(2, 10)]
    assert rows[0]["time_ns"] == str(10 * 10**9)
    assert [(row["time_ns"], row["sd_ns"]) for row in rows[5:]] == [("", "")] * 4


def test_names_become_names_of_files(tmp_path):
    names = ["emg/left", "emg:left", "EEG"]
    outputs = output_files([tmp_path / "a.xdf"], names)
    assert [path.name for path in outputs.tables.values()] == [
        "emg_left.aligned.csv",
        "emg_left 2.aligned.csv",
        "EEG.aligned.csv",
    ]
    assert outputs.aligned.name == "a.aligned.h5"
    assert outputs.report.name == "a.sync-report.html"


def test_no_input_is_ever_written(files, tmp_path):
    path = files.table(
        tmp_path / "log.aligned.csv", {"time_s": np.arange(30) * files.NS}
    )
    with pytest.raises(SessionError, match="--out"):
        output_files([path], ["log"])
    assert output_files([path], ["log"], tmp_path / "out").aligned.parent.name == "out"


@pytest.mark.slow
def test_results_can_be_stored_and_drawn_as_those_of_a_session(paths):
    aligned = align_files(paths, Options())
    outputs = output_files(paths, aligned.streams)
    write_aligned(outputs.aligned, aligned.alignment, aligned.streams, aligned.evidence)
    write_report(outputs.report, aligned.alignment, aligned.evidence, aligned.streams)
    assert outputs.aligned.stat().st_size > 1000
    assert "camera" in outputs.report.read_text()


def test_what_is_no_session_is_foreign(paths, tmp_path):
    assert is_foreign(paths)
    assert not is_foreign([tmp_path])
    assert not is_foreign([tmp_path / "session.h5"])
    assert not is_foreign([])
