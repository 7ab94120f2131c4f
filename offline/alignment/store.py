"""`derived/aligned.h5`: the session time of every element, for any program.

Made whole under a temporary name and put in place by rename; the recording itself is
never touched.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import h5py  # pyright: ignore[reportMissingTypeStubs]
import msgspec

from offline.alignment import layout
from rig.recording.disk import publish

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from offline.alignment.result import (
        AlignedStream,
        Alignment,
        Evidence,
        StreamSummary,
    )

__all__ = ["write_aligned"]

_h5: Any = h5py
_CHUNK = 1 << 14
_EVIDENCE = ("source_ns", "target_ns", "time_s", "residual_ns", "sd_ns", "ppm")


def write_aligned(
    path: Path,
    alignment: Alignment,
    streams: Mapping[str, AlignedStream],
    evidence: Mapping[tuple[str, str], Evidence],
) -> None:
    """Write an alignment; an older one at this path is replaced as a whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with _h5.File(draft, "w") as file:
            _head(file, alignment)
            about = {summary.stream: summary for summary in alignment.streams}
            for name, stream in streams.items():
                group = file.create_group(name)
                _put(group, layout.TIME, stream.time_ns)
                _put(group, layout.SD, stream.sd_ns)
                _put(group, layout.RUNS, layout.runs_of(stream.time_ns))
                if stream.row is not None:
                    _put(group, layout.ROW, stream.row)
                if stream.frame_id is not None:
                    _put(group, layout.FRAME_ID, stream.frame_id)
                if name in about:
                    _describe(group, about[name])
            _relations(file, alignment, evidence)
        publish(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _head(file: Any, alignment: Alignment) -> None:
    file.attrs["format"] = layout.ALIGNED_FORMAT
    file.attrs["format_version"] = layout.ALIGNED_VERSION
    file.attrs["session_id"] = alignment.source
    file.attrs["reference"] = alignment.reference
    file.attrs["origin_ns"] = alignment.origin_ns
    file.attrs["started_utc"] = alignment.started_utc or ""
    file.attrs["level"] = alignment.level
    file.attrs["json"] = alignment.to_json()


def _describe(group: Any, summary: StreamSummary) -> None:
    group.attrs["kind"] = summary.kind
    group.attrs["clock"] = summary.clock
    group.attrs["path"] = list(summary.path)
    if summary.rate_hz is not None:
        group.attrs["rate_hz"] = summary.rate_hz


def _relations(
    file: Any, alignment: Alignment, evidence: Mapping[tuple[str, str], Evidence]
) -> None:
    for relation in alignment.relations:
        proof = evidence.get((relation.source, relation.target))
        if proof is None:
            continue
        group = file.require_group(
            f"{layout.RELATIONS}/"
            f"{layout.relation_name(relation.source, relation.target)}"
        )
        for name in _EVIDENCE:
            if name not in group:
                _put(group, name, getattr(proof, name))
        for name, value in msgspec.to_builtins(relation).items():
            if isinstance(value, (str, int, float, bool)):
                group.attrs[name] = value


def _put(group: Any, name: str, values: NDArray[Any]) -> None:
    if not len(values):  # HDF5 packs nothing but what is there
        group.create_dataset(name, data=values)
        return
    chunks = (min(_CHUNK, len(values)), *values.shape[1:])
    group.create_dataset(
        name,
        data=values,
        chunks=chunks,
        shuffle=True,
        compression="gzip",
        compression_opts=1,
    )
