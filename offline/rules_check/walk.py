"""A condition and all that it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.config.rules import All, Any_, Held, Not, States
from rig.config.rules import Sequence as SequenceConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rig.config.rules import When

__all__ = ["Path", "every"]

Path = tuple[str | int, ...]
"""Of a place in a task file."""


def every(when: When, path: Path = ()) -> Iterator[tuple[Path, When]]:
    """Yield a condition and all within it, each with its place."""
    yield path, when
    for place, part in _parts(when):
        yield from every(part, (*path, *place))


def _parts(when: When) -> Iterator[tuple[Path, When]]:
    match when:
        case All() | Any_():
            yield from ((("of", k), part) for k, part in enumerate(when.of))
        case Not() | Held():
            yield ("of",), when.of
        case SequenceConfig():
            steps = enumerate(when.steps)
            yield from ((("steps", k, "when"), step.when) for k, step in steps)
        case States():
            yield from (
                (("states", state, k, "when"), way.when)
                for state, ways in when.states.items()
                for k, way in enumerate(ways)
                if way.when is not None
            )
        case _:
            pass
