"""Numbers for people: right to the digits that are shown, and never ``nan``."""

from __future__ import annotations

import re
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offline.alignment import units

THIN = "\u202f"
SIZES = {"ns": 1.0, "µs": 1e3, "ms": 1e6, "s": 1e9}


@pytest.mark.parametrize(
    ("show", "value", "expected"),
    [
        (units.size, 12_345, "12 µs"),
        (units.size, 3_412_000, "3.4 ms"),
        (units.size, -340, "340 ns"),
        (units.size, 999.6, "1.0 µs"),
        (units.size, 0.34, "0.34 ns"),
        (units.size, 0, "0 ns"),
        (units.size, 7.2e12, "7200 s"),
        (units.signed, -3_412_000, "−3.4 ms"),
        (units.signed, 12.0, "+12 ns"),
        (units.signed, 0, "0 ns"),
        (units.band, 6_122, "± 12 µs"),
        (units.band, 500, "± 980 ns"),
        (units.length, 0.2, "200 ms"),
        (units.length, 71.2, "71 s"),
        (units.length, 600, "10 min"),
        (units.length, 7080, "1 h 58 min"),
        (units.length, 3599, "60 min"),
        (units.moment, 12.3454, "0:12.345"),
        (units.moment, 3723.456, "1:02:03.456"),
        (units.moment, 59.9996, "1:00.000"),
        (units.moment, -0.5, "−0:00.500"),
        (units.count, 216_000, "216 000"),
        (units.percent, 0.946, "94.6 %"),
        (units.percent, 0.000117, "0.012 %"),
        (units.percent, 1e-9, "< 0.001 %"),
        (units.percent, 0, "0.0 %"),
        (lambda n: units.share_of(n, 60_000), 7, "7 (0.012 %)"),
        (lambda n: units.share_of(n, 0), 0, "0"),
        (units.ppm, 23.47, "+23.5 ppm"),
        (units.ppm, -0.0123, "−0.012 ppm"),
        (units.ppm_per_h, -1.8, "1.80 ppm/h"),
        (units.compact, 1.0249, "1.02"),
        (units.compact, 45.67, "45.7"),
        (units.compact, 234_995, "235 k"),
        (units.score, -0.067, "−0.1"),
        (units.score, 159.7, "160"),
        (units.whole, -2, "−2"),
        (units.whole, 0, "0"),
        (units.date, "2026-11-21T19:41:02Z", "2026-11-21 19:41:02 UTC"),
        (units.date, "2026-11-21T19:41:02+02:00", "2026-11-21 19:41:02+0200"),
        (units.date, "2026-11-02", "2026-11-02"),
        (units.date, "last Tuesday", "last Tuesday"),
        (units.date, None, "–"),
        (partial(units.named, "drift_ppm"), 12.0, "12.0 ppm"),
        (partial(units.named, "drift_change_ppm_per_h"), 4.0, "4.00 ppm/h"),
        (partial(units.named, "longest_gap_s"), 71.2, "71.2 s"),
        (partial(units.named, "model_error_us"), 12.0, "12 µs"),
        (partial(units.named, "lost_percent"), 0.94, "0.94 %"),
        (partial(units.named, "lost_fraction"), 0.0094, "0.94 %"),
        (partial(units.named, "held_out_coverage"), 0.946, "94.6 %"),
        (partial(units.named, "calibration_age_days"), 19.3, "19 days"),
        (partial(units.named, "nis"), 1.02, "1.02"),
        (units.tight, "± 12 µs (95 %), 7 lost", "± 12 µs (95 %), 7 lost"),
    ],
)
def test_a_number_reads_as_a_person_would_write_it(show, value, expected):
    assert show(value).replace(THIN, " ") == expected


def test_no_line_breaks_between_a_number_and_its_unit():
    assert units.tight("± 12 µs (95 %), 7 lost") == (
        f"±{THIN}12{THIN}µs (95{THIN}%), 7 lost"
    )
    assert units.tight("7 samples, 3 hosts, 2 states") == "7 samples, 3 hosts, 2 states"


@pytest.mark.parametrize("missing", [None, float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize(
    "show",
    [
        units.size,
        units.signed,
        units.band,
        units.length,
        units.moment,
        units.percent,
        units.ppm,
        units.ppm_per_h,
        units.compact,
        units.score,
    ],
)
def test_what_is_no_number_is_a_dash(show, missing):
    assert show(missing) == units.DASH
    assert units.named("drift_ppm", missing) == units.DASH


@given(st.floats(0.1, 1e15) | st.floats(-1e15, -0.1))
def test_a_time_is_shown_within_five_per_cent_of_what_it_is(value_ns):
    sign, number, unit = re.fullmatch(
        rf"([+−])([\d.]+){THIN}(\w+)", units.signed(value_ns)
    ).groups()
    assert (sign == "+") == (value_ns > 0)
    assert float(number) * SIZES[unit] == pytest.approx(abs(value_ns), rel=0.0501)
    assert unit == "s" or float(number) < 1000


@given(st.integers(0, 10**15))
def test_a_count_is_exact(value):
    assert int(units.count(value).replace(THIN, "")) == value


@given(st.floats(0, 1e6))
def test_a_moment_is_exact_to_the_millisecond(time_s):
    hours, minutes, seconds = ("0:" + units.moment(time_s)).split(":")[-3:]
    shown = 3600 * int(hours) + 60 * int(minutes) + float(seconds)
    assert shown == pytest.approx(time_s, abs=0.00051)
    assert float(seconds) < 60


@given(st.floats(0, 1))
def test_a_share_is_shown_to_a_twentieth_or_a_tenth_of_a_per_cent(share):
    shown = units.percent(share)
    number = float(shown.removeprefix("< ").removesuffix(f"{THIN}%"))
    assert number == pytest.approx(100 * share, rel=0.06, abs=0.00101)


@given(st.floats(-1e4, 1e4))
def test_a_rate_is_shown_to_a_hundredth(value):
    shown = units.ppm(value).removesuffix(f"{THIN}ppm").replace("−", "-")
    assert float(shown) == pytest.approx(value, rel=0.006, abs=0.00051)


@pytest.mark.parametrize(
    ("largest_ns", "unit"),
    [(0.2, "ns"), (999, "ns"), (2e3, "µs"), (2e6, "ms"), (3e9, "s")],
)
def test_an_axis_takes_the_largest_unit_below_its_values(largest_ns, unit):
    scale = units.scale_of_errors(largest_ns)
    assert scale.unit == unit
    assert scale.one == SIZES[unit]


@pytest.mark.parametrize(
    ("span_s", "unit", "one"), [(10, "s", 1), (600, "min", 60), (4 * 3600, "h", 3600)]
)
def test_a_session_is_shown_in_its_own_unit(span_s, unit, one):
    scale = units.scale_of_times(span_s)
    assert (scale.unit, scale.one) == (unit, one)
