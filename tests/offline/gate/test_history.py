import pytest
from hypothesis import given
from hypothesis import strategies as st

from offline.gate.history import Change, before, changes, note
from rig.errors import ConfigError


def change(was, model, *, back=False):
    return Change(at_utc="2026-01-02", by="me", was=was, model=model, sha256=None,
                  back=back)  # fmt: skip


@given(st.lists(st.sampled_from("abc"), min_size=1), st.data())
def test_going_back_goes_through_all_models_in_turn(models, data):
    """Also through one that was promoted twice, and past changes that were cut off."""
    history, present, way = [], None, []
    for model in models:
        if model == present:
            continue
        if data.draw(st.booleans(), "cut off before the rig file"):
            history.append(change(present, "z"))
        history.append(change(present, model))
        way.append(present)
        present = model
    while way:
        made = before(history, present)
        if data.draw(st.booleans(), "cut off before the rig file"):
            history.append(change(present, made.was, back=True))
            made = before(history, present)
        assert made.was == way.pop()
        history.append(change(present, made.was, back=True))
        present = made.was
    assert before(history, present) is None


def test_a_model_that_was_written_by_hand_was_not_promoted():
    history = [change(None, "a"), change("a", "b")]
    assert before(history, "mine") is None
    assert before([*history, change("mine", "c")], "c").was == "mine"
    assert before([*history, change("mine", "c")], "mine") is None
    assert before(history, "a").was is None, "back by hand is back"


def test_a_line_that_was_cut_off_is_no_change(tmp_path):
    assert changes(tmp_path) == []
    note(tmp_path, change(None, "a"))
    path = tmp_path / "promotions.jsonl"
    path.write_bytes(path.read_bytes() + b'{"at_utc": "20')
    assert [each.model for each in changes(tmp_path)] == ["a"]
    note(tmp_path, change("a", "b"))
    assert [each.model for each in changes(tmp_path)] == ["a", "b"]


def test_a_line_that_is_none_is_told(tmp_path):
    note(tmp_path, change(None, "a"))
    path = tmp_path / "promotions.jsonl"
    path.write_bytes(b"what\n" + path.read_bytes())
    with pytest.raises(ConfigError, match=r"promotions.jsonl:1"):
        changes(tmp_path)


def test_what_is_no_history_is_told(tmp_path):
    (tmp_path / "promotions.jsonl").mkdir()
    with pytest.raises(ConfigError, match="Expected the history"):
        changes(tmp_path)
