"""The model in a rig file: one value is changed, every other byte stays.

People write comments into their rig files, so the file is not written anew from what
was read of it.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ruamel.yaml import YAML

from rig.config.examples import examples_folder
from rig.config.loading import load_rig
from rig.errors import ConfigError
from rig.recording.disk import replace_file

__all__ = ["require_own", "set_model", "with_model"]

_PLAIN = re.compile(r"[\w./][\w./+-]*(:[\w./+-]+)*", re.ASCII)
"""What needs no quotes as far as paths and ``bundled:mouse`` go."""


def with_model(text: str, model: str | None) -> str:
    r"""Return a rig file's text with another model.

    Parameters
    ----------
    text
        A rig file that can be read.
    model
        As a rig file names it; None for none.

    Examples
    --------
    >>> with_model("name: r   # ours\nmodel: old.onnx  # best\n", "new.onnx")
    'name: r   # ours\nmodel: new.onnx  # best\n'
    >>> with_model("name: r   # ours\ndevices: {}\n", "bundled:mouse")
    'name: r   # ours\nmodel: bundled:mouse\ndevices: {}\n'
    """
    node = _yaml().compose(text)
    pairs = {key.value: (key, value) for key, value in node.value}
    if "model" in pairs:
        start, end = _place(text, *pairs["model"])
        gap = " " if start == end else ""
        return text[:start] + gap + _scalar(model) + text[end:]
    line_end = text.find("\n", pairs["name"][1].end_mark.index)
    place = len(text) if line_end < 0 else line_end + 1
    ends = "\r\n" if "\r\n" in text else "\n"
    before = text[:place] if text[:place].endswith("\n") else f"{text[:place]}{ends}"
    return f"{before}model: {_scalar(model)}{ends}{text[place:]}"


def _place(text: str, key: Any, value: Any) -> tuple[int, int]:
    """Return where a value stands: after the colon where there is none yet."""
    start, end = value.start_mark.index, value.end_mark.index
    if start == end:
        start = end = text.index(":", key.end_mark.index) + 1
    return start, start + len(text[start:end].rstrip())


def _scalar(model: str | None) -> str:
    if model is None:
        return "null"
    plain = _PLAIN.fullmatch(model) and _yaml().load(model) == model
    return model if plain else json.dumps(model, ensure_ascii=False)


def _yaml() -> Any:
    return YAML(typ="safe", pure=True)


def require_own(path: Path) -> None:
    """Refuse a rig file whose model cannot be changed.

    Raises
    ------
    ConfigError
        If it is one of the examples that came with the program (the next installation
        would undo it), may not be written, or is written in a way that `with_model`
        cannot follow.
    """
    if path.resolve().is_relative_to(examples_folder().resolve()):
        msg = (
            f"Expected a rig file of yours, got the example {path}: copy the examples "
            "with springhare init DIR"
        )
        raise ConfigError(msg)
    _changed(path, None)
    if not os.access(path, os.W_OK):
        msg = f"Expected a rig file that can be written, got {path}: may only be read"
        raise ConfigError(msg)


def set_model(path: Path, model: str | None) -> None:
    """Put another model into a rig file, whole or not at all.

    Raises
    ------
    ConfigError
        If the file is no rig file, cannot be written, or would say anything else
        differently afterwards: it stays as it was.
    """
    text = _changed(path, model)
    place = path.resolve()
    try:
        mode = place.stat().st_mode
        replace_file(place, text.encode())
        place.chmod(mode)
    except OSError as error:
        place.with_name(f".{place.name}").unlink(missing_ok=True)
        msg = f"Expected a rig file that can be written, got {path}: {error.strerror}"
        raise ConfigError(msg) from error


def _changed(path: Path, model: str | None) -> str:
    """Return the file's text with another model, and nothing else different."""
    before = load_rig(path)
    text = with_model(path.read_bytes().decode(), model)
    with TemporaryDirectory(prefix="springhare-rig-") as folder:
        draft = Path(folder) / path.name
        draft.write_bytes(text.encode())
        try:
            is_good = load_rig(draft) == before.model_copy(update={"model": model})
        except ConfigError:
            is_good = False
    if not is_good:
        msg = (
            f"Expected to change nothing but the model in {path}, but more would "
            f"change: write `model: {_scalar(model)}` on a line of its own there"
        )
        raise ConfigError(msg)
    return text
