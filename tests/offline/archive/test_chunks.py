"""Every entry is in one chunk, and a chunk is what its filter can take."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offline.archive.chunks import chunk_places, pack_pixels, pack_stored, pack_table
from offline.archive.filters import FILTERS, TABLE

SIDES = st.integers(1, 700)


@given(
    shape=st.tuples(st.integers(1, 9), st.integers(1, 7), st.integers(1, 5)),
    chunk=st.tuples(st.integers(1, 4), st.integers(1, 7), st.integers(1, 5)),
)
def test_chunks_cover_every_entry_once(shape, chunk):
    covered = np.zeros(shape, int)
    for place in chunk_places(shape, chunk, 0, shape[0]):
        covered[tuple(slice(b, b + n) for b, n in zip(place, chunk, strict=True))] += 1
    assert (covered == 1).all()


@given(
    filter_=st.sampled_from(list(FILTERS.values())),
    dtype=st.sampled_from([np.dtype("u1"), np.dtype("<u2")]),
    entries=st.integers(1, 10_000),
    entry=st.one_of(st.tuples(SIDES, SIDES), st.tuples(SIDES, SIDES, st.just(3))),
)
def test_a_chunk_of_pictures_fits_its_dataset(filter_, dtype, entries, entry):
    packing = pack_pixels(filter_, dtype, entries, entry)
    limits = (entries, *entry)
    assert all(1 <= n <= m for n, m in zip(packing.chunk, limits, strict=True))
    assert packing.filter.takes(dtype, entry)
    # a frame that is large enough is never unpacked together with others
    if math.prod(entry) * dtype.itemsize >= 32 * 1024:
        assert packing.chunk[0] == 1


@given(entries=st.integers(1, 10**7), size=st.integers(1, 4096))
def test_a_chunk_of_rows_is_small(entries, size):
    dtype = np.dtype(f"V{size}")
    for pack in (pack_table, pack_stored):
        (rows,) = pack(dtype, entries, ()).chunk
        assert 1 <= rows <= entries
        assert rows == 1 or rows * size <= 128 * 1024


@pytest.mark.parametrize("name", ["jpegls"])
def test_pictures_that_a_filter_cannot_take_are_packed_with_gzip(name):
    packing = pack_pixels(FILTERS[name], np.dtype("u1"), 10, (48, 64, 3))
    assert packing.filter is FILTERS["gzip"]


def test_tables_are_packed_so_that_any_hdf5_reads_them():
    assert TABLE.needs == "nothing"
    assert FILTERS["gzip"].needs == "nothing"
