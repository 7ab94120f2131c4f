"""The journal tells what is surely there, wherever it was cut off."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offline.archive.journal import Journal, read_notes

PLAN, OTHER = b"p" * 16, b"o" * 16
PIECES = {0: [(0, b"abc"), (1, b"")], 3: [(0, b"x" * 50)], 1: [(0, b"yz")]}


@pytest.fixture
def written(tmp_path):
    """A draft and its journal."""
    draft, path = tmp_path / "1.h5", tmp_path / "1.journal"
    journal = Journal(path, PLAN)
    data = b"hdf5 says something"
    for number, chunks in PIECES.items():
        offsets = []
        for _, chunk in chunks:
            offsets.append(len(data))
            data += chunk + b"...and something"
        journal.note(number, chunks, offsets)
    draft.write_bytes(data)
    journal.whole()
    journal.close()
    return draft, path


def test_pieces_are_read_back_from_the_draft(written):
    draft, path = written
    pieces, whole = read_notes(path, PLAN)
    assert whole
    assert {n: entry.read(draft) for n, entry in pieces.items()} == PIECES


def test_a_journal_of_another_plan_or_none_says_nothing(written):
    assert read_notes(written[1], OTHER) == ({}, False)
    assert read_notes(written[1].with_name("none"), PLAN) == ({}, False)


def test_a_journal_cut_off_anywhere_tells_what_comes_before(written, tmp_path):
    data = written[1].read_bytes()
    told = []
    for length in range(32, len(data) + 1):
        cut = tmp_path / "cut"
        cut.write_bytes(data[:length])
        pieces, whole = read_notes(cut, PLAN)
        told.append((len(pieces), whole))
        assert list(pieces) == list(PIECES)[: len(pieces)]
    assert told == sorted(told)
    assert told[0] == (0, False)
    assert told[-1] == (3, True)
    assert told[-2] == (3, False)


@given(at=st.integers(0, 200), bit=st.integers(0, 7))
def test_a_bit_that_fell_over_is_never_taken_for_a_piece(tmp_path_factory, at, bit):
    folder = tmp_path_factory.mktemp("journal")
    journal = Journal(folder / "j", PLAN)
    journal.note(7, [(0, b"abc")], [4])
    journal.close()
    data = bytearray((folder / "j").read_bytes())
    data[at % len(data)] ^= 1 << bit
    (folder / "j").write_bytes(data)
    assert read_notes(folder / "j", PLAN) == ({}, False)


def test_a_piece_whose_bytes_are_others_is_not_given(written):
    draft, path = written
    data = bytearray(draft.read_bytes())
    data[data.index(b"yz")] += 1
    draft.write_bytes(data)
    pieces, _ = read_notes(path, PLAN)
    assert pieces[1].read(draft) is None
    assert pieces[0].read(draft) == PIECES[0]
    draft.write_bytes(data[:30])
    assert pieces[3].read(draft) is None
