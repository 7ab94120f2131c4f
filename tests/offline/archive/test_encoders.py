"""What an encoder gives, HDF5 itself unpacks, bit for bit."""

from __future__ import annotations

import subprocess
import sys

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from offline.archive.chunks import Packing, chunk_places, pack_pixels, pack_table
from offline.archive.encoders import packed
from offline.archive.filters import FILTERS, require_filter
from offline.archive.trial import try_packing


def _picture(kind, shape, dtype):
    generator = np.random.default_rng(3)
    if kind == "flat":
        return np.full(shape, 7, dtype)
    if kind == "noise":
        return generator.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)
    slope = np.add.outer(np.arange(shape[1]), np.arange(shape[2])).reshape(
        1, shape[1], shape[2], *(1,) * (len(shape) - 3)
    )
    return (slope + generator.normal(60, 3, shape)).clip(0, 255).astype(dtype)


def _written(block, packing):
    """Write a block by chunks, as the archive does, and read it with HDF5."""
    with h5py.File("chunks", "w", driver="core", backing_store=False) as file:
        dataset = file.create_dataset(
            "d",
            block.shape,
            block.dtype,
            chunks=packing.chunk,
            **packing.filter.properties(block.dtype),
        )
        for place in chunk_places(block.shape, packing.chunk, 0, len(block)):
            mask, data = packed(block, place, packing)
            dataset.id.write_direct_chunk(place, data, mask)
        del dataset  # HDF5 looks at the masks only when it opens a dataset
        return file["d"][...]


@pytest.mark.parametrize("name", list(FILTERS))
@pytest.mark.parametrize("kind", ["flat", "noise", "film"])
@pytest.mark.parametrize("dtype", ["u1", "<u2"])
@pytest.mark.parametrize("shape", [(5, 48, 90), (2, 201, 333), (3, 24, 31, 3)])
def test_every_filter_gives_back_every_bit(name, kind, dtype, shape):
    require_filter(FILTERS[name])
    block = _picture(kind, shape, np.dtype(dtype))
    packing = pack_pixels(FILTERS[name], block.dtype, len(block), block.shape[1:])
    assert _written(block, packing).tobytes() == block.tobytes()
    assert try_packing(block, packing).exact


@given(
    block=arrays.arrays(
        st.sampled_from([np.dtype("u1"), np.dtype("<i2"), np.dtype("<f8")]),
        st.tuples(st.integers(1, 40), st.integers(1, 9)),
        elements={"allow_subnormal": False},
    ),
    rows=st.integers(1, 40),
)
def test_tables_come_back_also_where_the_last_chunk_is_cut_off(block, rows):
    packing = pack_table(block.dtype, len(block), block.shape[1:])
    packing = Packing(packing.filter, (min(rows, len(block)), *block.shape[1:]))
    assert _written(block, packing).tobytes() == block.tobytes()


@given(entries=st.integers(1, 90), rows=st.integers(1, 40), seed=st.integers(0, 99))
def test_what_lies_between_fields_comes_back_too(entries, rows, seed):
    """Also in a last chunk that is cut off: checksums vouch for it."""
    fields = {"names": ["seq", "host_ns"], "formats": ["<i8"] * 2, "offsets": [0, 16]}
    dtype = np.dtype(fields | {"itemsize": 64})
    block = np.frombuffer(np.random.default_rng(seed).bytes(64 * entries), dtype)
    packing = pack_table(dtype, entries, ())
    packing = Packing(packing.filter, (min(rows, entries),))
    assert _written(block, packing).tobytes() == block.tobytes()


@pytest.mark.parametrize("noise", [1.5, 3.0])
def test_gzip_is_smaller_than_gzip_as_hdf5_has_it_where_there_is_noise(noise):
    generator = np.random.default_rng(1)
    light = np.add.outer(np.arange(480) / 6, np.arange(640) / 8)
    frames = (light + generator.normal(40, noise, (4, 480, 640))).astype("u1")
    ours = try_packing(
        frames, pack_pixels(FILTERS["gzip"], frames.dtype, 4, (480, 640))
    )
    with h5py.File("g", "w", driver="core", backing_store=False) as file:
        theirs = file.create_dataset(
            "d", data=frames, chunks=(1, 480, 640), compression="gzip"
        )
        assert ours.stored < 0.85 * theirs.id.get_storage_size()


def test_the_command_line_loads_no_plugin_before_it_is_asked_to():
    code = (
        "import sys, offline.commands.sessions; "
        "print({'hdf5plugin', 'h5py', 'av', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
