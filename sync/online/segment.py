"""One run of a device's clock without a jump: its messages in blocks of time."""

from __future__ import annotations

from enum import Enum, auto
from math import inf, sqrt

from sync.online.floor import Anchor, Bracket, Edge, Floor
from sync.online.state import ClockState

__all__ = ["News", "Segment"]

_FIRST_BLOCK_NS = 125_000_000
_BLOCK_NS = 2_000_000_000
_BROAD_BLOCK_NS = 10_000_000_000
"""Where delays are so broad that two seconds have no prompt message."""
_BLOCKS_PER_AGE = 4
"""A young clock's blocks are so small a part of its age."""
_LEAST_MESSAGES = 5
"""In a block, unless it lasts longer than the longest."""
_UNSURE_SD_NS = 1_000_000.0
"""Of the offset before the first block is full: nothing tells how late messages are."""
_REORDER_NS = 100_000_000
"""Messages of one device may overtake one another by so much."""
_LATE, _EARLY, _LEAP = 3.0, 5.0, 8.0
"""Standard deviations: a block is late; the floor was too high; the clock leapt."""
_LEAP_NS = 1_000_000.0
_SETTLED_BLOCKS = 4
_SETTLED_MESSAGES = 40
_SETTLED_NS = 1_000_000_000
_EVIDENCE = 30
"""So many late blocks that agree: the clock was set back."""
_CLEAR_NS = 100_000_000.0
_CLEAR_WEIGHT = 6
"""A lateness that delays hardly explain counts for so many."""
_AGREE_NS = 10_000_000.0
_CLEARLY = 0.5
"""What is so much less in variance than what was known before is news."""


class News(Enum):
    """What a message has brought."""

    NONE = auto()
    STATE = auto()
    JUMP = auto()


class Segment:
    """One run of a device's clock without a jump."""

    def __init__(self, device_ns: int, offset_ns: int, former: Floor | None) -> None:
        self.floor = Floor(device_ns, former)
        self._edge = Edge()
        self._bracket = Bracket(device_ns)
        self._anchor = Anchor(device_ns)
        self._base_ns = offset_ns
        self._first_ns = self._newest_ns = device_ns
        self._messages = self._blocks = 0
        self._evidence = 0
        self._step = 0.0
        self._leap = _LEAP_NS
        self._stated_ns, self._stated_var = device_ns, inf
        self._start_block(device_ns)

    @property
    def settled(self) -> bool:
        """Whether so much was seen that an early message is a jump."""
        return (
            self._blocks >= _SETTLED_BLOCKS
            and self._messages >= _SETTLED_MESSAGES
            and self._newest_ns - self._first_ns >= _SETTLED_NS
        )

    def is_too_old(self, device_ns: int, least_ns: int) -> bool:
        """Tell whether a stamp is older than the question: the clock was set back."""
        return self._late(device_ns, least_ns) > self._leap_at(device_ns)

    def fits(self, device_ns: int, offset_ns: int) -> bool:
        """Tell whether a message is of this run, and prompt."""
        if device_ns < self._newest_ns - _REORDER_NS:
            return False
        return abs(self._late(device_ns, offset_ns)) < self._leap_at(device_ns)

    def take_message(self, device_ns: int, offset_ns: int) -> News:
        """Take a message; a jump leaves everything as it was."""
        late = offset_ns - self._base_ns - self.floor.at(device_ns)
        if late < -self._leap or device_ns < self._newest_ns - _REORDER_NS:
            if self._is_jump(device_ns, late):
                return News.JUMP
            self._move_floor(device_ns, late)
        elapsed = device_ns - self._block_ns
        news = News.NONE
        if elapsed >= _FIRST_BLOCK_NS and self._is_full(device_ns, elapsed):
            news = self._close_block(device_ns)
            if news is News.JUMP:
                return news
        if device_ns > self._newest_ns:
            self._newest_ns = device_ns
        self._messages += 1
        self._count += 1
        late = offset_ns - self._base_ns - self.floor.at(device_ns)
        self._sum += late
        if late < self._least:
            self._second, self._least, self._least_ns = self._least, late, device_ns
            return news if self._blocks else News.STATE
        if late < self._second:
            self._second = late
        return news

    def take_exchange(self, device_ns: int, sent_ns: int, received_ns: int) -> News:
        """Take an exchange whose answer was taken as a message before."""
        round_trip = received_ns - sent_ns
        asked = float(sent_ns - device_ns - self._base_ns)
        self._bracket.take(device_ns, asked, round_trip, self.floor)
        middle = asked + round_trip / 2
        if not self._anchor.take(device_ns, middle, round_trip, self.floor):
            return News.NONE
        elapsed = device_ns - self._stated_ns
        aged = self._stated_var + elapsed * elapsed * self.floor.skew_var
        clearly = self._anchor.least_var < _CLEARLY * aged
        return News.STATE if clearly else News.NONE

    def state(self, number: int) -> ClockState:
        """Return what is known now."""
        at, floor = self._newest_ns, self.floor
        height, variance = self._by_floor(at)
        alone = self._anchor.variance(at, floor)
        if alone < (variance * _CLEARLY if self._bracket.known else inf):
            height, variance = self._anchor.at(at, floor), alone
        self._stated_ns, self._stated_var = at, variance
        return ClockState(
            device_ns=at,
            offset_ns=self._base_ns + round(height),
            skew_ppb=floor.skew * 1e9,
            sd_ns=round(sqrt(variance)),
            segment=number,
            skew_sd_ppb=sqrt(floor.skew_var) * 1e9,
        )

    def _by_floor(self, at: int) -> tuple[float, float]:
        """Return the difference of the clocks and its variance, by all messages."""
        if not self._blocks:
            return self.floor.at(at) + self._least, _UNSURE_SD_NS**2
        edge = self._edge.sd**2
        if self._bracket.known:
            middle, variance = self._bracket.middle(at, self.floor)
            return middle, variance + edge / 4
        return self.floor.at(at), self.floor.variance(at) + edge

    def _late(self, device_ns: int, offset_ns: int) -> float:
        return offset_ns - self._base_ns - self.floor.at(device_ns)

    def _leap_at(self, device_ns: int) -> float:
        return max(_LEAP_NS, _LEAP * self.floor.innovation_sd(device_ns))

    def _is_jump(self, device_ns: int, late: float) -> bool:
        """Stamps do not run backwards, and nothing arrives before it was stamped."""
        if device_ns < self._newest_ns - _REORDER_NS:
            return True
        # of a young clock, all earlier messages may have been late
        return self.settled and late < -self._leap_at(device_ns)

    def _move_floor(self, device_ns: int, late: float) -> None:
        """Find that the floor is not where it was thought to be."""
        # in the first block, the messages before were late, and that is all
        age = max(device_ns - self._first_ns, _FIRST_BLOCK_NS) if self._blocks else inf
        self.floor.move(device_ns, late, age)
        self._least = self._second = inf
        self._sum, self._count = 0.0, 0
        self._evidence = 0

    def _is_full(self, device_ns: int, elapsed: int) -> bool:
        if elapsed >= _BROAD_BLOCK_NS:
            return True
        broad = self._edge.broad and not self._evidence
        longest = _BROAD_BLOCK_NS if broad else _BLOCK_NS
        age = device_ns - self._first_ns
        return self._count >= _LEAST_MESSAGES and elapsed >= min(
            age // _BLOCKS_PER_AGE, longest
        )

    def _start_block(self, device_ns: int) -> None:
        self._block_ns = self._least_ns = device_ns
        self._least = self._second = inf
        self._sum = 0.0
        self._count = 0

    def _close_block(self, device_ns: int) -> News:
        """End the block before a message."""
        stepped = False
        if self._least < inf:
            self._blocks += 1
            span = self._newest_ns - self._block_ns
            if self._second < inf:
                self._edge.learn(self._second - self._least, self._count, span)
            stepped = self._take_least()
            self._bracket.close(self.floor)
            self._leap = self._leap_at(device_ns)
        self._start_block(device_ns)
        return News.JUMP if stepped else News.STATE

    def _take_least(self) -> bool:
        """Give the block to the filter; tell whether the clock was set back."""
        late, at = self._least - self._edge.excess, self._least_ns
        mean = self._sum / self._count - self._least
        self.floor.expect(
            self._count,
            self._edge.spacing,
            even=2 * mean / self._count,
            most=self._bracket.round_trip,
        )
        sd = self.floor.innovation_sd(at)
        if late < -_EARLY * sd:
            self._move_floor(at, late)
            return False
        self.floor.take(at, late)
        if late <= _LATE * sd:
            self._evidence = 0
            return False
        return self._suspect(late, sd)

    def _suspect(self, late: float, sd: float) -> bool:
        """Count late blocks that agree: after a step, all are late by the same."""
        apart = abs(late - self._step)
        if apart > max(5 * sd, min(0.1 * self._step, _AGREE_NS)):
            self._evidence, self._step = 0, late
        self._evidence += _CLEAR_WEIGHT if late > _CLEAR_NS else 1
        if self._evidence < _EVIDENCE:
            return False
        if late > _LEAP_NS:
            return True
        self._move_floor(self._least_ns, late)
        return False
