"""DeepLabCut's tables of labels (``CollectedData_<scorer>``): read and written.

pandas and PyTables are what DeepLabCut itself writes them with.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from offline.dataset.labels import Labels
from rig.errors import LabelError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

__all__ = ["read_table", "table_of", "table_path", "write_table"]

_KEY = "df_with_missing"
_LEVELS = frozenset({"scorer", "individuals", "bodyparts", "coords"})
_HDF5, _NO_HDF5 = b"\x89HDF\r\n\x1a\n", "no HDF5 file"
_NEEDED = 'Expected pandas and PyTables for tables of labels, got none: pip install "'
_NEEDED += 'springhare[offline]"'


def table_path(folder: Path, scorer: str) -> Path | None:
    """Return the table of a scorer in a folder of pictures: ``.h5`` before ``.csv``."""
    for suffix in (".h5", ".csv"):
        if (path := folder / f"CollectedData_{scorer}{suffix}").is_file():
            return path
    return None


def read_table(path: Path) -> Labels:
    """Read a table of labels of one animal.

    Raises
    ------
    LabelError
        If it cannot be read, or tells of several animals.
    """
    table = _load(path)
    individuals = _names(table, "individuals")
    if len(set(individuals)) > 1:
        msg = (
            f"Expected labels of one animal, got {len(set(individuals))} in {path}: "
            "projects of several animals cannot be used"
        )
        raise LabelError(msg)
    parts = list(dict.fromkeys(_names(table, "bodyparts")))
    coords = _names(table, "coords")
    if missing := {"x", "y"} - set(coords) or not parts:
        msg = f"Expected x and y of each body part in {path}, got {missing or 'none'}"
        raise LabelError(msg)
    images = tuple(_image(row, path) for row in table.index)
    xy_px = np.empty((len(table), len(parts), 2))
    for k, part in enumerate(parts):
        for axis, coord in enumerate("xy"):
            column = _column(table, part, coord, path)
            xy_px[:, k, axis] = column
    xy_px[~np.isfinite(xy_px).all(axis=2)] = np.nan
    return Labels(images, tuple(map(str, parts)), xy_px)


def table_of(labels: Labels, scorer: str) -> pd.DataFrame:
    """Return labels as DeepLabCut has them, rows by the folders of their pictures."""
    pandas = _pandas()
    columns = pandas.MultiIndex.from_product(
        [[scorer], list(labels.bodyparts), ["x", "y"]],
        names=["scorer", "bodyparts", "coords"],
    )
    rows = pandas.MultiIndex.from_tuples([image.parts for image in labels.images])
    values = labels.xy_px.reshape(len(labels.images), -1)
    return pandas.DataFrame(values, index=rows, columns=columns)


def write_table(folder: Path, labels: Labels, scorer: str) -> Path:
    """Write labels of one folder's pictures as ``.h5`` and ``.csv``; return the first.

    Raises
    ------
    LabelError
        If a table is there already, or cannot be written.
    """
    if found := table_path(folder, scorer):
        msg = f"Expected a folder without labels of {scorer}, got {found}"
        raise LabelError(msg)
    path = folder / f"CollectedData_{scorer}.h5"
    table = table_of(labels, scorer)
    try:
        table.to_csv(path.with_suffix(".csv"))
        table.to_hdf(path, key=_KEY, mode="w")
    except OSError as error:
        msg = f"Expected to write {path}, got {error}"
        raise LabelError(msg) from error
    return path


def _load(path: Path) -> pd.DataFrame:
    pandas = _pandas()
    try:
        if path.suffix != ".h5":
            return _load_csv(pandas, path)
        _require_hdf5(path)
        return pandas.read_hdf(path)
    except (OSError, RuntimeError, ValueError, KeyError, IndexError) as error:
        told = str(error).strip().splitlines() or [type(error).__name__]
        msg = f"Expected DeepLabCut's table of labels in {path}, got {told[-1]}"
        raise LabelError(msg) from error


def _require_hdf5(path: Path) -> None:
    """Raise an OSError where PyTables would raise an error of its own."""
    with path.open("rb") as file:
        if file.read(len(_HDF5)) != _HDF5:
            raise OSError(_NO_HDF5)


def _load_csv(pandas: Any, path: Path) -> pd.DataFrame:
    with path.open(encoding="utf-8") as file:
        heads = [file.readline().rstrip("\r\n").split(",") for _ in range(4)]
    rows = [k for k, head in enumerate(heads) if head[0] in _LEVELS]
    # names of pictures take one column or three; a level's own name stands in the first
    index = sum(1 for cell in heads[0] if cell in {"", "scorer"})
    table = pandas.read_csv(path, header=rows, index_col=list(range(index)))
    table.columns.names = [heads[k][0] for k in rows]
    return table


def _names(table: pd.DataFrame, level: str) -> list[str]:
    if level not in table.columns.names:
        return []
    return [str(name) for name in table.columns.get_level_values(level)]


def _column(table: pd.DataFrame, part: str, coord: str, path: Path) -> Any:
    chosen = [
        k
        for k, names in enumerate(
            zip(_names(table, "bodyparts"), _names(table, "coords"), strict=True)
        )
        if names == (part, coord)
    ]
    if len(chosen) != 1:
        msg = f"Expected one {coord} of {part} in {path}, got {len(chosen)}"
        raise LabelError(msg)
    try:
        return table.iloc[:, chosen[0]].to_numpy(np.float64)
    except ValueError as error:
        msg = f"Expected numbers for {coord} of {part} in {path}, got {error}"
        raise LabelError(msg) from error


def _image(row: Any, path: Path) -> PurePosixPath:
    """Return a row's picture: names come in one piece or three, of any system."""
    parts = row if isinstance(row, tuple) else (row,)
    name = "/".join(str(part) for part in parts).replace("\\", "/")
    image = PurePosixPath(name)
    # wherever the project was when it was labelled, and whatever the folder's name is
    return PurePosixPath("labeled-data", path.parent.name, image.name)


def _pandas() -> Any:
    try:
        import pandas as pd
        import tables  # noqa: F401 - pandas asks for it only when it is needed
    except ImportError as error:
        raise LabelError(_NEEDED) from error
    return pd
