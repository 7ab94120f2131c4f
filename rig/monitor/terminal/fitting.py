"""What is shown where not everything fits: the most important, and that whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = ["GAPS", "fit"]

GAPS = "gaps"
"""The empty lines between blocks."""


def fit(
    blocks: Mapping[str, Sequence[Callable[[], list[Text]]]],
    given_up: Sequence[str],
    rows: int,
) -> list[Text]:
    """Return lines of blocks, in their order, that fit into so many rows.

    Parameters
    ----------
    blocks
        By name: what makes each one's forms, the fullest first; asked for when needed.
    given_up
        While it is too much, the block of each name takes its next form, in this
        order; `GAPS` takes the empty lines between blocks away.
    rows
        How many there are.
    """
    forms = dict.fromkeys(blocks, 0)
    made = {name: makers[0]() for name, makers in blocks.items()}
    gaps = True
    lines = _joined(made.values(), gaps=gaps)
    for name in given_up:
        if len(lines) <= rows:
            break
        if name == GAPS:
            gaps = False
        elif forms[name] + 1 < len(blocks[name]):
            forms[name] += 1
            made[name] = blocks[name][forms[name]]()
        lines = _joined(made.values(), gaps=gaps)
    return lines[:rows]


def _joined(blocks: Iterable[Sequence[Text]], *, gaps: bool) -> list[Text]:
    lines: list[Text] = []
    for block in blocks:
        if block and lines and gaps:
            lines.append(Text())
        lines += block
    return lines
