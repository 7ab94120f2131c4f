"""Blocks that a killed run leaves: what is whole is taken, all else is done again."""

import numpy as np
import pytest

from offline.reanalysis.work import open_work
from rig.errors import BusyError, SessionError

POSES = np.random.default_rng(2).normal(size=(32, 2, 3)).astype(np.float32)


@pytest.fixture
def folder(tmp_path):
    """A folder with one block."""
    place = tmp_path / ".work-m"
    with open_work(place, b"one", 2) as work:
        work.keep(0, 32, POSES)
    return place


def block(folder):
    return next(folder.glob("*.poses"))


def test_a_block_comes_back_bit_for_bit(folder):
    with open_work(folder, b"one", 2) as work:
        assert work.load(0, 32).tobytes() == POSES.tobytes()
        assert work.load(32, 64) is None


def test_a_torn_or_changed_block_is_not_taken(folder):
    data = bytearray(block(folder).read_bytes())
    block(folder).write_bytes(data[:-5])
    with open_work(folder, b"one", 2) as work:
        assert work.load(0, 32) is None
    data[100] ^= 1
    block(folder).write_bytes(data)
    with open_work(folder, b"one", 2) as work:
        assert work.load(0, 32) is None


def test_blocks_of_another_analysis_are_removed(folder):
    with open_work(folder, b"two", 2) as work:
        assert work.load(0, 32) is None
    assert not list(folder.glob("*.poses"))


def test_a_block_under_a_false_flag_is_not_taken(folder):
    (folder / "fingerprint").write_bytes(b"two")
    with open_work(folder, b"two", 2) as work:
        assert work.load(0, 32) is None


def test_only_one_works_in_it(folder):
    with (
        open_work(folder, b"one", 2),
        pytest.raises(BusyError, match="another springhare analyse"),
        open_work(folder, b"one", 2),
    ):
        pass


def test_a_place_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(SessionError, match="another place with --out"),
        open_work(tmp_path / "file" / "work", b"one", 2),
    ):
        pass


def test_it_goes_when_all_is_done(folder):
    with open_work(folder, b"one", 2) as work:
        work.remove()
    assert not folder.exists()
