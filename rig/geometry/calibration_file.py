"""A calibration as a file: aniposelib's TOML, which every tool of the field reads.

One table per camera (`name`, `size`, `matrix`, `distortions`, `rotation`,
`translation`) and `metadata`. The unit of `translation` is that of the board that
calibrated the cameras; here it must be mm. Fisheye lenses have another model, which
is refused rather than misread.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field
from datetime import date, datetime, time
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from rig.config.nearest import nearest
from rig.errors import ConfigError
from rig.geometry.cameras import Camera

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["Calibration", "read_calibration", "write_calibration"]

_KEYS = ("name", "size", "matrix", "distortions", "rotation", "translation")
_NUMBER = (int, float)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Cameras that were calibrated together, in one world."""

    cameras: tuple[Camera, ...]
    """In the file's order."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """What the calibrating program noted: `error` in px, `adjusted`, …"""

    def of(self, names: Sequence[str]) -> tuple[Camera, ...]:
        """Return the cameras of these names, in this order.

        Raises
        ------
        ConfigError
            If one is not calibrated; the message has those that are.
        """
        known = {camera.name: camera for camera in self.cameras}
        if missing := [name for name in names if name not in known]:
            words = []
            for name in missing:
                near = nearest(name, known)
                words.append(f"{name!r}" + (f" (is it {near!r}?)" if near else ""))
            msg = (
                f"Expected a calibration of each camera, got none of "
                f"{', '.join(words)}; calibrated are {', '.join(known)}: calibrate "
                "all cameras together, or name them as in the calibration"
            )
            raise ConfigError(msg)
        return tuple(known[name] for name in names)


def read_calibration(path: Path) -> Calibration:
    """Read a calibration file.

    Raises
    ------
    ConfigError
        If it cannot be read, or is not what it must be: every fault, with the file,
        the camera and the key.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"Expected a calibration file, got {path}: {error.strerror}"
        raise ConfigError(msg) from error
    except ValueError as error:  # TOML's and UTF-8's
        msg = f"{path}: expected TOML as aniposelib writes it, got: {error}"
        raise ConfigError(msg) from error
    metadata = tables.pop("metadata", {})
    faults: list[str] = []
    cameras = [_camera(table, where, faults) for where, table in tables.items()]
    names = [camera.name for camera in cameras if camera is not None]
    if not cameras:
        faults.append("expected a table [cam_0], [cam_1], … for each camera, got none")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        faults.append(
            f"expected a name of its own for each camera, got two {twice[0]!r}"
        )
    if not isinstance(metadata, dict):
        faults.append(f"metadata: expected a table, got {metadata!r}")
    if faults:
        raise ConfigError("\n".join(f"{path}: {fault}" for fault in faults))
    return Calibration(tuple(filter(None, cameras)), metadata)


def write_calibration(path: Path, calibration: Calibration) -> None:
    """Write a calibration file, as a whole or not at all.

    Raises
    ------
    TypeError
        If the metadata hold something that TOML has no form for.
    """
    lines: list[str] = []
    for number, camera in enumerate(calibration.cameras):
        (fx, fy), (cx, cy) = camera.focal_px, camera.centre_px
        values = {
            "name": camera.name,
            "size": [camera.width_px, camera.height_px],
            "matrix": [[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]],
            "distortions": camera.distortion,
            "rotation": camera.rotation_rad,
            "translation": camera.translation_mm,
        }
        lines += [f"[cam_{number}]", *_pairs(values), ""]
    lines += ["[metadata]", *_pairs(calibration.metadata), ""]
    draft = path.with_name(f"{path.name}.new")
    draft.write_text("\n".join(lines), encoding="utf-8")
    draft.replace(path)


# -- reading


class _Table:
    """A camera's table: hands out its values, and notes what is wrong with them."""

    def __init__(self, table: Mapping[str, Any], where: str, faults: list[str]) -> None:
        self._table, self._faults = table, faults
        name = table.get("name")
        self._where = f"{where} ({name})" if isinstance(name, str) else where

    def fault(self, key: str, text: str) -> None:
        """Note a fault."""
        self._faults.append(f"{self._where}, {key}: {text}")

    def take(self, key: str, expected: str, fits: Callable[[Any], bool]) -> Any:
        """Return a value; None, with a fault noted, if it does not fit."""
        if key not in self._table:
            near = nearest(key, [other for other in self._table if other not in _KEYS])
            self.fault(key, "missing" + (f": is it {near!r}?" if near else ""))
            return None
        value = self._table[key]
        if not fits(value):
            self.fault(
                key, f"expected {expected}, got {json.dumps(value, default=str)}"
            )
            return None
        return value


def _camera(table: Any, where: str, faults: list[str]) -> Camera | None:
    """Return the camera of a table; None, with its faults noted, if it has any."""
    if not isinstance(table, dict):
        faults.append(f"{where}: expected a camera's table, got {table!r}")
        return None
    before, values = len(faults), _Table(table, where, faults)
    if table.get("fisheye", False) is not False:
        values.fault(
            "fisheye", "expected false: calibrate with the ordinary lens model"
        )
    name = values.take("name", "text", lambda v: isinstance(v, str) and bool(v))
    size = values.take("size", "[width, height] in px", _is_size)
    matrix = values.take("matrix", "[[fx, 0, cx], [0, fy, cy], [0, 0, 1]]", _is_matrix)
    lens = values.take("distortions", "[k1, k2, p1, p2, k3]", lambda v: _are(v, 4, 5))
    rotation = values.take("rotation", "three numbers", lambda v: _are(v, 3))
    translation = values.take("translation", "three numbers", lambda v: _are(v, 3))
    if len(faults) > before:
        return None
    k1, k2, p1, p2, k3 = map(float, [*lens, 0.0][:5])
    (fx, _, cx), (_, fy, cy), _ = matrix
    return Camera(
        name=name,
        width_px=int(size[0]),
        height_px=int(size[1]),
        focal_px=(float(fx), float(fy)),
        centre_px=(float(cx), float(cy)),
        distortion=(k1, k2, p1, p2, k3),
        rotation_rad=_three(rotation),
        translation_mm=_three(translation),
    )


def _are(value: Any, *counts: int) -> bool:
    """Tell whether a value is a list of so many finite numbers."""
    return (
        isinstance(value, list)
        and len(value) in counts
        and all(isinstance(v, _NUMBER) and not isinstance(v, bool) for v in value)
        and all(isfinite(v) for v in value)
    )


def _is_size(value: Any) -> bool:
    return _are(value, 2) and all(v > 0 and v == int(v) for v in value)


def _is_matrix(value: Any) -> bool:
    if not (
        isinstance(value, list) and len(value) == 3 and all(_are(v, 3) for v in value)
    ):
        return False
    (fx, skew, _), (zero, fy, _), last = value
    return fx > 0 and fy > 0 and skew == 0 and zero == 0 and last == [0, 0, 1]


def _three(values: Sequence[float]) -> tuple[float, float, float]:
    x, y, z = map(float, values)
    return x, y, z


# -- writing


def _pairs(values: Mapping[str, Any]) -> Iterator[str]:
    for key, value in values.items():
        plain = re.fullmatch(r"[A-Za-z0-9_-]+", key)
        yield f"{key if plain else _text(key)} = {_form(value)}"


def _form(value: Any) -> str:
    """Return a value as TOML writes it."""
    if isinstance(value, np.generic):
        value = value.item()
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
        case str():
            return _text(value)
        case datetime() | date() | time():
            return value.isoformat()
        case list() | tuple():
            return f"[{', '.join(map(_form, value))}]"
        case dict():
            return f"{{{', '.join(_pairs(value))}}}"
    msg = f"Expected metadata that TOML has a form for, got {value!r}"
    raise TypeError(msg)


def _text(value: str) -> str:
    # JSON's text is TOML's, but for one character
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
