"""The theoretical limit: how well anybody can know a wandering clock."""

from __future__ import annotations

__all__ = ["smoothing_limit_ns"]


def smoothing_limit_ns(jitter_ns: float, rate_hz: float, wander: float) -> float:
    """Return the least standard deviation of a clock's offset, long before the end.

    Of the optimal (Wiener) smoother for pulses of white jitter at a rate, and a skew
    that is a random walk: √(R^¾ q^¼ / 2√2), with R = jitter² / rate. At either end of a
    session, and live, it is twice as much.

    Parameters
    ----------
    jitter_ns
        Of each pulse, both clocks together.
    rate_hz
        Pulses per second.
    wander
        q, in ppb²/s: the variance that the skew gains in a second.
    """
    per_second = jitter_ns**2 / rate_hz
    return (per_second**0.75 * wander**0.25 / (2 * 2**0.5)) ** 0.5
