"""A DeepLabCut project of one animal: taken as it is, and made for a new rig.

Reading needs no DeepLabCut. A project that somebody else made is never rewritten but
for pictures that are added to it, and the list of its videos.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from offline.dataset.labels import Labels
from offline.dataset.tables import read_table, table_path
from rig.errors import LabelError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["CONFIG_FILE", "LABELED_DATA", "Project", "open_project"]

CONFIG_FILE, LABELED_DATA = "config.yaml", "labeled-data"
_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"})
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Project:
    """A project as it is on the disk."""

    folder: Path
    task: str
    scorer: str
    bodyparts: tuple[str, ...]
    skeleton: tuple[tuple[str, str], ...]
    """Bones: pairs of body parts."""
    pictures: tuple[PurePosixPath, ...]
    """All of them, labelled or not, relative to the folder."""
    labels: Labels
    """Of all folders of pictures that the project's scorer has labelled."""
    remarks: tuple[str, ...] = ()
    """What was left aside, in words."""

    def require_labels(self) -> Labels:
        """Return pictures of which at least one part is labelled.

        Raises
        ------
        LabelError
            If there are none.
        """
        labels = self.labels.of(self.labels.is_labelled.any(axis=1))
        if not labels.images:
            msg = (
                f"Expected labelled pictures in {self.folder}, got none of "
                f"{len(self.pictures)} labelled by {self.scorer}: label them "
                "(springhare label)"
            )
            raise LabelError(msg)
        return labels


def open_project(path: Path) -> Project:
    """Open a project by its folder or its ``config.yaml``.

    Raises
    ------
    LabelError
        If it is not what it must be: each of its faults in words.
    """
    folder = path.parent if path.name == CONFIG_FILE else path
    config = _config(folder / CONFIG_FILE)
    bodyparts = _bodyparts(config, folder)
    scorer = str(config.get("scorer") or "")
    tables, remarks = _tables(folder, scorer)
    labels = Labels.joined([read_table(table) for table in tables], bodyparts)
    _require_pictures(folder, labels)
    pictures = sorted(
        PurePosixPath(found.relative_to(folder).as_posix())
        for found in (folder / LABELED_DATA).glob("*/*")
        if found.suffix.lower() in _PICTURES
    )
    return Project(
        folder=folder,
        task=str(config.get("Task") or folder.name),
        scorer=scorer,
        bodyparts=bodyparts,
        skeleton=_skeleton(config, bodyparts),
        pictures=tuple(pictures),
        labels=labels,
        remarks=tuple(remarks),
    )


def _config(path: Path) -> Mapping[str, Any]:
    try:
        config = YAML(typ="safe", pure=True).load(path)
    except OSError as error:
        msg = (
            f"Expected a DeepLabCut project with {path}, got {error.strerror}: name "
            "the project's folder, or make one (springhare frames pick)"
        )
        raise LabelError(msg) from error
    except (YAMLError, UnicodeDecodeError) as error:
        msg = f"Expected DeepLabCut's settings in {path}, got no YAML: {error}"
        raise LabelError(msg) from error
    if not isinstance(config, dict):
        msg = f"Expected DeepLabCut's settings in {path}, got {type(config).__name__}"
        raise LabelError(msg)
    return config


def _bodyparts(config: Mapping[str, Any], folder: Path) -> tuple[str, ...]:
    if config.get("multianimalproject"):
        msg = f"Expected a project of one animal, got one of several in {folder}"
        raise LabelError(msg)
    parts = config.get("bodyparts")
    if not isinstance(parts, list) or not parts:
        msg = f"Expected a list of bodyparts in {folder / CONFIG_FILE}, got {parts}"
        raise LabelError(msg)
    return tuple(str(part) for part in parts)


def _skeleton(
    config: Mapping[str, Any], bodyparts: Sequence[str]
) -> tuple[tuple[str, str], ...]:
    """Return bones between parts that there are: DeepLabCut's template has others."""
    bones = config.get("skeleton") or []
    found = [tuple(map(str, bone)) for bone in bones if len(bone) == 2]
    return tuple((a, b) for a, b in found if a in bodyparts and b in bodyparts)


def _tables(folder: Path, scorer: str) -> tuple[list[Path], list[str]]:
    """Return the scorer's tables, and in words what others have labelled."""
    tables: list[Path] = []
    remarks: list[str] = []
    for place in sorted((folder / LABELED_DATA).glob("*/")):
        if found := table_path(place, scorer):
            tables.append(found)
        elif others := sorted({p.stem for p in place.glob("CollectedData_*")}):
            remarks.append(
                f"{place.name}: labelled by {_scorers(others)}, not by {scorer}, who "
                "is the scorer in config.yaml: left aside, as DeepLabCut does"
            )
    return tables, remarks


def _scorers(stems: Sequence[str]) -> str:
    return ", ".join(stem.removeprefix("CollectedData_") for stem in stems)


def _require_pictures(folder: Path, labels: Labels) -> None:
    lost = [str(image) for image in labels.images if not (folder / image).is_file()]
    if lost:
        more = f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
        msg = (
            f"Expected the picture of each label in {folder}, got none of "
            f"{', '.join(lost[:_SHOWN])}{more}: copy them there, or take them out of "
            "the table"
        )
        raise LabelError(msg)
