"""The benchmarks by name: ours, and those that other packages bring."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

import click

from rig.errors import SpringhareError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["GROUP", "Benchmarks"]

GROUP = "springhare.benches"


class Benchmarks(click.Group):
    """A group of own commands, and of entry points that are loaded when asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all benchmarks, sorted."""
        return sorted({*self.commands, *(point.name for point in _others())})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a benchmark, loaded if it is another package's.

        Raises
        ------
        SpringhareError
            If it cannot be loaded.
        """
        if cmd_name in self.commands:
            return self.commands[cmd_name]
        for point in _others():
            if point.name == cmd_name:
                return _loaded(point)
        return None

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write what there is; of others only where it comes from, loading nothing."""
        ours = {
            name: command.get_short_help_str(formatter.width)
            for name, command in self.commands.items()
        }
        others = {
            point.name: f"(of {point.module}: see {ctx.command_path} {point.name} -h)"
            for point in _others()
        }
        with formatter.section("Commands"):
            formatter.write_dl(sorted({**others, **ours}.items()))


def _others() -> Iterator[EntryPoint]:
    yield from entry_points(group=GROUP)


def _loaded(point: EntryPoint) -> click.Command:
    try:
        return point.load()
    except (ImportError, AttributeError) as error:
        msg = (
            f"Expected the benchmark {point.name} to load, got {error}: see "
            "springhare doctor"
        )
        raise SpringhareError(msg) from error
