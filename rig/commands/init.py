"""``springhare init``: a folder of configs to begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rig.commands.outputs import OutFolder

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["init"]


@click.command(short_help="Copy the example configs into a folder of yours.")
@click.argument("folder", type=OutFolder())
def init(folder: Path) -> None:
    """Copy the example rigs, tasks and sessions into FOLDER.

    Files that are there already are never overwritten: when one is in the way,
    nothing is copied at all.
    """
    import shutil

    from rig.config.examples import examples_folder
    from rig.errors import ConfigError

    source = examples_folder()
    files = sorted(
        path.relative_to(source)
        for path in source.rglob("*")
        if path.suffix in {".yaml", ".json"}
    )
    there = [str(folder / path) for path in files if (folder / path).exists()]
    if there:
        msg = (
            f"Expected none of the example files in {folder}, got {', '.join(there)}: "
            "move them away, or choose another folder"
        )
        raise ConfigError(msg)
    for path in files:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / path, folder / path)
    click.echo(_next_steps(folder, files))


def _next_steps(folder: Path, files: list[Path]) -> str:
    names = [path.stem for path in files if path.parent.name == "rig"]
    name = "jump-rig" if "jump-rig" in names else names[0]
    run = " ".join(
        f"--{kind} {folder / kind / f'{name}.yaml'}"
        for kind in ("rig", "task", "session")
    )
    return f"""\
copied {len(files)} files to {folder}: the rigs {", ".join(names)}

next:
  springhare doctor
      is this machine ready?
  edit {folder / "rig" / f"{name}.yaml"}
      serial numbers, ports, lines: what is on your table
  springhare run {run} --simulate
      the same files with simulated devices
  springhare run {run}
      and with the real ones"""
