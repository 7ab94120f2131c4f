"""What all config models share: frozen, closed, units in names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "NAME_PATTERN",
    "Closed",
    "Fault",
    "Faults",
    "Fraction",
    "Name",
    "Positive",
    "dotted",
]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in a config, and where."""

    path: tuple[str | int, ...]
    """Keys and positions from the top of the file."""
    text: str
    """What was expected, what came, what to do."""

    def __str__(self) -> str:
        """Return the fault as a line of text."""
        return f"{dotted(self.path)}: {self.text}" if self.path else self.text


class Faults(ValueError):  # noqa: N818 - not raised at users: pydantic wants a ValueError
    """Everything that a validator found wrong; pydantic passes it on."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(str(fault) for fault in faults))
        self.faults = tuple(faults)


def dotted(path: Sequence[str | int]) -> str:
    """Return a path as a reader writes it.

    Examples
    --------
    >>> dotted(("rules", 0, "action", "line"))
    'rules[0].action.line'
    """
    text = "".join(f"[{k}]" if isinstance(k, int) else f".{k}" for k in path)
    return text.removeprefix(".")


class Closed(BaseModel):
    """A frozen model that refuses keys it does not know."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        validate_default=True,
        allow_inf_nan=False,
    )


NAME_PATTERN = r"^[a-z][a-z0-9_]*$"
Name = Annotated[
    str, StringConstraints(pattern=NAME_PATTERN, min_length=1, max_length=24)
]
"""A name that is safe as part of a path, a stream and an HDF5 group."""

Positive = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
