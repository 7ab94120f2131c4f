"""The filters that pixels can be packed with, and the one for everything else.

All of them are lossless and belong to HDF5 itself or to a registered plugin, so
that the file is read by any HDF5. Which to take is a matter of what must be
installed where it is read; the figures behind the choice are in the README.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import h5py  # pyright: ignore[reportMissingTypeStubs]

from rig.errors import SpringhareError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    Properties = Mapping[str, Any]

__all__ = [
    "DEFAULT_FILTER",
    "FILTERS",
    "STORED",
    "TABLE",
    "DeflateSettings",
    "Filter",
    "Needs",
    "plugin",
    "require_filter",
]

_h5: Any = h5py

Needs = Literal["nothing", "libaec", "hdf5plugin"]
"""What must be there, beside HDF5, to read what a filter packed."""

_PLAIN_SIZES = (1, 2)
"""Bytes of a pixel that the filters for pictures take."""


@dataclass(frozen=True, slots=True)
class DeflateSettings:
    """How gzip's own library is to pack; any gzip filter unpacks it."""

    level: int
    memory_level: int
    """The smaller, the oftener the code adapts: 4 gives blocks of 1024 bytes."""
    runs_only: bool
    """Look for runs and no other repetition, of which noise has none."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A way to pack a dataset's chunks."""

    name: str
    text: str
    """What it is good for."""
    needs: Needs
    properties: Callable[[np.dtype[Any]], Properties]
    """What h5py's `create_dataset` must be told, for a type of pixel."""
    tile_px: int | None = None
    """About how wide a chunk is; None for whole rows of pixels."""
    planes: bool = False
    """Whether each colour has chunks of its own."""
    one_picture: bool = False
    """Whether a chunk must be one grey picture."""
    deflate: DeflateSettings | None = None
    """None where HDF5 itself packs."""

    def takes(self, dtype: np.dtype[Any], entry_shape: tuple[int, ...]) -> bool:
        """Tell whether pictures of a type and shape can be packed."""
        if self.needs == "nothing":
            return True
        grey = len(entry_shape) == 2
        return dtype.itemsize in _PLAIN_SIZES and (grey or not self.one_picture)


def _gzip(dtype: np.dtype[Any]) -> Properties:
    several = dtype.itemsize > 1
    return {"compression": "gzip", "compression_opts": 4, "shuffle": several}


def _szip(dtype: np.dtype[Any]) -> Properties:
    return {"compression": "szip", "compression_opts": ("nn", 32)}


def _jpegls(dtype: np.dtype[Any]) -> Properties:
    return plugin().FciDecomp()


def _bitshuffle(dtype: np.dtype[Any]) -> Properties:
    return plugin().Bitshuffle(cname="lz4")


def _nothing(dtype: np.dtype[Any]) -> Properties:
    return {}


_OFFERED = (
    Filter(
        "gzip",
        "opens in any HDF5, on any system",
        "nothing",
        _gzip,
        tile_px=80,
        planes=True,
        deflate=DeflateSettings(level=1, memory_level=4, runs_only=True),
    ),
    Filter(
        "szip",
        "smaller and faster; HDF5's own, but not in h5py from PyPI on Windows and Mac",
        "libaec",
        _szip,
        planes=True,
    ),
    Filter(
        "jpegls",
        "smallest, for grey cameras; needs hdf5plugin to read",
        "hdf5plugin",
        _jpegls,
        one_picture=True,
    ),
    Filter(
        "bitshuffle",
        "fastest to pack and to read; needs hdf5plugin to read",
        "hdf5plugin",
        _bitshuffle,
    ),
    Filter("none", "not compressed, only folded into one file", "nothing", _nothing),
)
FILTERS: Mapping[str, Filter] = {filter_.name: filter_ for filter_ in _OFFERED}
"""Filters for pixels, by name."""
DEFAULT_FILTER = "gzip"
STORED = FILTERS["none"]
TABLE = Filter(
    "gzip",
    "for samples, poses and tables",
    "nothing",
    _gzip,
    deflate=DeflateSettings(level=4, memory_level=8, runs_only=False),
)


def require_filter(filter_: Filter) -> None:
    """Refuse a filter that this machine cannot pack with.

    Raises
    ------
    SpringhareError
        If something is not installed.
    """
    if filter_.needs == "hdf5plugin":
        plugin()
    elif filter_.needs == "libaec" and not _packs_szip():
        msg = (
            "Expected an HDF5 with szip, got one without: take another --filter, or "
            "an h5py that has it (conda-forge's, or PyPI's for Linux)"
        )
        raise SpringhareError(msg)


def plugin() -> Any:
    """Return the package of HDF5's registered plugins; with it they are known.

    Raises
    ------
    SpringhareError
        If it is not installed.
    """
    # one thread a process: the work is spread over processes
    os.environ.setdefault("BLOSC_NTHREADS", "1")
    try:
        import hdf5plugin
    except ImportError as error:
        msg = (
            "Expected hdf5plugin for this filter, it is not installed: pip install "
            "hdf5plugin"
        )
        raise SpringhareError(msg) from error
    return hdf5plugin


def _packs_szip() -> bool:
    h5z = _h5.h5z
    if not h5z.filter_avail(h5z.FILTER_SZIP):
        return False
    can = h5z.get_filter_info(h5z.FILTER_SZIP)
    return bool(can & h5z.FILTER_CONFIG_ENCODE_ENABLED)
