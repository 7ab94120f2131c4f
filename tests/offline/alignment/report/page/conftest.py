"""Whole alignments, good and bad, and pages read as a browser reads them."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from offline.alignment.report.page import page
from offline.alignment.result import Cue, Latency

NONE = np.zeros(0)
NAN = float("nan")


def _streams(build, losses=(), **figures):
    latency = Latency(
        stream="cameras/left",
        delay_ns=3.412e6,
        sd_ns=11e3,
        count=240,
        method="LED",
        made_utc="2026-11-02",
        rig_matches=True,
    )
    return [
        build.frames("cameras/left", lost=losses, latency=latency, **figures),
        build.frames("cameras/right", lost=(), path=("right", "daq"), clock="right"),
        build.stream("signals/daq/emg", "samples", n=200_000, rate_hz=2000.0),
        build.stream(
            "signals/scope/galvo", "samples", "scope", ("scope", "daq"), sd_ns=900.0
        ),
        build.stream("events/daq", "events"),
        build.stream("poses/left", "poses", "left", ("left", "daq"), sd_ns=6e3),
        build.stream("decisions", "decisions", "host", ("host", "daq"), 37, sd_ns=21e3),
        build.stream("acknowledgements", "acknowledgements", n=37),
        build.stream(
            "node_events", "node_events", "host", ("host", "daq"), 60, sd_ns=21e3
        ),
        build.stream("clocks/left", "clocks", "host", ("host", "daq"), 300, sd_ns=21e3),
        build.stream("losses/left", "losses", "host", ("host", "daq"), 7, sd_ns=21e3),
    ]


def _good_relations(build, seed=0):
    sync = build.train(600, seed=seed)
    triggers = build.train(6000, 10.0, seed=seed + 1, regular=True, dither_ns=100_000)
    asked = build.train(1200, 2.0, seed=seed + 2)
    return [
        build.relation(
            "scope",
            "daq",
            build.logged(sync, 1, 5e3, 23.0, 7 * 10**12, miss=0.004, spurious=0.003),
            build.logged(sync, 2, 5e3),
            "sync_line",
        ),
        build.relation(
            "left",
            "daq",
            build.logged(triggers, 3, 10e3, -41.0, 10**12, miss=0.002),
            build.logged(triggers, 4, 1e3),
            "triggers",
        ),
        build.relation(
            "host",
            "daq",
            build.logged(asked, 5, 40e3, 8.0, 10**14),
            build.logged(asked, 6, 1e3),
            "exchanges",
            constant_sd_ns=25e3,
            candidates=(),
            z=0.0,
            ratio=0.0,
        ),
    ]


def passes(build):
    """A good day."""
    relations = _good_relations(build)
    losses = [
        build.loss(1234, 1, "the host was busy"),
        build.loss(20_000, 5, "the link"),
        build.loss(31_000, 1),
    ]
    checks = [
        build.finding(
            "drift_ppm", f"{s} - daq", "PASS", v, f"The clocks drift by {v:+.1f} ppm."
        )
        for s, v in (("scope", 23.0), ("left", -41.0), ("host", 8.0))
    ]
    words = "7 of 60 000 were lost."
    checks.append(build.finding("lost_percent", "cameras/left", "PASS", 0.0117, words))
    cue = Cue(
        name="led",
        stream="cameras/left",
        against="events/daq sync",
        level="PASS",
        words="The light is seen in the frame in which the line says it was lit.",
        offset_ns=120e3,
        sd_ns=2.9e6,
        offset_frames=0.012,
        events=598,
        shift_frames=0,
    )
    return build.whole(relations, _streams(build, losses), checks, cues=(cue,))


def warns(build):
    """Frames lost in bunches, a loose cable, a latency of another rig."""
    relations = _good_relations(build, 10)
    scope = build.train(600, seed=10)
    source = build.logged(scope, 1, 5e3, 23.0, 7 * 10**12, miss=0.05, spurious=0.02)
    source = source[(source < 7 * 10**12 + 250e9) | (source > 7 * 10**12 + 320e9)]
    target = build.logged(scope, 2, 5e3, miss=0.01)
    strays = np.random.default_rng(3).integers(0, len(target), 5)
    target = np.sort(target + np.isin(np.arange(len(target)), strays) * 900_000)
    relations[0] = build.relation("scope", "daq", source, target, "sync_line")
    rng = np.random.default_rng(4)
    at = np.sort(rng.choice(59_000, 40, replace=False))
    losses = [
        build.loss(int(k), int(n), "ring full" if n % 3 else "the link")
        for k, n in zip(at, rng.integers(1, 30, 40), strict=True)
    ]
    checks = [
        build.finding(
            "longest_gap_s",
            "scope - daq",
            "WARN",
            71.2,
            "For 71 s there was no pulse on both clocks; up to 60 s are expected. Look "
            "at the cable of the sync line; times within the gap are known to ± 31 µs.",
        ),
        build.finding(
            "lost_percent",
            "cameras/left",
            "WARN",
            0.94,
            "0.94 % of the frames were lost, up to 0.1 % are expected: record fewer "
            "pixels, or give the recorder a faster disk.",
        ),
        build.finding(
            "drift_ppm", "left - daq", "PASS", -41.0, "The clocks drift by −41 ppm."
        ),
    ]
    streams = _streams(build, losses, level="WARN")
    stale = msgspec.structs.replace(streams[0][0].latency, rig_matches=False)
    streams[0] = (msgspec.structs.replace(streams[0][0], latency=stale), streams[0][1])
    return build.whole(
        relations,
        streams,
        checks,
        "scope: samples known to ± 31 µs (95 %) in the worst minute, 71 s without "
        "pulses, alignment unique",
    )


def ambiguous(build):
    """Regular pulses that fit as well one second later."""
    pulses = build.train(300, regular=True)
    source = build.logged(pulses, 1, 30e3, 15.0, 5 * 10**11)
    summary, pairs = build.relation(
        "scope", "daq", source, build.logged(pulses, 2, 30e3)
    )
    assert summary.verdict == "ambiguous"
    streams = [
        build.stream(
            "signals/scope/galvo",
            "samples",
            "scope",
            ("scope", "daq"),
            level="FAIL",
            unique=False,
            sd_ns=NAN,
            worst_sd_ns=NAN,
            sentence="scope: not aligned, its pulses fit as well one second later",
        ),
        build.stream("events/daq", "events"),
    ]
    checks = [
        build.finding(
            "ambiguity",
            "scope - daq",
            "FAIL",
            None,
            "The pulses come once a second and fit as well 1 s earlier or later. Use "
            "the random-interval line of the board, or give an LED to decide by.",
        )
    ]
    return build.whole(
        [(summary, pairs)],
        streams,
        checks,
        "scope: not aligned, its pulses fit as well one second later",
    )


def alone(build):
    """One clock, nothing to bring together."""
    return build.whole(
        [], [build.stream("events/daq", "events")], [], "daq: events known exactly"
    )


def nothing(build):
    """Not even a stream."""
    figures = {"counts": {}, "sha256": {}, "versions": {}, "started_utc": None}
    return build.whole([], [], [], "nothing was recorded", **figures)


def one_pulse(build):
    """A single pulse on either side."""
    one = np.array([5_000_000_000])
    return build.whole(
        [build.relation("scope", "daq", one, one + 7)], _streams(build)[:2]
    )


def one_pair(build):
    """One pair, as when a barcode named the only pulse."""
    summary, pairs = build.relation(
        "scope", "daq", build.train(40), build.train(40) + 7
    )
    first = {
        name: getattr(pairs, name)[:1]
        for name in ("source_ns", "target_ns", "time_s", "residual_ns", "sd_ns", "ppm")
    }
    none = dict.fromkeys(("held_out_s", "held_out_error_ns", "held_out_band_ns"), NONE)
    summary = msgspec.structs.replace(
        summary, pulses=1, held_out=0, held_out_rms_ns=None, held_out_coverage=None
    )
    return build.whole(
        [(summary, replace(pairs, **first, **none))], _streams(build)[:2]
    )


def reset(build):
    """A clock that began anew half-way."""
    pulses = build.train(800)
    source = build.logged(pulses, 1, 20e3, 30.0, 10**10)
    source[400:] -= source[400] - 1_000_000
    pair = build.relation("scope", "daq", source, build.logged(pulses, 2, 20e3))
    assert pair[0].segments == 2
    return build.whole([pair], _streams(build)[:3])


def long_night(build):
    """Two hours of 30 Hz."""
    pulses = build.train(216_000, 30.0)
    a = build.logged(pulses, 1, 50e3, 30.0, 10**13, miss=0.002, spurious=0.001)
    b = build.logged(pulses, 2, 10e3)
    rng = np.random.default_rng(0)
    at = np.sort(rng.choice(700_000, 5000, replace=False))
    losses = [build.loss(int(k), 1, "ring full") for k in at]
    big = build.frames("cameras/left", span_s=7200.0, lost=losses)
    pair = build.relation("scope", "daq", a, b)
    return build.whole([pair], [big, *_streams(build)[1:]])


def hostile(build):
    """Names that would like to be more than names."""
    bad = "<script>alert('x')</script>"
    case = passes(build)
    old = case.alignment
    relations = [
        msgspec.structs.replace(one, source=f"{bad}&{k}", reason=f"</p>{bad}")
        for k, one in enumerate(old.relations)
    ]
    evidence = {
        (one.source, one.target): case.evidence[before.source, before.target]
        for one, before in zip(relations, old.relations, strict=True)
    }
    streams = [
        msgspec.structs.replace(
            one,
            stream=f'{one.stream}"><img src=x onerror=alert(1)>',
            sentence=bad,
            path=(bad, "$\\frac{1}{0}$", "中\x00\x1b"),
            losses=tuple(
                msgspec.structs.replace(run, cause=f"</td>{bad}") for run in one.losses
            ),
        )
        for one in old.streams
    ]
    times = {
        one.stream: case.streams[before.stream]
        for one, before in zip(streams, old.streams, strict=True)
    }
    alignment = msgspec.structs.replace(
        old,
        source=bad,
        sentence=f"</h1>{bad}",
        reference="'\"><b>",
        relations=tuple(relations),
        streams=tuple(streams),
        counts={bad: {bad: 3}},
        sha256={"</code>" + bad: bad},
        versions={bad: bad},
        findings=tuple(
            msgspec.structs.replace(one, words=bad, subject=bad, check=bad)
            for one in old.findings
        ),
    )
    return build.case(alignment, evidence, times)


def _unknown(struct, **figures):
    """The same with every figure missing that may be."""
    names = struct.__struct_fields__
    floats = [n for n in names if isinstance(getattr(struct, n), float)]
    return msgspec.structs.replace(struct, **dict.fromkeys(floats, NAN) | figures)


def not_numbers(build):
    """Every figure that may be missing is."""
    case = passes(build)
    old = case.alignment
    none = dict.fromkeys(("held_out_rms_ns", "held_out_coverage", "disagreement_ns"))
    streams = tuple(
        _unknown(one, rate_hz=None, losses=tuple(map(_unknown, one.losses)))
        for one in old.streams
    )
    evidence = {}
    for key, pairs in case.evidence.items():
        sd, ppm, error = pairs.sd_ns.copy(), pairs.ppm.copy(), pairs.residual_ns.copy()
        sd[:], ppm[::2], error[::3] = NAN, NAN, NAN
        evidence[key] = replace(pairs, sd_ns=sd, ppm=ppm, residual_ns=error)
    times = {
        name: replace(one, sd_ns=np.full_like(one.sd_ns, np.nan))
        for name, one in case.streams.items()
    }
    none_of_cue = dict.fromkeys(("offset_ns", "sd_ns", "offset_frames", "shift_frames"))
    alignment = msgspec.structs.replace(
        old,
        relations=tuple(_unknown(one, primary=False, **none) for one in old.relations),
        streams=streams,
        findings=(
            build.finding("drift_ppm", "left - daq", "FAIL", NAN, "It is not known."),
        ),
        cues=(msgspec.structs.replace(old.cues[0], **none_of_cue),),
    )
    return build.case(alignment, evidence, times)


CASES = {
    made.__name__: made
    for made in (
        passes,
        warns,
        ambiguous,
        alone,
        nothing,
        one_pulse,
        one_pair,
        reset,
        hostile,
        not_numbers,
    )
}


@pytest.fixture(scope="session")
def cases(build):
    """The cases by name; each is made once."""
    made = {}

    def get(name):
        if name not in made:
            made[name] = CASES[name](build)
        return made[name]

    return get


@pytest.fixture(params=sorted(CASES))
def case(request, cases):
    """Each of the cases in turn."""
    return cases(request.param)


@pytest.fixture(scope="session")
def night(build):
    """Two hours of 30 Hz, with five thousand lost frames."""
    return long_night(build)


@pytest.fixture(scope="session")
def pages(read):
    """The page of a case, as HTML and read; each is made once."""
    made = {}

    def get(case):
        if id(case) not in made:
            html = page(case.alignment, case.evidence, case.streams)
            made[id(case)] = (html, read(html))
        return made[id(case)]

    return get
