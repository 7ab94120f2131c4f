"""Which clock all others are brought to, and which trains share one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from offline.alignment.foreign.clocks import Group, group_of
from rig.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offline.alignment.foreign.train import Train

__all__ = ["grouped"]


def grouped(
    trains: Sequence[Train], reference: str | None
) -> tuple[Group, list[Group]]:
    """Return the trains by their clocks: those of the reference, and all others.

    Trains of the reference file are taken to be of one clock, as the columns of one
    device's log are; a train that is named as the reference stands alone.

    Parameters
    ----------
    reference
        Train or file; None for the first file.

    Raises
    ------
    SessionError
        If nothing is called so, or a train is in no order.
    """
    base = _base(trains, reference)
    names = {train.name for train in base}
    clocks = {train.recorder or train.clock for train in base}
    shared = clocks.pop()
    if clocks:
        shared = _stem(base[0].file)
        if any(shared in {one.clock, one.recorder} for one in trains):
            shared = f"{shared} file"
    by_clock: dict[str, list[Train]] = {shared: []}
    for train in trains:
        one = train
        if train.name in names and train.recorder is None:
            one = replace(train, clock=shared)
        by_clock.setdefault(one.recorder or one.clock, []).append(one)
    groups = {clock: group_of(clock, mine) for clock, mine in by_clock.items()}
    return groups.pop(shared), list(groups.values())


def _base(trains: Sequence[Train], reference: str | None) -> list[Train]:
    if reference is None:
        return [train for train in trains if train.file == trains[0].file]
    for said in (
        [train for train in trains if train.name == reference],
        [train for train in trains if reference in {train.file, _stem(train.file)}],
    ):
        if said:
            return said
    names = [train.name for train in trains]
    msg = (
        f"Expected a reference among what was read, got {reference!r}: name one of "
        f"{', '.join(names)}"
    )
    raise SessionError(msg)


def _stem(file: str) -> str:
    return file.rsplit(".", 1)[0]
