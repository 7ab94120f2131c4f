"""Tables as DeepLabCut writes and reads them, of any of its ages."""

import numpy as np
import pandas as pd
import pytest

from offline.dataset.tables import read_table, table_of, table_path, write_table
from rig.errors import LabelError


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "labeled-data" / "left"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("suffix", [".h5", ".csv"])
def test_what_was_written_is_read(folder, labels_of, suffix):
    labels = labels_of()
    path = write_table(folder, labels, "me").with_suffix(suffix)
    found = read_table(path)
    assert (found.images, found.bodyparts) == (labels.images, labels.bodyparts)
    assert np.array_equal(found.xy_px, labels.xy_px, equal_nan=True)


@pytest.mark.parametrize("suffix", [".h5", ".csv"])
@pytest.mark.parametrize("windows", [False, True])
def test_names_of_pictures_in_one_piece_are_read(folder, labels_of, suffix, windows):
    labels = labels_of()
    table = table_of(labels, "me")
    mark = "\\" if windows else "/"
    table.index = pd.Index([mark.join(names) for names in table.index])
    path = folder / f"CollectedData_me{suffix}"
    if suffix == ".csv":
        table.to_csv(path)
    else:
        table.to_hdf(path, key="df_with_missing", mode="w")
    found = read_table(path)
    assert found.images == labels.images
    assert np.array_equal(found.xy_px, labels.xy_px, equal_nan=True)


def test_h5_goes_before_csv(folder, labels_of):
    write_table(folder, labels_of(), "me")
    assert table_path(folder, "me").suffix == ".h5"
    (folder / "CollectedData_me.h5").unlink()
    assert table_path(folder, "me").suffix == ".csv"
    assert table_path(folder, "you") is None


def test_likelihoods_are_left_aside(folder, labels_of):
    labels = labels_of()
    table = table_of(labels, "me")
    table["me", "nose", "likelihood"] = 1.0
    path = folder / "CollectedData_me.h5"
    table.to_hdf(path, key="df_with_missing", mode="w")
    assert np.array_equal(read_table(path).xy_px, labels.xy_px, equal_nan=True)


def test_half_a_point_is_none(folder, labels_of):
    labels = labels_of()
    labels.xy_px[0, 0, 1] = np.nan
    path = write_table(folder, labels, "me")
    assert np.isnan(read_table(path).xy_px[0, 0]).all()


def test_labels_are_never_overwritten(folder, labels_of):
    path = write_table(folder, labels_of(), "me")
    before = path.read_bytes()
    with pytest.raises(LabelError, match="without labels of me"):
        write_table(folder, labels_of(numbers=(5,)), "me")
    assert path.read_bytes() == before


def test_several_animals_are_refused(folder, labels_of):
    table = table_of(labels_of(), "me")
    both = pd.concat({"m1": table, "m2": table}, axis=1, names=["individuals"])
    both = both.reorder_levels(["scorer", "individuals", "bodyparts", "coords"], axis=1)
    for suffix in (".h5", ".csv"):
        path = folder / f"CollectedData_me{suffix}"
        if suffix == ".csv":
            both.to_csv(path)
        else:
            both.to_hdf(path, key="df_with_missing", mode="w")
        with pytest.raises(LabelError, match="one animal, got 2"):
            read_table(path)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("CollectedData_me.csv", "", "Expected DeepLabCut's table"),
        ("CollectedData_me.csv", "a,b\n1,2\n", "Expected"),
        (
            "CollectedData_me.csv",
            "scorer,me,me\nbodyparts,nose,nose\ncoords,x,y\nlabeled-data/a/i.png,1,two\n",
            "Expected numbers for y of nose",
        ),
        (
            "CollectedData_me.csv",
            "scorer,me\nbodyparts,nose\ncoords,x\nlabeled-data/a/i.png,1\n",
            "Expected x and y",
        ),
        ("CollectedData_me.h5", "no HDF5", "Expected DeepLabCut's table"),
    ],
)
def test_what_is_no_table_is_refused(folder, name, text, words):
    (folder / name).write_text(text)
    with pytest.raises(LabelError, match=words):
        read_table(folder / name)
