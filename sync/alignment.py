"""The clocks of a session as a tree: the time of any of them on one.

::

    left ── daq ── (session)          a relation: pulses, triggers or exchanges that
            │                         two clocks have both seen, and the model of them
    scope ──┤
            └── host

Each relation is fitted towards the reference. Where clocks are joined in more than one
way, the way of the smallest error is taken, and the others are left as checks: two
ways that say different things mean that one of them is wrong.
"""

from __future__ import annotations

import heapq
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sync.drift import ClockModel, fit_clock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["ClockTree", "Pairs", "Relation", "clock_tree"]


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Moments that two clocks have both stamped, in the order of their recording."""

    one: str
    other: str
    one_ns: NDArray[np.int64]
    """(n,) as the one stamped them."""
    other_ns: NDArray[np.int64]
    """(n,) as the other did."""
    how: str
    """What brought them together, for whoever reads on."""
    constant_sd_ns: float = 0.0
    """Standard deviation of what no pair can show, such as half a round trip."""

    def turned(self) -> Pairs:
        """Return the same, the other first."""
        return Pairs(
            self.other,
            self.one,
            self.other_ns,
            self.one_ns,
            self.how,
            self.constant_sd_ns,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Relation:
    """How one clock goes on another."""

    pairs: Pairs
    """From the one, the source, to the other, the target."""
    model: ClockModel
    sd_ns: float
    """Median standard deviation of the model at its pairs, the constant in it."""

    @property
    def source(self) -> str:
        """The clock that is mapped."""
        return self.pairs.one

    @property
    def target(self) -> str:
        """The clock that it is mapped to."""
        return self.pairs.other

    def __call__(
        self, source_ns: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return target times and their standard deviations, in ns."""
        target_ns, sd_ns = self.model(source_ns)
        return target_ns, np.hypot(sd_ns, self.pairs.constant_sd_ns)


class ClockTree:
    """Clocks joined to a reference.

    Parameters
    ----------
    reference
        The clock that all are mapped to.
    relations
        One of each other clock, towards the reference.
    """

    def __init__(self, reference: str, relations: Iterable[Relation]) -> None:
        self.reference = reference
        self.relations: Mapping[str, Relation] = {
            relation.source: relation for relation in relations
        }

    @property
    def clocks(self) -> tuple[str, ...]:
        """All clocks that are joined, the reference first."""
        return (self.reference, *self.relations)

    def path(self, clock: str) -> tuple[str, ...]:
        """Return the clocks from one to the reference, both included.

        Raises
        ------
        KeyError
            If the clock is not joined.
        """
        steps = [clock]
        while steps[-1] != self.reference:
            steps.append(self.relations[steps[-1]].target)
        return tuple(steps)

    def to_reference(
        self, clock: str, times_ns: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return times of a clock (n,) on the reference, and standard deviations.

        The errors of the relations on the way add up as independent ones.

        Raises
        ------
        KeyError
            If the clock is not joined.
        """
        times = np.asarray(times_ns, np.int64)
        variance = np.zeros(times.shape)
        for step in self.path(clock)[:-1]:
            times, sd_ns = self.relations[step](times)
            variance += sd_ns**2
        return times, np.sqrt(variance)


def clock_tree(
    reference: str, pairs: Sequence[Pairs], *, max_drift_ppm: float = 500.0
) -> tuple[ClockTree, tuple[Relation, ...]]:
    """Join clocks to a reference by the ways of the smallest error.

    Parameters
    ----------
    reference
        The clock that all are mapped to.
    pairs
        What any two clocks have both seen; of the same two there may be several.
    max_drift_ppm
        As of `sync.drift.fit_clock`.

    Returns
    -------
    The tree, and the relations that it does not need: a second way each. Clocks that
    nothing joins to the reference are in neither; less than two pairs in a stretch
    without a leap join nothing.
    """
    fitted = list(_fitted(pairs, max_drift_ppm))
    chosen: dict[str, Relation] = {}
    used: set[int] = set()
    reached: set[str] = set()
    waiting: list[tuple[float, int, str, int]] = [(0.0, 0, reference, -1)]
    while waiting:
        variance, steps, clock, by = heapq.heappop(waiting)
        if clock in reached:
            continue
        reached.add(clock)
        if by >= 0:
            used.add(by)
            chosen[clock] = _from(fitted[by], clock, max_drift_ppm)
        for number, relation in enumerate(fitted):
            ends = {relation.source, relation.target}
            if clock in ends:
                (far,) = ends - {clock}
                way = (variance + relation.sd_ns**2, steps + 1, far, number)
                heapq.heappush(waiting, way)
    spare = tuple(
        relation
        for number, relation in enumerate(fitted)
        if number not in used and relation.source in reached
    )
    return ClockTree(reference, chosen.values()), spare


def _fitted(pairs: Sequence[Pairs], max_drift_ppm: float) -> Iterator[Relation]:
    for one in pairs:
        with suppress(ValueError):  # of too few pairs
            yield _fit(one, max_drift_ppm)


def _fit(pairs: Pairs, max_drift_ppm: float) -> Relation:
    model = fit_clock(pairs.one_ns, pairs.other_ns, max_drift_ppm=max_drift_ppm)
    sd_ns = float(np.median(model(pairs.one_ns)[1]))
    return Relation(pairs, model, float(np.hypot(sd_ns, pairs.constant_sd_ns)))


def _from(relation: Relation, clock: str, max_drift_ppm: float) -> Relation:
    if relation.source == clock:
        return relation
    return _fit(relation.pairs.turned(), max_drift_ppm)
