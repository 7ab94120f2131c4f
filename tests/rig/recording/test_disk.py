from __future__ import annotations

import errno
import mmap
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.recording import disk
from rig.recording.disk import BlockFile

SIZE = 1 << 20


@pytest.fixture(scope="module")
def pixels():
    """Noise in memory that begins at a page."""
    memory = np.frombuffer(mmap.mmap(-1, SIZE), np.uint8)
    memory[:] = np.random.default_rng(1).integers(0, 256, SIZE, np.uint8)
    return memory


@pytest.fixture(params=["direct", "buffered"])
def open_file(request, tmp_path):
    """Open the file in one of the two ways; both must leave the same bytes."""
    made = []

    def open_file(path):
        file = BlockFile(path, direct=request.param == "direct")
        if request.param == "direct" and not file.is_direct:
            file.close()
            pytest.skip("this file system has no direct I/O")
        made.append(file)
        return file

    yield open_file
    for file in made:
        file.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("blocks")


@given(
    blocks=st.lists(
        st.tuples(
            st.integers(0, SIZE),  # where in the file
            st.integers(0, SIZE),  # where in memory
            st.integers(0, 300_000),
        ),
        max_size=6,
    ),
    direct=st.booleans(),
)
def test_any_block_at_any_place_is_what_is_read(folder, pixels, blocks, direct):
    path = folder / "file"
    expected = np.zeros(SIZE, np.uint8)
    disk.lay_out(path, SIZE)
    file = BlockFile(path, direct=direct)
    try:
        for offset, begin, length in blocks:
            n = min(length, SIZE - offset, SIZE - begin)
            file.write(pixels[begin : begin + n], offset)
            expected[offset : offset + n] = pixels[begin : begin + n]
            # read in between, so that the page cache has what is overwritten later
            assert path.read_bytes()[offset : offset + n] == bytes(
                expected[offset : offset + n]
            )
    finally:
        file.close()
    assert np.array_equal(np.fromfile(path, np.uint8), expected)


def test_direct_pages_and_buffered_ends_meet(open_file, tmp_path, pixels):
    path = tmp_path / "file"
    disk.lay_out(path, SIZE)
    file = open_file(path)
    for begin in range(0, 10 * 70_001, 70_001):  # frames of no whole page, in a row
        file.write(pixels[begin : begin + 70_001], begin)
    file.sync()
    found = np.fromfile(path, np.uint8)[:700_010]
    assert np.array_equal(found, pixels[:700_010])


def test_a_laid_out_file_is_real_and_reads_as_nothing(tmp_path):
    disk.lay_out(tmp_path / "file", SIZE)
    stat = (tmp_path / "file").stat()
    assert stat.st_size == SIZE
    assert 512 * stat.st_blocks >= SIZE
    assert not np.fromfile(tmp_path / "file", np.uint8).any()


def test_what_was_never_written_is_given_back_and_no_byte_changes(tmp_path, pixels):
    path = tmp_path / "file"
    file = BlockFile.create(path, SIZE, [(0, b"begin"), (SIZE - 3, b"end")])
    file.write(pixels[:200_000], 8192)
    file.close()
    before, room = path.read_bytes(), path.stat().st_blocks
    freed = disk.release_unwritten(path)
    assert path.read_bytes() == before
    assert path.stat().st_size == SIZE
    if freed:  # the file system can
        assert freed == 512 * (room - path.stat().st_blocks) > SIZE // 2
    assert disk.release_unwritten(path) == 0


def test_no_room_leaves_no_file(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space"):
        BlockFile.create(tmp_path / "file", SIZE, [])
    assert list(tmp_path.iterdir()) == []


def test_a_system_that_takes_the_flag_and_not_the_write(tmp_path, pixels, monkeypatch):
    path = tmp_path / "file"
    disk.lay_out(path, SIZE)
    file = BlockFile(path)
    pwrite = os.pwrite

    def refusing(fd, data, offset):
        if fd == file._direct:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return pwrite(fd, data, offset)

    monkeypatch.setattr(os, "pwrite", refusing)
    file.write(pixels, 0)
    assert not file.is_direct
    file.write(pixels[:100_000], 4096)
    file.close()
    expected = pixels.copy()
    expected[4096:104_096] = pixels[:100_000]
    assert np.array_equal(np.fromfile(path, np.uint8), expected)


def test_where_there_is_no_direct_io_it_goes_through_the_cache(
    tmp_path, pixels, monkeypatch
):
    monkeypatch.delattr(os, "O_DIRECT")
    disk.lay_out(tmp_path / "file", SIZE)
    file = BlockFile(tmp_path / "file")
    assert not file.is_direct
    file.write(pixels, 0)
    file.close()
    assert np.array_equal(np.fromfile(tmp_path / "file", np.uint8), pixels)


def test_closed_twice_is_closed(tmp_path):
    file = BlockFile.create(tmp_path / "file", 4096, [])
    file.close()
    file.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        file.write(b"1", 0)


def test_a_disk_that_is_gone_between_two_looks_leaves_no_file_open(
    tmp_path, monkeypatch, files_held
):
    path = tmp_path / "file"
    disk.lay_out(path, SIZE)
    system = os.open

    def failing(name, flags, *more):
        if flags & os.O_DIRECT:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return system(name, flags, *more)

    monkeypatch.setattr(os, "open", failing)
    with pytest.raises(OSError, match="Input/output"):
        BlockFile(path)
    assert files_held(tmp_path) == []
