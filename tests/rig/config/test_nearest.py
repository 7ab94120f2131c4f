import pytest

from rig.config.nearest import nearest

KNOWN = ("exposure_us", "gain_db", "rate_hz", "max_rate_hz", "width_px", "kind")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("exposure_ms", "exposure_us"),
        ("Exposure_us", "exposure_us"),
        ("exposure", "exposure_us"),
        ("gian_db", "gain_db"),
        ("rate_khz", "rate_hz"),
        ("max_rate", "max_rate_hz"),
        ("kidn", "kind"),
        ("colour", None),
        ("", None),
    ],
)
def test_what_was_meant(name, meant):
    assert nearest(name, KNOWN) == meant


def test_of_nothing():
    assert nearest("x", []) is None
