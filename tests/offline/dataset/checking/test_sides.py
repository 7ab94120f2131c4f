import pytest

from offline.dataset.checking.sides import left_right_pairs


@pytest.mark.parametrize(
    "names",
    [
        ("leftear", "rightear"),
        ("EarLeft", "earRight"),
        ("l_ear", "r_ear"),
        ("ear_L", "ear_R"),
        ("earL", "earR"),
        ("lEar", "rEar"),
        ("paw_FL", "paw_FR"),
        ("pawL2", "pawR2"),
    ],
)
def test_sides_by_their_names(names):
    assert left_right_pairs(("nose", *names)) == [(1, 2)]
    assert left_right_pairs(names[::-1]) == [(1, 0)]


def test_other_names_are_no_sides():
    assert left_right_pairs(("tail", "ball", "barl", "left", "up")) == []
    assert left_right_pairs(("collar", "corlar")) == []
