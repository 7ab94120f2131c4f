"""HDF5 as the recording needs it: empty segments, and the file that maps them.

Nothing here runs while data flow. A segment is a small HDF5 file whose datasets
are contiguous and laid out whole; after that it is filled at known offsets, by
plain writes. Its few metadata bytes are the same for every segment of a stream,
so that they are made once by HDF5 and copied from then on. A segment says itself
which stream it is of, so that a session can be put together from segments alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h5py  # pyright: ignore[reportMissingTypeStubs]
import msgspec

from rig.messages import StreamSpec
from rig.recording.layout import (
    FORMAT,
    FORMAT_VERSION,
    PAGE_BYTES,
    SEGMENT_CHECKSUM,
    SEGMENT_INDEX,
    SEGMENT_PAYLOAD,
    StreamLayout,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rig.recording.layout import DatasetLayout

__all__ = [
    "LEDGER_GROUP",
    "Extent",
    "SegmentImage",
    "decode_streams",
    "make_segment_image",
    "read_offsets",
    "read_segment_layout",
    "write_session_file",
]

LEDGER_GROUP = "ledger"

_h5: Any = h5py


@dataclass(frozen=True, slots=True)
class Extent:
    """How many entries of a stream's datasets are committed."""

    rows: int = 0
    payload: int = 0
    """Entries along the first axis: frames, samples, poses."""
    next_seq: int = 0
    """One more than the last row's `seq`."""


@dataclass(frozen=True, slots=True)
class SegmentImage:
    """All that is in an empty segment's file, and where its datasets begin."""

    size: int
    pieces: tuple[tuple[int, bytes], ...]
    """(offset, bytes) of HDF5's own metadata."""
    offsets: Mapping[str, int]
    """Where each dataset's entries begin, in bytes, by its name in the segment."""


class _StreamEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    spec: StreamSpec
    rows_per_segment: int


def make_segment_image(layout: StreamLayout, scratch: Path) -> SegmentImage:
    """Have HDF5 make an empty segment of a stream and take its metadata.

    Parameters
    ----------
    scratch
        Path of a file that is made and removed again.
    """
    fid = _h5.h5f.create(bytes(scratch), _h5.h5f.ACC_TRUNC, fapl=_file_access())
    _h5.File(fid).attrs["stream"] = msgspec.json.encode(_entry(layout)).decode()
    regions: dict[str, tuple[int, int]] = {}
    for dataset in layout.datasets:
        plist = _h5.h5p.create(_h5.h5p.DATASET_CREATE)
        plist.set_alloc_time(_h5.h5d.ALLOC_TIME_EARLY)
        plist.set_fill_time(_h5.h5d.FILL_TIME_NEVER)
        space = _h5.h5s.create_simple(
            (dataset.entries_per_segment, *dataset.entry_shape)
        )
        made = _h5.h5d.create(
            fid, dataset.segment_name.encode(), _type(dataset), space, plist
        )
        regions[dataset.segment_name] = (made.get_offset(), dataset.nbytes)
    fid.close()
    size = scratch.stat().st_size
    pieces = _read_around(scratch, sorted(regions.values()), size)
    scratch.unlink()
    return SegmentImage(
        size, pieces, {name: offset for name, (offset, _) in regions.items()}
    )


def read_offsets(path: Path) -> dict[str, int]:
    """Return where each dataset of an existing segment begins, in bytes."""
    with _h5.File(path, "r") as file:
        return {
            name: file[name].id.get_offset()
            for name in (SEGMENT_INDEX, SEGMENT_PAYLOAD, SEGMENT_CHECKSUM)
            if name in file
        }


def read_segment_layout(path: Path) -> StreamLayout:
    """Return the layout of the stream that a segment is of.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with _h5.File(path, "r") as file:
        entry = msgspec.json.decode(file.attrs["stream"], type=_StreamEntry)
    return StreamLayout(entry.spec, entry.rows_per_segment)


def write_session_file(
    path: Path,
    attributes: Mapping[str, str | int],
    streams: Sequence[StreamLayout],
    extents: Mapping[str, Extent] | None = None,
    ledger: str | None = None,
) -> None:
    """Write a `session.h5` that shows the segments as one.

    Parameters
    ----------
    path
        The file, in the session's folder: sources are named relative to it.
    attributes
        Of the whole session.
    streams
        Every stream of the session.
    extents
        Committed entries by stream, for fixed mappings of true length; None for
        a session that is being recorded, whose mappings grow with the segments.
    ledger
        JSON, once the session has ended.
    """
    fid = _h5.h5f.create(bytes(path), _h5.h5f.ACC_TRUNC, fapl=_file_access())
    with _h5.File(fid) as file:
        file.attrs["format"] = FORMAT
        file.attrs["format_version"] = FORMAT_VERSION
        file.attrs.update(attributes)
        file.attrs["streams"] = _encode_streams(streams)
        for layout in streams:
            extent = None if extents is None else extents[layout.name]
            _map_stream(file, layout, extent)
        group = file.create_group(LEDGER_GROUP)
        if ledger is not None:
            group.attrs["json"] = ledger


def decode_streams(text: str) -> dict[str, StreamLayout]:
    """Return the layouts that a session file names, by stream."""
    entries = msgspec.json.decode(text, type=dict[str, _StreamEntry])
    return {
        name: StreamLayout(entry.spec, entry.rows_per_segment)
        for name, entry in entries.items()
    }


def _encode_streams(streams: Sequence[StreamLayout]) -> str:
    return msgspec.json.encode(
        {layout.name: _entry(layout) for layout in streams}
    ).decode()


def _entry(layout: StreamLayout) -> _StreamEntry:
    return _StreamEntry(layout.spec, layout.rows_per_segment)


def _file_access() -> Any:
    plist = _h5.h5p.create(_h5.h5p.FILE_ACCESS)
    plist.set_alignment(PAGE_BYTES, PAGE_BYTES)
    # else a dataset that is still referred to would keep the file open
    plist.set_fclose_degree(_h5.h5f.CLOSE_STRONG)
    plist.set_libver_bounds(_h5.h5f.LIBVER_V110, _h5.h5f.LIBVER_V110)
    return plist


def _type(dataset: DatasetLayout) -> Any:
    return _h5.h5t.py_create(dataset.dtype, logical=True)


def _read_around(
    path: Path, regions: Sequence[tuple[int, int]], size: int
) -> tuple[tuple[int, bytes], ...]:
    pieces: list[tuple[int, bytes]] = []
    begin = 0
    with path.open("rb") as file:
        for offset, nbytes in (*regions, (size, 0)):
            if offset > begin:
                file.seek(begin)
                pieces.append((begin, file.read(offset - begin)))
            begin = offset + nbytes
    return tuple(pieces)


def _map_stream(file: Any, layout: StreamLayout, extent: Extent | None) -> None:
    for dataset in layout.datasets:
        if extent is None:
            _map_growing(file, layout, dataset)
        else:
            entries = extent.payload if dataset == layout.payload else extent.rows
            _map_fixed(file, layout, dataset, entries)
    main = file[layout.datasets[0].session_path]
    for name, value in layout.attributes.items():
        kind = _h5.string_dtype() if _is_texts(value) else None
        main.attrs.create(name, value, dtype=kind)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)  # pyright: ignore[reportUnknownVariableType]


def _map_growing(file: Any, layout: StreamLayout, dataset: DatasetLayout) -> None:
    unlimited = _h5.h5s.UNLIMITED
    block = (dataset.entries_per_segment, *dataset.entry_shape)
    whole = (unlimited, *dataset.entry_shape)
    target = _h5.h5s.create_simple(block, whole)
    target.select_hyperslab(
        (0,) * len(block), (unlimited,) + (1,) * len(dataset.entry_shape), block, block
    )
    source = _h5.h5s.create_simple(block)
    source.select_all()
    plist = _h5.h5p.create(_h5.h5p.DATASET_CREATE)
    plist.set_virtual(
        target, *_source_names(dataset, layout.segment_file("%b")), source
    )
    _create(file, dataset, _h5.h5s.create_simple(block, whole), plist)


def _map_fixed(
    file: Any, layout: StreamLayout, dataset: DatasetLayout, entries: int
) -> None:
    per_segment, shape = dataset.entries_per_segment, dataset.entry_shape
    origin, ones = (0,) * len(shape), (1,) * (1 + len(shape))
    plist = _h5.h5p.create(_h5.h5p.DATASET_CREATE)
    for number, first in enumerate(range(0, entries, per_segment)):
        block = (min(per_segment, entries - first), *shape)
        target = _h5.h5s.create_simple((entries, *shape))
        target.select_hyperslab((first, *origin), ones, None, block)
        source = _h5.h5s.create_simple((per_segment, *shape))
        source.select_hyperslab((0, *origin), ones, None, block)
        names = _source_names(dataset, layout.segment_file(number))
        plist.set_virtual(target, *names, source)
    _create(file, dataset, _h5.h5s.create_simple((entries, *shape)), plist)


def _source_names(dataset: DatasetLayout, segment_file: str) -> tuple[bytes, bytes]:
    return f"segments/{segment_file}".encode(), f"/{dataset.segment_name}".encode()


def _create(file: Any, dataset: DatasetLayout, space: Any, plist: Any) -> None:
    links = _h5.h5p.create(_h5.h5p.LINK_CREATE)
    links.set_create_intermediate_group(True)
    _h5.h5d.create(
        file.id,
        dataset.session_path.encode(),
        _type(dataset),
        space,
        plist,
        lcpl=links,
    )
