import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from inference.runners.peaks import decode_peaks


@given(
    bodyparts=st.integers(1, 12),
    rows=st.integers(1, 9),
    columns=st.integers(1, 9),
    seed=st.integers(0, 2**32 - 1),
)
def test_is_deeplabcuts_own_loop(bodyparts, rows, columns, seed):
    rng = np.random.default_rng(seed)
    heatmap = rng.random((bodyparts, rows, columns), np.float32)
    locref = rng.normal(size=(2 * bodyparts, rows, columns)).astype(np.float32)

    found = decode_peaks(heatmap, locref, stride_px=8, locref_stdev_px=7.2801)

    for k in range(bodyparts):
        y, x = np.unravel_index(heatmap[k].argmax(), heatmap[k].shape)
        expected = [
            x * 8 + 4 + 7.2801 * locref[2 * k, y, x],
            y * 8 + 4 + 7.2801 * locref[2 * k + 1, y, x],
            heatmap[k, y, x],
        ]
        np.testing.assert_allclose(found[k], expected, rtol=1e-6, atol=1e-5)


def test_takes_transposed_maps():
    rng = np.random.default_rng(0)
    heatmap = rng.random((5, 6, 3), np.float32)
    locref = rng.random((5, 6, 6), np.float32)
    moved = np.moveaxis(heatmap, -1, 0), np.moveaxis(locref, -1, 0)
    whole = tuple(np.ascontiguousarray(part) for part in moved)
    np.testing.assert_array_equal(
        decode_peaks(*moved, stride_px=4, locref_stdev_px=1),
        decode_peaks(*whole, stride_px=4, locref_stdev_px=1),
    )
