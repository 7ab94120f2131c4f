from hypothesis import given
from hypothesis import strategies as st

from offline.training.schedule import EVALUATIONS, schedule

SECONDS = st.floats(0.1, 1e4)


@given(SECONDS, SECONDS, SECONDS)
def test_the_time_is_used_and_not_exceeded(left_s, epoch_s, evaluation_s):
    epochs, evaluations = schedule(left_s, epoch_s, evaluation_s)
    took_s = epochs * epoch_s + evaluations * evaluation_s
    assert epochs >= 2
    assert 1 <= evaluations <= min(EVALUATIONS, epochs)
    if epochs > 2:
        assert took_s <= left_s * (1 + 1e-9)
    if evaluations == EVALUATIONS:
        assert took_s + epoch_s > left_s
    if evaluations > 4:
        assert evaluations * evaluation_s <= 0.1 * left_s * (1 + 1e-9)


def test_without_a_test_nothing_is_evaluated_in_vain():
    assert schedule(100, 10, 0) == (10, 10)
