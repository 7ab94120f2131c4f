from __future__ import annotations

import errno
import os
import threading

import pytest

from rig.recording.disk import BlockFile
from rig.recording.keeper import Keeper


@pytest.fixture
def file(tmp_path):
    return BlockFile.create(tmp_path / "file", 4096, [])


def test_syncs_by_itself_what_was_written(tmp_path, file, monkeypatch):
    synced = threading.Event()
    monkeypatch.setattr(os, "fdatasync", lambda _fd: synced.set())
    keeper = Keeper(tmp_path, interval_s=0.001)
    keeper.written(file)
    assert synced.wait(10)
    keeper.retire(file)
    keeper.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        file.write(b"1", 0)


def test_says_at_the_next_block_that_the_disk_failed(tmp_path, file, monkeypatch):
    called = threading.Event()

    def broken(_fd):
        called.set()
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fdatasync", broken)
    keeper = Keeper(tmp_path, interval_s=0.001)
    keeper.check()
    keeper.retire(file)
    assert called.wait(10)
    with pytest.raises(OSError, match="Input/output error"):
        keeper.close()
    with pytest.raises(OSError, match="Input/output error"):
        keeper.check()


def test_writing_never_waits_for_a_sync(tmp_path, file, monkeypatch):
    begun, go_on = threading.Event(), threading.Event()

    def slow(_fd):
        begun.set()
        go_on.wait(10)

    monkeypatch.setattr(os, "fdatasync", slow)
    keeper = Keeper(tmp_path, interval_s=0.001)
    keeper.written(file)
    assert begun.wait(10)
    other = BlockFile(tmp_path / "file")
    keeper.written(other)
    keeper.retire(other)
    keeper.named()
    keeper.check()
    assert not go_on.is_set()
    go_on.set()
    keeper.retire(file)
    keeper.close()
