"""How many epochs there is time for, and how often the test is looked at. Pure."""

from __future__ import annotations

__all__ = ["EVALUATIONS", "RESERVE", "schedule"]

EVALUATIONS = 25
"""Of the test frames, for the learning curve: nothing is chosen by them."""
RESERVE = 0.93
"""Of the time that is given: the export takes some, and no machine is even."""
_FEWEST, _SHARE = 4, 0.1
"""Evaluations take a tenth of the time at most, but for the first few."""


def schedule(
    left_s: float, epoch_s: float, evaluation_s: float, *, most: int = EVALUATIONS
) -> tuple[int, int]:
    """Return the number of epochs, and of looks at the test frames.

    Parameters
    ----------
    left_s
        Time for both.
    epoch_s, evaluation_s
        What each takes.
    most
        Evaluations at most.

    Examples
    --------
    >>> schedule(1380, 8.5, 1.9)
    (156, 25)
    >>> schedule(1380, 32.0, 10.0)
    (39, 13)
    """
    wanted = most
    if evaluation_s > 0:
        wanted = min(most, max(_FEWEST, int(_SHARE * left_s / evaluation_s)))
    epochs = max(2, int((left_s - wanted * evaluation_s) / epoch_s))
    return epochs, min(wanted, epochs)
