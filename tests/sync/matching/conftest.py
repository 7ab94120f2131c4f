"""Pulse trains of known truth: generators, crystals, and logs that lose and invent."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from sync.matching import match_pulses

NS = 1e9


@dataclass(frozen=True)
class Log:
    ns: np.ndarray
    ids: np.ndarray
    """True number of each pulse; -1 for a spurious one."""

    def __getitem__(self, part):
        return Log(self.ns[part], self.ids[part])


def random_train(rng, count, low=0.1, high=1.9):
    return np.cumsum(rng.uniform(low, high, count))


def regular_train(rng, count, rate_hz, dither_s=0.0):
    times = np.arange(count) / rate_hz
    return times + rng.choice([-dither_s, dither_s], count) if dither_s else times


def crystal(times, rng, ppm=0.0, wander_ppm=1.0, warm_ppm=3.0, offset_s=-1234.0):
    """The same moments on a device's clock: drift, random walk, warm-up, a cycle."""
    span = max(float(times[-1]), 1.0)
    grid = np.linspace(-60, span + 60, max(int(span / 2), 100))
    step = grid[1] - grid[0]
    rate = ppm + np.cumsum(rng.normal(0, wander_ppm * np.sqrt(step / span), grid.size))
    rate += warm_ppm * np.exp(-np.maximum(grid, 0) / 600)
    rate += 0.3 * np.sin(2 * np.pi * grid / 1200)
    gained = np.concatenate([[0], np.cumsum((rate[1:] + rate[:-1]) / 2 * step)]) * 1e-6
    return times + np.interp(times, grid, gained) + offset_s


def log(rng, times, ids=None, *, jitter_s=50e-6, miss=0.0, spurious=0.0, tick_ns=0):
    ids = np.arange(times.size) if ids is None else ids
    kept = rng.random(times.size) >= miss
    stamps = times[kept] + jitter_s * rng.normal(size=int(kept.sum()))
    count = rng.poisson(spurious * times.size)
    stamps = np.concatenate([stamps, rng.uniform(times[0], times[-1], count)])
    ids = np.concatenate([ids[kept], np.full(count, -1)])
    order = np.argsort(stamps, kind="stable")
    ns = np.round(stamps[order] * NS).astype(np.int64)
    return Log(ns // tick_ns * tick_ns if tick_ns else ns, ids[order])


def join(*logs):
    return Log(
        np.concatenate([one.ns for one in logs]),
        np.concatenate([one.ids for one in logs]),
    )


def judge(source, target, **options):
    """Match two logs and compare with the truth."""
    match = match_pulses(source.ns, target.ns, **options)
    ours, theirs = source.ids[match.source_index], target.ids[match.target_index]
    right = int(np.count_nonzero((ours == theirs) & (ours >= 0)))
    common = np.intersect1d(source.ids[source.ids >= 0], target.ids[target.ids >= 0])
    return SimpleNamespace(
        match=match,
        recall=right / max(common.size, 1),
        false=ours.size - right,
        false_share=(ours.size - right) / max(ours.size, 1),
    )


KINDS = (
    "plain",
    "modulated",
    "coarse ticks",
    "same pulses miss",
    "slow wave",
    "dithered",
    "random",
    "loop",
    "paused",
)


def _modulated(rng, times, period):
    length = int(rng.integers(2, min(60, max(times.size // 3, 3))))
    pattern = rng.normal(0, 0.02 * period, length)
    if rng.random() < 0.4:
        pattern[1:] = 0.0
    return times + np.resize(pattern, times.size)


def _dithered(rng, times, period):
    if rng.random() < 0.5:
        return times + rng.uniform(-0.01 * period, 0.01 * period, times.size)
    return times + rng.choice([-0.01 * period, 0.01 * period], times.size)


def _times(rng, kind, count, period):
    times = np.arange(count) * period
    if kind == "modulated":
        times = _modulated(rng, times, period)
    elif kind == "slow wave":
        wave = np.sin(2 * np.pi * np.arange(count) / rng.uniform(5, 3 * count))
        times = times + 0.05 * period * wave
    elif kind in ("dithered", "paused"):
        times = _dithered(rng, times, period)
    elif kind == "random":
        times = random_train(rng, count)
    elif kind == "loop":
        length = max(count // int(rng.integers(2, 6)), 2)
        times = np.cumsum(np.resize(rng.uniform(0.1, 1.9, length), count))
    if kind == "paused":
        times = times + np.where(np.arange(count) > count // 2, rng.uniform(0, 300), 0)
    return times


def _cut(rng, size):
    if rng.random() < 0.3:
        return slice(0, size)
    third = size // 3
    return slice(int(rng.integers(0, third + 1)), int(rng.integers(size - third, size)))


def any_pair(seed):
    """Two logs of one train of any kind, both cut at will: (kind, source, target)."""
    rng = np.random.default_rng(seed)
    kind = KINDS[seed % len(KINDS)]
    period = 1.0 / float(rng.choice([1.0, 10.0, 30.0, 60.0, 100.0]))
    count = int(np.exp(rng.uniform(np.log(20), np.log(6000))))
    times = _times(rng, kind, count, period)
    ids = np.arange(count)
    if kind == "same pulses miss":
        kept = rng.random(count) > rng.uniform(0, 0.3)
        times, ids = times[kept], ids[kept]
    elsewhere = crystal(
        times - times[0],
        rng,
        ppm=rng.uniform(-190, 190),
        wander_ppm=rng.choice([0.05, 1.0, 20.0]),
        warm_ppm=rng.choice([0.0, 3.0, 10.0]),
        offset_s=rng.uniform(-1e6, 1e6),
    )
    faults = {
        "miss": rng.choice([0, 0.001, 0.02, 0.2]),
        "spurious": rng.choice([0, 0, 0.02, 0.2]),
    }
    ours = min(rng.choice([0, 2e-6, 1e-5, 5e-5]), 0.01 * period)
    theirs = min(rng.choice([0, 2e-6, 1e-5, 5e-5, 5e-4]), 0.01 * period)
    ticks = (0, 0)
    if kind == "coarse ticks":
        ticks = rng.choice([32_000, 33_333, 50_000, 100_000], 2).tolist()
        ours, theirs = rng.choice([0, 1e-6], 2)
    one, other = _cut(rng, times.size), _cut(rng, times.size)
    return (
        kind,
        log(rng, times[one], ids[one], jitter_s=ours, tick_ns=ticks[0], **faults),
        log(
            rng,
            elsewhere[other],
            ids[other],
            jitter_s=theirs,
            tick_ns=ticks[1],
            **faults,
        ),
    )


@pytest.fixture(scope="session")
def trains():
    return SimpleNamespace(
        Log=Log,
        any_pair=any_pair,
        crystal=crystal,
        join=join,
        judge=judge,
        log=log,
        random=random_train,
        regular=regular_train,
    )
