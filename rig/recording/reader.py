"""Reading a session: while it is recorded, after a crash, and when it is done.

Only committed rows are ever given. A dataset is opened anew for each access, so
that a session that is being recorded is seen to grow.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

import h5py  # pyright: ignore[reportMissingTypeStubs]
import numpy as np

from rig.errors import SessionError, VersionError
from rig.recording.extents import committed_prefix
from rig.recording.hdf5 import LEDGER_GROUP, decode_streams
from rig.recording.layout import (
    FOLDED,
    FORMAT,
    FORMAT_VERSION,
    SESSION_FILE,
    StreamLayout,
)
from rig.recording.ledger import Ledger, Recovered
from rig.recording.sidecar import SessionInfo, read_sidecar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    from numpy.typing import NDArray

    from rig.messages import StreamSpec
    from rig.recording.layout import DatasetLayout

__all__ = ["Recording"]

_h5: Any = h5py
_FIRST_PLUGIN = 256
"""Filters with smaller numbers are HDF5's own."""


class Recording:
    """A session opened for reading; make one with `open`.

    Examples
    --------
    ::

        with Recording.open(folder) as recording:
            for frame, row in zip(
                recording.payload("cameras/left", 0, 100),
                recording.rows("cameras/left", 0, 100),
            ):
                ...
    """

    def __init__(self, folder: Path, file: Any) -> None:
        self.folder = folder
        self._file = file
        self._layouts = decode_streams(file.attrs["streams"])
        self._unpacked: set[str] = set()
        """Datasets of which it is known that their filters are there."""

    @staticmethod
    def open(path: Path) -> Recording:
        """Open a session by its folder or its session file.

        Raises
        ------
        SessionError
            If there is no session.
        VersionError
            If it is of another version.
        """
        file_path = path if path.name == SESSION_FILE else path / SESSION_FILE
        file = _open(file_path)
        try:
            _require_format(file_path, file)
            return Recording(file_path.parent, file)
        except BaseException:
            file.close()
            raise

    @property
    def info(self) -> SessionInfo:
        """What the session is, and how it stands, as of now."""
        return read_sidecar(self.folder) or self.own_info

    @property
    def own_info(self) -> SessionInfo:
        """What the session file itself says, should the sidecar be gone."""
        attributes = self._file.attrs
        return SessionInfo(
            session_id=attributes["session_id"],
            subject=attributes["subject"],
            task=attributes["task"],
            started_utc=attributes["started_utc"],
            started_host_ns=int(attributes["started_host_ns"]),
            state="recording" if self.ledger is None else "complete",
        )

    @property
    def ledger(self) -> str | None:
        """The ledger as JSON; None while the session has not been closed."""
        return self._file[LEDGER_GROUP].attrs.get("json")

    @cached_property
    def recovered(self) -> Recovered:
        """What `recover` found; empty where nothing had to be recovered."""
        found = None if self.ledger is None else Ledger.from_json(self.ledger).recovered
        return found or Recovered()

    @property
    def folded(self) -> bool:
        """Whether the session is one self-contained file, without segments."""
        return self._file.attrs.get("storage") == FOLDED

    def require_growing(self) -> None:
        """Refuse a session to which no row can be added any more.

        Raises
        ------
        SessionError
            If it is folded, or was cut by `recover`: its segments hold rows behind
            the cut that are not what was recorded.
        """
        what = "is folded into one file" if self.folded else ""
        if self.recovered.cut:
            what = "was cut by recover"
        if what:
            msg = (
                f"Expected a session that can go on in {self.folder}, got one that "
                f"{what}: start a new one"
            )
            raise SessionError(msg)

    @property
    def streams(self) -> Mapping[str, StreamSpec]:
        """What each stream is, by name."""
        return {name: layout.spec for name, layout in self._layouts.items()}

    @property
    def layouts(self) -> Mapping[str, StreamLayout]:
        """How each stream lies on disk, by name."""
        return self._layouts

    def attributes(self, stream: str) -> dict[str, Any]:
        """Return the attributes that lie beside a stream's data, such as units."""
        dataset = self._file[self._layout(stream).datasets[0].session_path]
        return {
            name: value.tolist() if hasattr(value, "tolist") else value
            for name, value in dataset.attrs.items()
        }

    def count(self, stream: str) -> int:
        """Return the number of committed rows, as of now.

        Found by halving: committed rows come first, without holes.
        """
        table = self._table(stream)
        low, high = 0, len(table)
        if high and table[high - 1]["host_ns"] != 0:
            return high
        while low < high:
            middle = (low + high) // 2
            if table[middle]["host_ns"] != 0:
                low = middle + 1
            else:
                high = middle
        return low

    def room(self, stream: str) -> int:
        """Return for how many rows there is room, committed or not."""
        return len(self._table(stream))

    def rows(
        self, stream: str, start: int = 0, stop: int | None = None
    ) -> NDArray[np.void]:
        """Return committed rows from `start` to before `stop`, or to the last."""
        layout = self._layout(stream)
        rows = self._read(layout.index, start, stop)
        return rows[: committed_prefix(rows["host_ns"])]

    def raw_rows(self, stream: str) -> NDArray[np.void]:
        """Return all rows that there is room for, committed or not; for checks."""
        return self._read(self._layout(stream).index, 0, None)

    def checksums(
        self, stream: str, start: int = 0, stop: int | None = None
    ) -> NDArray[np.uint64]:
        """Return the checksums of committed rows from `start` to before `stop`."""
        end = self.count(stream)
        stop = end if stop is None else min(stop, end)
        return self._read(self._layout(stream).checksum, start, stop)

    def payload(
        self, stream: str, start: int = 0, stop: int | None = None
    ) -> NDArray[Any]:
        """Return frames, poses or samples from `start` to before `stop`.

        Without `stop`, to the last that a committed row owns.

        Raises
        ------
        SessionError
            If the stream has no payload, or what unpacks it is not installed.
        """
        end = self.payload_count(stream)
        stop = end if stop is None else min(stop, end)
        return self.raw_payload(stream, start, stop)

    def raw_payload(self, stream: str, start: int, stop: int) -> NDArray[Any]:
        """Return frames, poses or samples that there is room for; for checks.

        Raises
        ------
        SessionError
            If the stream has no payload, or what unpacks it is not installed.
        """
        dataset = self._layout(stream).payload
        if dataset is None:
            msg = f"Expected a stream with payload, got {stream!r}: read its rows"
            raise SessionError(msg)
        return self._read(dataset, start, stop)

    def payload_count(self, stream: str) -> int:
        """Return how many frames, poses or samples are committed."""
        layout = self._layout(stream)
        n = self.count(stream)
        if layout.spec.kind != "samples" or n == 0:
            return n
        last = self._table(stream)[n - 1]
        return int(last["first_sample"]) + int(last["count"])

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._file.close()

    def __enter__(self) -> Recording:
        """Return the recording."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def _layout(self, stream: str) -> StreamLayout:
        if stream not in self._layouts:
            msg = (
                f"Expected a stream of {self.folder.name}, got {stream!r}; there are: "
                f"{', '.join(sorted(self._layouts))}"
            )
            raise SessionError(msg)
        return self._layouts[stream]

    def _read(
        self, dataset: DatasetLayout, start: int, stop: int | None
    ) -> NDArray[Any]:
        found = self._file[dataset.session_path]
        stop = len(found) if stop is None else min(stop, len(found))
        if start >= stop:  # HDF5 refuses to read nothing from a virtual dataset
            return np.empty((0, *dataset.entry_shape), dataset.dtype)
        if dataset.session_path not in self._unpacked:
            _require_filters(found)
            self._unpacked.add(dataset.session_path)
        return found[start:stop]

    def _table(self, stream: str) -> Any:
        return self._file[self._layout(stream).index.session_path]


def _open(path: Path) -> Any:
    if not path.exists():
        msg = (
            f"Expected a session at {path.parent}, got no {SESSION_FILE}: give the "
            "folder of a session"
        )
        raise SessionError(msg)
    try:
        return _h5.File(path, "r")
    except OSError as error:
        msg = (
            f"Expected a session in {path}, got a file that HDF5 refuses: {error}: "
            f"springhare recover {path.parent} makes it anew from its segments"
        )
        raise SessionError(msg) from error


def _require_filters(dataset: Any) -> None:
    """Have everything that unpacks a folded dataset; plugins are loaded when needed."""
    packing = dataset.id.get_create_plist()
    for number in range(packing.get_nfilters()):
        code = packing.get_filter(number)[0]
        if not _h5.h5z.filter_avail(code):
            _load_plugin(dataset.name, code)


def _load_plugin(name: str, code: int) -> None:
    remedy = "conda install h5py (this one's HDF5 was built without it)"
    if code >= _FIRST_PLUGIN:
        remedy = "pip install hdf5plugin"
        with suppress(ImportError):
            import_module("hdf5plugin")  # registers its filters
    if not _h5.h5z.filter_avail(code):
        msg = f"Expected HDF5 filter {code} to unpack {name}, got none: {remedy}"
        raise SessionError(msg)


def _require_format(path: Path, file: Any) -> None:
    found = file.attrs.get("format")
    if found != FORMAT:
        msg = f"Expected a {FORMAT} in {path}, got {found!r}: give a session's folder"
        raise SessionError(msg)
    version = int(file.attrs["format_version"])
    if version != FORMAT_VERSION:
        msg = (
            f"Expected a session of format version {FORMAT_VERSION}, got {version} in "
            f"{path}: use that version of springhare"
        )
        raise VersionError(msg)
