"""The measurement behind the choice of a filter: every candidate on real frames.

What is best depends on the camera's noise, so it is measured on a session's own
frames, or on a film's; a film that was compressed once has lost its noise, which
can be added again.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import av
import h5py  # pyright: ignore[reportMissingTypeStubs]
import msgspec
import numpy as np

from offline.archive.chunks import Packing, pack_pixels
from offline.archive.filters import (
    FILTERS,
    STORED,
    Filter,
    Needs,
    plugin,
    require_filter,
)
from offline.archive.trial import try_packing
from rig.errors import SessionError, SpringhareError
from rig.recording.reader import Recording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from offline.archive.filters import Properties

__all__ = ["Measured", "measure", "sample_frames"]

_h5: Any = h5py
_RUNS, _RUN_LENGTH = 2, 16
"""Frames are taken in runs, for what looks from one frame to the next."""
_TILES = 8
"""Into how many tiles a picture is cut along each side, where it is."""
_SEED = 20_260


class Measured(msgspec.Struct, frozen=True):
    """One candidate on one kind of frames."""

    frames: str
    """Of which source, with what noise."""
    filter: str
    chunk: tuple[int, ...]
    needs: Needs
    ratio: float
    encode_mb_per_s: float
    """Of one core."""
    decode_mb_per_s: float
    """Of one core, read chunk by chunk."""
    exact: bool
    offered: bool
    """Whether ``--filter`` takes it, with these chunks."""


def sample_frames(path: Path) -> dict[str, NDArray[Any]]:
    """Return some frames of a session's cameras, or of a film, by name.

    Raises
    ------
    SpringhareError
        If there are none.
    """
    is_film = path.is_file() and not _h5.is_hdf5(path)
    found = {path.name: _film_frames(path)} if is_film else dict(_session_frames(path))
    if not found:
        msg = f"Expected cameras with frames in {path}, got none: name another session"
        raise SessionError(msg)
    return found


def measure(
    frames: NDArray[Any],
    name: str,
    noises: Sequence[float],
    tell: Callable[[str], None],
) -> list[Measured]:
    """Try every candidate on some frames.

    Parameters
    ----------
    frames
        (n, height, width) or (n, height, width, colours).
    noises
        Standard deviations of noise that is added, in grey levels; 0 adds none.
    tell
        Called with what is tried next.
    """
    found: list[Measured] = []
    for noise in noises:
        noisy = _with_noise(frames, noise)
        label = f"{name} + noise {noise:g}" if noise else name
        for packing in _candidates(frames):
            tell(f"{label}: {packing.filter.name} {packing.chunk}")
            found.append(_measured(noisy, label, packing))
    return found


def _measured(frames: NDArray[Any], label: str, packing: Packing) -> Measured:
    trial = try_packing(frames, packing)
    filter_ = packing.filter
    own = pack_pixels(filter_, frames.dtype, len(frames), frames.shape[1:])
    return Measured(
        label,
        filter_.name,
        packing.chunk,
        filter_.needs,
        trial.ratio,
        trial.encode_mb_per_s,
        trial.decode_mb_per_s,
        trial.exact,
        filter_.name in FILTERS and packing == own,
    )


def _candidates(frames: NDArray[Any]) -> Iterator[Packing]:
    shape, dtype = frames.shape[1:], frames.dtype
    together = min(_RUN_LENGTH, len(frames))
    tile = tuple(max(1, n // _TILES) for n in shape[:2])
    for filter_ in (*FILTERS.values(), *_others()):
        if not (_is_there(filter_) and filter_.takes(dtype, shape)):
            continue
        yield pack_pixels(filter_, dtype, len(frames), shape)
        if not filter_.one_picture and filter_ is not STORED:
            yield Packing(filter_, (together, *shape))
            yield Packing(filter_, (together, *tile, *shape[2:]))


def _is_there(filter_: Filter) -> bool:
    try:
        require_filter(filter_)
    except SpringhareError:
        return False
    return True


def _others() -> Iterator[Filter]:
    """Yield what was measured and not chosen."""
    yield _plain("gzip 1", "nothing", compression="gzip", compression_opts=1)
    yield _plain("gzip 4", "nothing", compression="gzip", compression_opts=4)
    yield _plain("lzf", "nothing", compression="lzf")
    try:
        plugins = plugin()
    except SpringhareError:
        return
    blosc, needs = plugins.Blosc2, "hdf5plugin"
    delta = {"cname": "zstd", "clevel": 1, "filters": blosc.DELTA}
    yield _plain("bitshuffle zstd", needs, plugins.Bitshuffle(cname="zstd", clevel=1))
    yield _plain(
        "blosc2 lz4", needs, blosc(cname="lz4", filters=blosc.BITSHUFFLE, clevel=5)
    )
    yield _plain(
        "blosc2 zstd", needs, blosc(cname="zstd", filters=blosc.BITSHUFFLE, clevel=1)
    )
    yield _plain("blosc2 delta", needs, blosc(**delta))
    yield _plain("lz4", needs, plugins.LZ4())
    yield _plain("zstd 1", needs, plugins.Zstd(clevel=1))
    yield _plain("zstd 3", needs, plugins.Zstd(clevel=3))


def _plain(
    name: str, needs: Needs, properties: Properties | None = None, **more: Any
) -> Filter:
    found = {**(properties or {}), **more}
    return Filter(name, "", needs, lambda dtype: found)


def _with_noise(frames: NDArray[Any], noise: float) -> NDArray[Any]:
    if not noise:
        return frames
    generator = np.random.default_rng(_SEED)
    noisy = np.rint(frames + generator.normal(0.0, noise, frames.shape))
    return np.clip(noisy, 0, np.iinfo(frames.dtype).max).astype(frames.dtype)


def _session_frames(path: Path) -> Iterator[tuple[str, NDArray[Any]]]:
    with Recording.open(path) as recording:
        for name, spec in recording.streams.items():
            count = recording.count(name)
            if spec.kind == "frames" and count:
                runs = [
                    recording.payload(name, first, first + _RUN_LENGTH)
                    for first in _beginnings(count)
                ]
                yield name, np.concatenate(runs)


def _film_frames(path: Path) -> NDArray[Any]:
    wanted = _RUNS * _RUN_LENGTH
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        skipped = max(0, stream.frames // 2 - wanted)
        taken = islice(film.decode(video=0), skipped, skipped + wanted)
        found = [frame.to_ndarray(format="gray") for frame in taken]
    return np.stack(found)


def _beginnings(count: int) -> list[int]:
    last = max(0, count - _RUN_LENGTH)
    return sorted({last // 3, 2 * last // 3} if last else {0})
