"""Which models a rig has had: a line for each change, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from offline.gate.folder import writing
from rig.errors import ConfigError
from rig.recording.disk import replace_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["Change", "before", "changes", "note"]

_FILE = "promotions.jsonl"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the history: another model became the rig's."""

    at_utc: str
    """ISO 8601."""
    by: str
    """Login of who did it."""
    was: str | None
    """The model before, as the rig file named it."""
    model: str | None
    """The model since then."""
    sha256: str | None
    """Of the new one; as sessions record it."""
    report: str | None = None
    """File of what was asked and found; None of a way back."""
    back: bool = False
    """Whether it was a way back, which asks nothing."""


def changes(folder: Path) -> list[Change]:
    """Return the history, the oldest first; empty where there is none.

    A last line that was cut off by a crash is left out: its change was not made.

    Raises
    ------
    ConfigError
        If it cannot be read, or a line cannot be understood.
    """
    path = folder / _FILE
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        msg = f"Expected the history of a rig's models in {path}, got {error.strerror}"
        raise ConfigError(msg) from error
    found: list[Change] = []
    for number, line in enumerate(lines[:-1], 1):
        try:
            found.append(msgspec.json.decode(line, type=Change))
        except msgspec.DecodeError as error:
            msg = f"Expected a promotion in {path}:{number}, got {error}: mend the line"
            raise ConfigError(msg) from error
    return found


def note(folder: Path, change: Change) -> None:
    """Add a line to the history, whole or not at all.

    Raises
    ------
    ConfigError
        If it cannot be read or written.
    """
    lines = [msgspec.json.encode(each) for each in (*changes(folder), change)]
    with writing(folder):
        replace_file(folder / _FILE, b"\n".join(lines) + b"\n")


def before(history: Sequence[Change], model: str | None) -> Change | None:
    """Return the promotion that made a model the rig's; None if there was none.

    A way back takes its promotion away, so that going back twice goes back two models,
    also where one of them was promoted twice.

    Parameters
    ----------
    history
        The oldest first.
    model
        The present one.

    Examples
    --------
    >>> def change(was, model, back=False):
    ...     return Change(
    ...         at_utc="", by="", was=was, model=model, sha256=None, back=back
    ...     )
    >>> history = [change(None, "a"), change("a", "b"), change("b", "a")]
    >>> before(history, "a").was
    'b'
    >>> before([*history, change("a", "b", back=True)], "b").was
    'a'
    """
    stack: list[Change] = []
    for each in _made(history, model):
        if not each.back:
            stack.append(each)
        elif stack and stack[-1].model == each.was:
            stack.pop()
    return next((each for each in reversed(stack) if each.model == model), None)


def _made(history: Sequence[Change], model: str | None) -> Iterator[Change]:
    """Yield the changes that came about: after them another model was there.

    The history is written before the rig file: a change that was cut off in between, or
    undone by hand, is followed by one that begins where it began.
    """
    later = [*(each.was for each in history[1:]), model]
    for each, then in zip(history, later, strict=False):
        if then != each.was or each.was == each.model:
            yield each
