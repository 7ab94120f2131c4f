"""Trains by the clock that they share, each moment of it once.

A table's column has a clock of its own; the registers of a Harp device share one; the
streams of an XDF file are brought to their recorder's by its measurements.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from offline.alignment.foreign.exchanges import (
    ENOUGH,
    USUAL_JITTER_NS,
    fit_measurements,
)
from offline.alignment.foreign.order import (
    Order,
    epochs_of,
    laid_out,
    order_of,
    runs_of,
)
from offline.alignment.joints.joint import Joint
from sync.alignment import Relation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from offline.alignment.foreign.train import Measurements, Train
    from sync.drift import ClockModel

__all__ = ["Group", "Member", "group_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """A train on its clock."""

    train: Train
    order: Order
    own_ns: NDArray[np.int64]
    """(n,) times with the epochs of the train's clock one behind the other."""
    shared_ns: NDArray[np.int64]
    """(n,) on the clock that the group shares; what is not `known` means nothing."""
    epoch: NDArray[np.int64]
    """(n,) which epoch of the shared clock each is of; -1 of none that is known."""

    @property
    def known(self) -> NDArray[np.bool_]:
        """Whether the shared clock's time is known of each (n,)."""
        return self.epoch >= 0

    @property
    def raw_ns(self) -> NDArray[np.int64]:
        """Times to be matched: as recorded, or by the recorder where there is one."""
        return self.train.times_ns if self.train.measured is None else self.shared_ns


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Trains that share a clock."""

    clock: str
    members: tuple[Member, ...]
    fitted: tuple[tuple[Joint, Relation], ...] = ()
    """Of each stream's own clock to the recorder's."""
    refused: tuple[Joint, ...] = ()
    """Of streams whose clock nobody has asked."""
    main_epoch: int = 0
    """The one in which the shared clock is counted as it was recorded."""


def group_of(clock: str, trains: Sequence[Train]) -> Group:
    """Return the group of some trains of one clock, or of one recorder.

    Raises
    ------
    SessionError
        If a train is in no order.
    """
    if trains[0].measured is not None:
        return _recorded_group(clock, trains)
    orders = [order_of(train) for train in trains]
    fullest = max(range(len(trains)), key=lambda k: len(orders[k].runs))
    epochs = epochs_of(trains[fullest].times_ns, orders[fullest].runs)
    members: list[Member] = []
    for train, order in zip(trains, orders, strict=True):
        own, epoch = laid_out(train.times_ns, order.runs, epochs)
        members.append(Member(train, order, own, own, epoch))
    unmoved = [epoch.added_ns == 0 for epoch in epochs]
    main = unmoved.index(True) if unmoved else 0
    return Group(clock, tuple(members), main_epoch=main)


def _recorded_group(clock: str, trains: Sequence[Train]) -> Group:
    members: list[Member] = []
    fitted: list[tuple[Joint, Relation]] = []
    refused: list[Joint] = []
    for train in trains:
        member, joint, relation = _recorded(clock, train)
        members.append(member)
        if relation is None:
            refused.append(joint)
        else:
            fitted.append((joint, relation))
    return Group(clock, tuple(members), tuple(fitted), tuple(refused))


def _recorded(clock: str, train: Train) -> tuple[Member, Joint, Relation | None]:
    """Return a stream on its recorder's clock."""
    order, asked, times = order_of(train), train.measured, train.times_ns
    if asked is None or not len(asked.own_ns):
        joint = Joint(train.clock, clock, "exchanges", "no_match", _UNASKED)
        nowhere = np.full(len(times), -1)
        return Member(train, order, times, times, nowhere), joint, None
    runs = runs_of(asked.own_ns)
    epochs = epochs_of(asked.own_ns, runs)
    own, recorder = _in_order(asked, laid_out(asked.own_ns, runs, epochs)[0])
    model = fit_measurements(own, recorder)
    joint = _joint(clock, train, model, own, recorder)
    at_pairs = float(np.median(model(own)[1]))
    relation = Relation(
        joint.pairs, model, float(np.hypot(at_pairs, joint.constant_sd_ns))
    )
    laid, epoch = laid_out(times, order.runs, epochs)
    shared, _ = relation(laid)
    # the recorder's own clock has one epoch, however often the stream's began anew
    known = np.minimum(epoch, 0)
    return Member(train, order, laid, shared, known), joint, relation


def _in_order(
    asked: Measurements, laid_ns: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return measurements by their time, each time once."""
    order = np.argsort(laid_ns, kind="stable")
    own, recorder = laid_ns[order], asked.recorder_ns[order]
    fresh = np.diff(own, prepend=own[0] - 1) > 0
    return own[fresh], recorder[fresh]


_UNASKED = (
    "The file holds no measurement of this stream's clock, so nothing says how it goes "
    "on the recorder's."
)


def _joint(
    clock: str,
    train: Train,
    model: ClockModel,
    own: NDArray[np.int64],
    recorder: NDArray[np.int64],
) -> Joint:
    """Return what brought a stream to its recorder's clock, in words too."""
    parts = [
        f"{segment.pulses} over {(s_last - s_first) * 1e-9:.0f} s: "
        f"{np.mean(segment.skew_ppm(np.array([s_first, s_last]))):+.1f} ppm, scatter "
        f"{segment.jitter.scale_ns / 1e3:.0f} µs"
        for segment in model.segments
        for s_first, s_last in [(segment.first_source_ns, segment.last_source_ns)]
    ]
    apart = len(model.segments)
    resets = f" in {apart} segments, its clock having been reset" if apart > 1 else ""
    few = any(segment.pulses < ENOUGH for segment in model.segments)
    said = [note for note in train.notes if "measurement" in note]
    remarks = [note[:1].upper() + note[1:] for note in said]
    if few:
        remarks.append(
            f"A segment has fewer than {ENOUGH} measurements: their scatter is taken "
            f"to be {USUAL_JITTER_NS / 1e3:.0f} µs at least"
        )
    remarks.append(
        "The file keeps no round trips: what delays one way more than the other cannot "
        "be seen, and is taken to be as large as the scatter"
    )
    scatter = [segment.jitter.scale_ns for segment in model.segments]
    return Joint(
        one=train.clock,
        other=clock,
        how="exchanges",
        verdict="unique",
        reason=f"{len(own)} clock measurements{resets} ({'; '.join(parts)}).",
        one_ns=own,
        other_ns=recorder,
        constant_sd_ns=float(np.max(scatter)),
        remarks=tuple(remarks),
    )
