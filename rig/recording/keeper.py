"""What a recording needs done beside the data's way: syncs and next segments.

Both may wait for the disk; neither may make the thread that empties the rings
wait.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from rig.recording.disk import sync_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rig.recording.disk import BlockFile

__all__ = ["Keeper"]

logger = logging.getLogger(__name__)


class Keeper:
    """Syncs open files about once a second and makes files ahead, on its own threads.

    Parameters
    ----------
    folder
        Folder of the files; its names are synced too.
    interval_s
        Time between two syncs: about as much may be lost in a power cut.
    """

    def __init__(self, folder: Path, interval_s: float = 1.0) -> None:
        self._folder = folder
        self._interval_s = interval_s
        self._notes = threading.Lock()
        """Guards the three below, for moments only."""
        self._dirty: set[BlockFile] = set()
        self._retired: set[BlockFile] = set()
        self._names_changed = False
        self._syncing = threading.Lock()
        self._failure: OSError | None = None
        self._ended = threading.Event()
        self._maker = ThreadPoolExecutor(1, thread_name_prefix="segments")
        self._syncer = threading.Thread(target=self._run, name="sync", daemon=True)
        self._syncer.start()

    def make_ahead(self, make: Callable[[], BlockFile]) -> Future[BlockFile]:
        """Have a file made; the future gives it, or the OSError."""
        return self._maker.submit(make)

    def written(self, file: BlockFile) -> None:
        """Say that a file has new data."""
        with self._notes:
            self._dirty.add(file)

    def named(self) -> None:
        """Say that the folder has a new name."""
        with self._notes:
            self._names_changed = True

    def retire(self, file: BlockFile) -> None:
        """Give up a file: it is synced a last time and closed."""
        with self._notes:
            self._retired.add(file)

    def check(self) -> None:
        """Raise what a sync failed with.

        Raises
        ------
        OSError
            The disk's own words.
        """
        if self._failure is not None:
            raise self._failure

    def sync(self) -> None:
        """Sync all that was written since the last time, now.

        Raises
        ------
        OSError
            If the disk refuses.
        """
        with self._syncing:
            with self._notes:
                retired, self._retired = self._retired, set()
                dirty, self._dirty = self._dirty, set()
                renamed, self._names_changed = self._names_changed, False
            try:
                for file in dirty | retired:
                    file.sync()
                if renamed:
                    sync_folder(self._folder)
            except OSError as error:
                # the kernel tells it once; what was dirty may be gone for good
                self._failure = error
                raise
            finally:
                for file in retired:
                    file.close()

    def close(self) -> None:
        """Sync a last time and end both threads; may be called twice.

        Raises
        ------
        OSError
            If the disk refuses; the threads have ended all the same.
        """
        self._ended.set()
        self._syncer.join()
        self._maker.shutdown(cancel_futures=True)
        self.sync()
        self.check()

    def _run(self) -> None:
        while not self._ended.wait(self._interval_s):
            try:
                self.sync()
            except OSError as error:
                # told to the writer at its next block, which ends the recording
                logger.error("Sync failed: %s", error)  # noqa: TRY400
                return
