import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rig.monitor.recorded import paging
from rig.monitor.recorded.paging import Pages, Table
from rig.recording.reader import Recording


@pytest.fixture(scope="module")
def recording(small_session):
    with Recording.open(small_session) as recording:
        yield recording


@given(
    stream=st.sampled_from(["cameras/left", "events/daq", "clocks/daq", "losses/left"]),
    page=st.integers(3, 400),
    share=st.floats(-0.1, 1.1),
    exact=st.booleans(),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_moment_is_found_as_in_the_whole_column(
    recording, monkeypatch, stream, page, share, exact
):
    monkeypatch.setattr(paging, "PAGE_ROWS", page)
    table = Table(recording, stream)
    column = recording.rows(stream)["host_ns"]
    at = int(column[0] + share * (column[-1] - column[0] + 1000))
    if exact:
        at = int(column[int(np.clip(share, 0, 0.999) * len(column))])
    assert table.find(at, "host_ns") == np.searchsorted(column, at, "right")


@pytest.mark.parametrize("page", [7, 100, 2048])
def test_rows_and_payload_are_the_recordings(recording, monkeypatch, page):
    monkeypatch.setattr(paging, "PAGE_ROWS", page)
    table = Table(recording, "poses/left")
    for start, stop in ((0, 1), (3, 40), (99, 293), (250, 9999)):
        rows = recording.rows("poses/left", start, stop)
        np.testing.assert_array_equal(table.rows(start, stop)["seq"], rows["seq"])
        poses = recording.payload("poses/left", start, stop)
        np.testing.assert_array_equal(table.payload(start, stop), poses)
    assert len(table.rows(-1, 0)) == len(table.payload(5, 5)) == 0
    assert table.row(-1) is None
    assert table.row(293) is None
    assert not table.fault


def test_a_page_is_made_once_and_again_when_it_has_grown(monkeypatch):
    monkeypatch.setattr(paging, "PAGE_ROWS", 10)
    made = []

    def make(start, stop):
        made.append((start, stop))
        return (np.arange(start, stop),)

    pages = Pages(make, kept=2)
    for _ in range(2):
        pages.between(0, 15, 15)
    assert made == [(0, 10), (10, 15)]
    assert pages.get(1, 18)[0].tolist() == list(range(10, 18))
    assert made[2:] == [(10, 18)]
    pages.get(2, 30)
    pages.get(0, 30)  # gone meanwhile: the least used went first
    assert made[3:] == [(20, 30), (0, 10)]
