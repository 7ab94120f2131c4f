"""The whole way: read the export, build the model, prove it, write it."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from inference.convert.frames import draw_frames, read_frames, resized, varied
from inference.convert.parity import compare
from inference.convert.proof import LIMIT_PX, ORIGIN, PROOF, Proof
from inference.model_file import find_model
from rig.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from onnx import ModelProto

    from inference.convert.parity import Parity
    from inference.model_file import ModelFile

__all__ = ["Outcome", "Plan", "convert"]

_DRAWN_SIZES = ((640, 480), (320, 240))
_LEAST_FRAMES = 8
_LEAST_PX = 64
"""Of fewer frames, or smaller ones, agreement proves nothing: in 8 x 8 px a network has
one cell, and any two find the same place."""
_PART = 3
"""One frame in so many is also seen in part: the model must take every size."""
_PART_STEP_PX = 32
_PACKAGES = {
    "pytorch": (("onnx", "torch", "dlclive"), "convert"),
    "tensorflow": (
        ("onnx", "torch", "dlclive", "tensorflow", "tf2onnx"),
        "convert,tensorflow",
    ),
}
"""What a form of export needs, and the extras that have it. dlclive proves every
conversion, and imports torch whatever it runs."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is wanted."""

    model: str
    """The export: a ``.pt`` file or the folder of a TensorFlow export."""
    out: Path
    """Where the model is written."""
    name: str | None = None
    """The model's name; by default the file's."""
    colour: bool = False
    """Whether it takes RGB frames instead of grey ones."""
    frames: Path | None = None
    """A film, a folder of pictures, a session; drawn ones if None."""
    sizes: tuple[tuple[int, int], ...] = ()
    """Width and height of the frames; by default their own."""
    count: int = 24
    """How many frames, at most, of each size; more are made of these: every fourth is
    also varied, every third also seen in part."""
    threads: int = 2
    dry_run: bool = False
    """Write nothing."""
    force: bool = False
    """Replace a file that is there."""
    facts: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the file is to say of itself besides, by key of its metadata."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    parity: Parity
    proof: Proof
    written: Path | None
    """None if nothing was written: the proof failed, or a dry run."""
    bytes: int
    """Size of the model."""

    @property
    def proven(self) -> bool:
        """Whether the model finds what the original finds."""
        return self.parity.max_px <= LIMIT_PX


def convert(plan: Plan, progress: Callable[[str, int], Callable[[], None]]) -> Outcome:
    """Convert an export, if it can be proven.

    Parameters
    ----------
    plan
        What is wanted.
    progress
        Begins a part of so many steps; returns what to call after each.

    Raises
    ------
    ModelError
        If the export cannot be read or converted, a package is missing, frames are too
        few or too small to prove anything, or the file is there already.
    """
    file = find_model(plan.model)
    _require_convertible(plan, file)
    _require_packages(file)
    frames = _frames(plan)
    progress("reading the export", 1)
    model = _built(plan, file)
    told = progress("comparing with dlclive", len(frames))
    with tempfile.TemporaryDirectory(prefix="springhare-convert-") as folder:
        parity, reference, provider = _compared(
            plan, file, model, frames, Path(folder), told
        )
    proof = Proof(
        reference=reference,
        provider=provider,
        frames=parity.frames,
        source="drawn" if plan.frames is None else plan.frames.name,
        sizes=tuple(size.size for size in parity.sizes),
        max_px=parity.max_px,
        median_px=parity.median_px,
        max_likelihood=parity.max_likelihood,
    )
    model = _described(model, {PROOF: proof.to_json()})
    content = model.SerializeToString()
    write = parity.max_px <= LIMIT_PX and not plan.dry_run
    if write:
        _write(plan.out, content)
    return Outcome(parity, proof, plan.out if write else None, len(content))


def _require_convertible(plan: Plan, file: ModelFile) -> None:
    if file.form == "onnx":
        msg = (
            "Expected a DeepLabCut export (.pt file, or the folder of a TensorFlow "
            f"export), got {file.path}: an .onnx file needs no conversion"
        )
        raise ModelError(msg)
    if plan.out.suffix != ".onnx":
        msg = f"Expected a name that ends in .onnx, got {plan.out}: correct --out"
        raise ModelError(msg)
    if plan.out.exists() and not plan.force and not plan.dry_run:
        msg = (
            f"Expected no file at {plan.out}, got one: name another with --out, or "
            "replace it with --force"
        )
        raise ModelError(msg)


def _require_packages(file: ModelFile) -> None:
    """Name all that is missing at once, and what to install."""
    needed, extras = _PACKAGES[file.form]
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        msg = (
            f"Expected {', '.join(needed)} to convert {file.path}, got no "
            f"{', no '.join(missing)}: pip install 'springhare[{extras}]'"
        )
        raise ModelError(msg)


def _built(plan: Plan, file: ModelFile) -> ModelProto:
    from inference.convert.graph import build

    if file.form == "pytorch":
        from inference.convert.exports.pytorch import read
    else:
        from inference.convert.exports.tensorflow import read

    name = plan.name or file.path.stem
    origin = {"file": file.path.name, "form": file.form, "sha256": file.sha256}
    return _described(
        build(read(file), name, channels=3 if plan.colour else 1),
        {
            **plan.facts,
            ORIGIN: json.dumps({**origin, "springhare": version("springhare")}),
        },
    )


def _described(model: ModelProto, facts: dict[str, str]) -> ModelProto:
    from inference.convert.graph import describe

    describe(model, facts)
    return model


def _frames(plan: Plan) -> list[NDArray[np.uint8]]:
    if plan.frames is None:
        own = [
            frame
            for width, height in plan.sizes or _DRAWN_SIZES
            for frame in draw_frames(plan.count, width, height, colour=plan.colour)
        ]
    else:
        found = read_frames(plan.frames, plan.count, colour=plan.colour)
        own = [
            resized(frame, width, height)
            for width, height in plan.sizes
            for frame in found
        ] or found
    _require_enough(own)
    return [*varied(own), *_parts(own)]


def _require_enough(frames: Sequence[NDArray[np.uint8]]) -> None:
    """Refuse what would prove nothing."""
    if len(frames) < _LEAST_FRAMES:
        msg = (
            f"Expected at least {_LEAST_FRAMES} frames for a proof, got {len(frames)}: "
            "raise --count, or name a source with more (--frames)"
        )
        raise ModelError(msg)
    height, width = min((frame.shape[:2] for frame in frames), key=min)
    if min(height, width) < _LEAST_PX:
        msg = (
            f"Expected frames of at least {_LEAST_PX}x{_LEAST_PX} px for a proof, got "
            f"{width}x{height}: name a larger --size, or other --frames"
        )
        raise ModelError(msg)


def _parts(frames: Sequence[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    """Yield the middles of some frames, as a dynamic crop would see them."""
    for frame in frames[::_PART]:
        height, width = (
            max(side // 2 // _PART_STEP_PX, 1) * _PART_STEP_PX
            for side in frame.shape[:2]
        )
        top, left = (frame.shape[0] - height) // 2, (frame.shape[1] - width) // 2
        yield frame[top : top + height, left : left + width].copy()


def _compared(
    plan: Plan,
    file: ModelFile,
    model: ModelProto,
    frames: Sequence[NDArray[np.uint8]],
    folder: Path,
    told: Callable[[], None],
) -> tuple[Parity, str, str]:
    from inference.runners.dlclive import DlcliveModel
    from inference.runners.onnx import OnnxModel

    path = folder / "unproven.onnx"
    path.write_bytes(model.SerializeToString())
    ours = OnnxModel(find_model(str(path)), plan.threads, proven=False)
    theirs = DlcliveModel(file, threads=plan.threads, resize=1.0)
    try:
        parity = compare(theirs, ours, frames, told)
    finally:
        theirs.close()
        ours.close()
    reference = f"dlclive {version('deeplabcut-live')} ({theirs.provider})"
    return parity, reference, ours.provider


def _write(path: Path, content: bytes) -> None:
    hidden = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            hidden.write_bytes(content)
            hidden.replace(path)
        finally:
            hidden.unlink(missing_ok=True)
    except OSError as error:
        msg = (
            f"Expected a place that can be written to, got {path}: {error.strerror}: "
            "name another one with --out"
        )
        raise ModelError(msg) from error
