from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.config.loading import load_session
from rig.config.session import SessionConfig
from rig.monitor.control.plan_values import (
    make_plan,
    plan_fields,
    text_of_plan,
    values_of_plan,
)

_WORDS = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=60
).map(str.strip)


class Later(SessionConfig):
    """A session plan as it may be one day."""

    weight_g: float | None = None
    """Of the animal,
    this morning."""
    cohort: Literal["saline", "drug"] = "saline"
    habituated: bool = False
    doses_mg: tuple[float, ...] = (0.5, 1)


@st.composite
def plans(draw):
    return SessionConfig(
        format="springhare-session-plan/1",
        subject=draw(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,20}", fullmatch=True)),
        experimenter=draw(_WORDS),
        notes=draw(_WORDS),
        planned_minutes=draw(st.floats(0.001, 1e6)),
        seed=draw(st.integers(0, 2**40)),
    )


@given(plans())
def test_what_is_typed_again_is_the_same_plan(plan):
    made = make_plan(values_of_plan(plan))
    assert made.faults == {}
    assert made.plan == plan


@given(plans())
def test_a_plan_is_read_from_its_text_as_it_was(tmp_path_factory, plan):
    path = tmp_path_factory.mktemp("plan") / "plan.yaml"
    path.write_text(text_of_plan(plan), encoding="utf-8")
    assert load_session(path) == plan


def test_a_new_field_of_the_model_appears_by_itself():
    fields = {field.name: field for field in plan_fields(Later)}
    kinds = {name: field.kind for name, field in fields.items()}
    assert kinds == {
        "subject": "text",
        "experimenter": "text",
        "notes": "text",
        "planned_minutes": "number",
        "seed": "whole",
        "weight_g": "number",
        "cohort": "choice",
        "habituated": "yes_no",
        "doses_mg": "other",
    }
    assert fields["weight_g"].about == "Of the animal, this morning"
    assert fields["weight_g"].label == "Weight g"
    assert fields["cohort"].choices == ("saline", "drug")
    assert fields["doses_mg"].default == "[0.5, 1]"
    assert [name for name, field in fields.items() if field.required] == ["subject"]


def test_fields_of_every_kind_are_read():
    typed = {
        "subject": "m1",
        "weight_g": "21.5",
        "cohort": "drug",
        "habituated": "true",
        "doses_mg": "[1, 2.5]",
    }
    plan = make_plan(typed, Later).plan
    assert isinstance(plan, Later)
    assert (plan.weight_g, plan.cohort, plan.habituated, plan.doses_mg) == (
        21.5,
        "drug",
        True,
        (1, 2.5),
    )


@pytest.mark.parametrize(
    ("name", "typed", "fault"),
    [
        ("subject", "", "expected the animal; part of the recording's path, got"),
        ("subject", "m 1", "expected a name of letters, digits, - and _, got 'm 1'"),
        ("subject", "../m1", "expected a name of letters"),
        ("subject", "m" * 41, "expected at most 40 characters"),
        ("planned_minutes", "0", "expected more than 0"),
        ("planned_minutes", "long", "expected a number, got 'long'"),
        ("planned_minutes", "inf", "expected a finite number"),
        ("seed", "1.5", "expected a whole number, got '1.5'"),
        ("seed", "-1", "expected at least 0, got -1"),
    ],
)
def test_what_is_wrong_is_told_by_field(name, typed, fault):
    made = make_plan({"subject": "m1", name: typed})
    assert made.plan is None
    assert list(made.faults) == [name]
    assert fault in made.faults[name]


def test_all_that_is_wrong_is_told_at_once():
    made = make_plan({"subject": "m 1", "planned_minutes": "x", "seed": "-1"})
    assert set(made.faults) == {"subject", "planned_minutes", "seed"}
