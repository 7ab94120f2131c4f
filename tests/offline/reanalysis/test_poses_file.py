"""Files of poses: ours, DeepLabCut's, and what is neither."""

import json

import msgspec
import numpy as np
import pandas as pd
import pytest

from offline.reanalysis.poses_file import (
    PosesInfo,
    read_info,
    read_poses,
    sidecar_path,
    write_poses,
)
from rig.errors import SessionError, VersionError

PARTS = ("nose", "hip")


@pytest.fixture
def info():
    return PosesInfo(
        model="m",
        model_sha256="0",
        engine="onnx",
        provider="cpu",
        resize=1.0,
        batch=1,
        springhare="0",
        source="s",
        source_xxh3="1",
        width_px=8,
        height_px=6,
        colour=False,
        frames=5,
        complete=True,
    )


@pytest.fixture
def poses():
    found = np.random.default_rng(1).normal(size=(5, 2, 3)).astype(np.float32)
    found[2, 1, :2] = np.nan
    return found


@pytest.fixture
def file(tmp_path, info, poses):
    path = tmp_path / "m.h5"
    write_poses(path, PARTS, poses, scorer="DLC_m", info=info)
    return path


def table_of(columns, values, names):
    return pd.DataFrame(values, columns=pd.MultiIndex.from_tuples(columns, names=names))


class TestOurs:
    def test_what_is_written_is_read(self, file, poses, info):
        found = read_poses(file)
        assert found.bodyparts == PARTS
        assert found.scorer == "DLC_m"
        assert found.frames.tolist() == [0, 1, 2, 3, 4]
        assert found.poses.tobytes() == poses.tobytes()
        assert msgspec.structs.replace(found.info, poses_xxh3="") == info

    def test_it_is_the_table_that_deeplabcut_writes(self, file):
        table = pd.read_hdf(file, key="df_with_missing")
        assert table.columns.names == ["scorer", "bodyparts", "coords"]
        assert table.columns.tolist()[:4] == [
            ("DLC_m", "nose", "x"),
            ("DLC_m", "nose", "y"),
            ("DLC_m", "nose", "likelihood"),
            ("DLC_m", "hip", "x"),
        ]
        assert table.index.tolist() == [0, 1, 2, 3, 4]

    def test_movement_reads_it(self, file, poses):
        load_poses = pytest.importorskip("movement.io.load_poses")
        found = load_poses.from_dlc_file(file, fps=25)
        position = found.position.transpose("time", "keypoints", "space", "individuals")
        assert np.array_equal(position[..., 0], poses[..., :2], equal_nan=True)

    def test_nothing_else_is_left(self, file):
        assert sorted(path.name for path in file.parent.iterdir()) == ["m.h5", "m.json"]

    def test_a_folder_that_is_not_there(self, tmp_path, info, poses):
        with pytest.raises(SessionError, match="Expected to write"):
            write_poses(tmp_path / "no" / "m.h5", PARTS, poses, scorer="d", info=info)


class TestOthers:
    def test_deeplabcuts_own_has_no_sidecar(self, file):
        sidecar_path(file).unlink()
        assert read_poses(file).info is None

    def test_rows_need_not_begin_with_0(self, tmp_path):
        columns = [("d", "nose", c) for c in ("x", "y", "likelihood")]
        names = ["scorer", "bodyparts", "coords"]
        table = table_of(columns, np.eye(3), names)
        table.index = [7, 9, 12]
        table.to_hdf(tmp_path / "d.h5", key="df_with_missing")
        assert read_poses(tmp_path / "d.h5").frames.tolist() == [7, 9, 12]

    @pytest.mark.parametrize(
        ("columns", "names", "words"),
        [
            (
                [("d", "a", "nose", c) for c in ("x", "y", "likelihood")],
                ["scorer", "individuals", "bodyparts", "coords"],
                "several animals",
            ),
            (
                [("d", "nose", c) for c in ("x", "y", "z")],
                ["scorer", "bodyparts", "coords"],
                "x, y and likelihood",
            ),
            ([("x",), ("y",), ("z",)], ["coords"], "Expected columns by scorer"),
        ],
    )
    def test_other_tables(self, tmp_path, columns, names, words):
        path = tmp_path / "other.h5"
        table_of(columns, np.eye(3), names).to_hdf(path, key="df_with_missing")
        with pytest.raises(SessionError, match=words):
            read_poses(path)

    def test_no_table_at_all(self, tmp_path):
        path = tmp_path / "text.h5"
        path.write_text("x")
        with pytest.raises(SessionError, match="no HDF5 file"):
            read_poses(path)
        with pytest.raises(SessionError, match="Expected poses as DeepLabCut"):
            read_poses(tmp_path / "missing.h5")
        pd.DataFrame({"a": [1]}).to_hdf(path, key="other", mode="w")
        with pytest.raises(SessionError, match="df_with_missing"):
            read_poses(path)


class TestSidecar:
    def change(self, file, **fields):
        said = json.loads(sidecar_path(file).read_text())
        sidecar_path(file).write_text(json.dumps({**said, **fields}))

    def test_of_another_file(self, file):
        self.change(file, poses_xxh3="0")
        with pytest.raises(SessionError, match="was one of them replaced"):
            read_info(file)

    def test_of_another_version(self, file):
        self.change(file, format="springhare-poses/2")
        with pytest.raises(VersionError, match="got springhare-poses/2"):
            read_poses(file)

    def test_of_other_counts(self, file):
        self.change(file, frames=4)
        with pytest.raises(SessionError, match="Expected 4 poses"):
            read_poses(file)

    def test_that_is_none(self, file):
        sidecar_path(file).write_text("{")
        with pytest.raises(SessionError, match="Expected who saw the poses"):
            read_poses(file)
