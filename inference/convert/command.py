"""``springhare convert``: a DeepLabCut export becomes the fast form, with proof."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from inference.convert.run import Outcome

__all__ = ["SIZE", "convert"]


class _Size(click.ParamType):
    """``640x480``: width and height."""

    name = "WxH"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Return width and height, px."""
        if isinstance(value, tuple):
            return value
        width, _, height = str(value).lower().partition("x")
        if not (width.isdecimal() and height.isdecimal() and int(width) * int(height)):
            msg = f"expected width x height, like 640x480, got {value!r}"
            self.fail(msg, param, ctx)
        return int(width), int(height)


SIZE = _Size()
"""An option's type: ``640x480`` becomes (640, 480)."""


@click.command(short_help="Make a DeepLabCut export fast, and prove it.")
@click.argument("model", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write; by default the export's name with .onnx, here.",
)
@click.option("--name", help="The model's name; by default that of the export.")
@click.option(
    "--colour", is_flag=True, help="Take RGB frames; by default it takes grey ones."
)
@click.option(
    "--frames",
    type=click.Path(exists=True, path_type=Path),
    help="Frames for the proof: a film, a folder of pictures, or a session. Without "
    "it, some are drawn.",
)
@click.option(
    "--size",
    "sizes",
    type=SIZE,
    multiple=True,
    help="Size of those frames, at least 64x64; may be given several times. The model "
    "takes every size.",
)
@click.option(
    "--count",
    type=click.IntRange(min=1),
    default=24,
    show_default=True,
    help="How many frames of each size, if there are as many; at least 8 in all. "
    "Every fourth is looked at once more, varied, and every third in part.",
)
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="With which both compute.",
)
@click.option("--dry-run", is_flag=True, help="Prove it, but write nothing.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def convert(
    model: Path,
    out: Path | None,
    sizes: tuple[tuple[int, int], ...],
    as_json: bool,
    **options: Any,
) -> int:
    """Convert MODEL, a DeepLabCut export, into an .onnx file for engine onnx.

    MODEL is a .pt file, or the folder of a TensorFlow export. The new model gets
    pixels as the camera gives them and gives keypoints; real dlclive and the new one
    look at the same frames, and the file is written only if no keypoint differs by
    more than 0.1 px.

    Ends with 1 if one does.
    """
    import json
    from dataclasses import asdict

    from rig.system import hold_one_core_per_library

    # dlclive's threads would spin between two frames, and on a busy machine for long
    hold_one_core_per_library()

    from inference.convert.run import Plan
    from inference.convert.run import convert as run

    plan = Plan(
        model=str(model),
        out=out or Path(f"{model.stem}.onnx"),
        sizes=sizes,
        **options,
    )
    with _progress() as progress:
        outcome = run(plan, progress)
    if as_json:
        found = {
            "written": None if outcome.written is None else str(outcome.written),
            "proven": outcome.proven,
            "bytes": outcome.bytes,
            "proof": asdict(outcome.proof),
            "sizes": [asdict(size) for size in outcome.parity.sizes],
        }
        click.echo(json.dumps(found, indent=2))
    else:
        _show(outcome)
    return 0 if outcome.proven else 1


@contextmanager
def _progress() -> Iterator[Callable[[str, int], Callable[[], None]]]:
    """Show how far it is: a bar where somebody looks, else a line for each part."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield _line
        return
    with Progress(console=console, transient=True) as bar:

        def begin(what: str, steps: int) -> Callable[[], None]:
            task = bar.add_task(what, total=steps)
            return lambda: bar.advance(task)

        yield begin


def _line(what: str, steps: int) -> Callable[[], None]:
    del steps
    click.echo(f"  {what}", err=True)
    return lambda: None


def _show(outcome: Outcome) -> None:
    from rich.table import Table

    from inference.convert.proof import LIMIT_PX
    from rig.commands.console import wide_console

    proof = outcome.proof
    console = wide_console()
    table = Table(
        title=f"How far keypoints are from those of {proof.reference}; frames: "
        f"{proof.source}"
    )
    for title in (
        "frames", "size", "median px", "p99 px", "max px", "in frame number",
        "max likelihood",
    ):  # fmt: skip
        table.add_column(title, justify="right", no_wrap=True)
    for size in outcome.parity.sizes:
        table.add_row(
            str(size.frames),
            size.size,
            f"{size.median_px:.5f}",
            f"{size.p99_px:.5f}",
            f"{size.max_px:.5f}",
            str(size.worst_frame),
            f"{size.max_likelihood:.1e}",
        )
    console.print(table)
    if not outcome.proven:
        console.print(
            f"Not converted: it is {proof.max_px:.3g} px off at worst, and at most "
            f"{LIMIT_PX:g} is allowed. Run the export with inference.engine dlclive.",
            style="bold red",
        )
    elif outcome.written is None:
        console.print("Proven; nothing was written (--dry-run).", style="green")
    else:
        console.print(
            f"{outcome.written} ({outcome.bytes / 1e6:.1f} MB), off by "
            f"{proof.max_px:.2g} px at most.",
            style="green",
            soft_wrap=True,
        )
        console.print(
            f"In the task file: inference: {{model: {outcome.written}, engine: onnx}}\n"
            "How fast it is: springhare bench inference --model EXPORT --film FILM "
            f"--converted {outcome.written}",
            soft_wrap=True,
        )
