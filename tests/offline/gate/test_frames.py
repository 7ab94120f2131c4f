from pathlib import Path, PurePosixPath

import pytest

from offline.gate.frames import Held, fair_names
from rig.errors import LabelError

LABELLED = [PurePosixPath("labeled-data", f"m{k % 3}", f"i{k}.png") for k in range(30)]
PROJECT = Path("paws")


def learnt(animal):
    return {f"{p.parent.name}/{p.name}" for p in LABELLED if p.parent.name == animal}


def test_what_the_current_model_has_learnt_is_left_out():
    names, said = fair_names(Held(PROJECT, None), LABELLED, learnt("m1"))
    assert len(names) == 20
    assert not any("/m1/" in name for name in names)
    assert said == ["10 more are left out that the current one has learnt"]


def test_nothing_is_left_out_where_too_little_would_be_left():
    held = Held(PROJECT, tuple(map(str, LABELLED[:12])))
    assert fair_names(held, LABELLED, learnt("m1")) == (list(held.names), [])


def test_frames_that_it_has_not_learnt_stay_as_they_are_named():
    assert fair_names(Held(PROJECT, None), LABELLED, {"elsewhere/i1.png"}) == (None, [])
    held = Held(PROJECT, ("i1.png", "m2/i2.png"))
    assert fair_names(held, LABELLED, frozenset()) == (["i1.png", "m2/i2.png"], [])


def test_a_name_that_no_picture_has_is_told():
    with pytest.raises(LabelError, match=r"m1/gone\.png"):
        fair_names(Held(PROJECT, ("m1/gone.png",)), LABELLED, frozenset())
