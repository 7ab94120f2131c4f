"""The page as a file: small, the same each time, and there as a whole or not at all."""

from __future__ import annotations

import pytest

from offline.alignment.report import write_report
from offline.alignment.report.page import page


@pytest.mark.slow
def test_a_night_makes_a_page_that_opens_at_once(night, tmp_path, read):
    path = tmp_path / "derived" / "sync-report.html"
    write_report(path, night.alignment, night.evidence, night.streams)
    assert path.stat().st_size < 3_000_000
    root = read(path.read_text(encoding="utf-8"))
    assert "215\u202f576" in root.one("dl", class_="facts").text
    assert len(root.all("figure")) == 8
    assert "3\u202f000 more are in aligned.h5" in root.one("section", id="lost").text


def test_a_page_is_replaced_as_a_whole(cases, tmp_path, monkeypatch):
    path = tmp_path / "sync-report.html"
    for name in ("alone", "nothing"):
        case = cases(name)
        write_report(path, case.alignment, case.evidence, case.streams)
    before = path.read_bytes()
    assert b"nothing was recorded" in before
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]

    def fails(*_):
        msg = "the disk is full"
        raise OSError(msg)

    monkeypatch.setattr("rig.recording.disk.os.fsync", fails)
    case = cases("alone")
    with pytest.raises(OSError, match="disk is full"):
        write_report(path, case.alignment, case.evidence, case.streams)
    assert path.read_bytes() == before


def test_the_same_alignment_makes_the_same_page(cases):
    case = cases("reset")
    one = page(case.alignment, case.evidence, case.streams)
    assert one == page(case.alignment, case.evidence, case.streams)
