"""The command line: finds commands by entry point, and says errors in words.

A command is a `click` command under the entry point group `springhare.commands`,
in a module that imports what it needs inside its functions: so ``--help`` stays
quick however heavy the commands are. A command returns its exit status (None for
0). A user's fault ends with status 2 and its message, Ctrl-C with 130; anything
else is a bug and keeps its traceback.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import click

from rig.config.nearest import nearest
from rig.errors import SpringhareError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["GROUP", "cli", "main"]

GROUP = "springhare.commands"
_INTERRUPTED = 130
_USER_FAULT = 2


class _Commands(click.Group):
    """A group whose commands are entry points, loaded when asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, sorted."""
        return sorted(entry_points(group=GROUP).names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command; None if there is none of that name."""
        found = entry_points(group=GROUP, name=cmd_name)
        if not found:
            return None
        try:
            return next(iter(found)).load()
        except (ImportError, AttributeError) as error:
            return _broken(cmd_name, error)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is meant; an unknown one names the nearest."""
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            known = self.list_commands(ctx)
            close = nearest(name, known)
            hint = f"did you mean {close}?" if close else f"one of {', '.join(known)}"
            msg = f"Expected a command, got {name!r}: {hint}"
            raise click.UsageError(msg, ctx)
        return super().resolve_command(ctx, args)


def _broken(name: str, error: ImportError | AttributeError) -> click.Command:
    """Stand in for a command that cannot be loaded; the others still work."""
    reason = f"Expected the command {name} to load, got {error}: see springhare doctor"

    @click.command(
        name,
        help=f"(cannot be loaded: {error})",
        context_settings={"ignore_unknown_options": True},
    )
    @click.argument("rest", nargs=-1)
    def command(rest: tuple[str, ...]) -> None:
        raise SpringhareError(reason) from error

    return command


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Begin with: springhare demo",
)
@click.version_option(package_name="springhare", message="springhare %(version)s")
def cli() -> None:
    """Run a behaviour rig: cameras, signals, pose and closed loop in one session."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments
        What follows the program's name; by default the process's own.

    Returns
    -------
    int
        The exit status: 0, what the command returned, 2 for a user's fault, 130
        after Ctrl-C.
    """
    try:
        status = cli.main(
            args=None if arguments is None else list(arguments),
            prog_name="springhare",
            standalone_mode=False,
        )
    except SpringhareError as error:
        click.echo(f"springhare: {error}", err=True)
        return _USER_FAULT
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (``| head``): nothing to tell anybody.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status if isinstance(status, int) else 0


if __name__ == "__main__":
    sys.exit(main())
