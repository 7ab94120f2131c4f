"""Nothing that a recording says can become markup."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offline.alignment.report.markup import Html, details, join, table, tag, text


@given(st.text())
def test_any_text_comes_out_as_it_went_in(read, words):
    page = read(tag("p", words, title=words))
    shown = "".join(
        c if c.isprintable() or c in "\n\t\u00a0\u202f" else "�" for c in words
    )
    found = page.one("p")
    assert found.text == shown
    assert found.attributes == {"title": shown}
    assert found.all() == []


def test_markup_is_not_escaped_twice():
    inner = tag("b", "1 < 2")
    assert tag("p", inner, " & so on") == "<p><b>1 &lt; 2</b> &amp; so on</p>"
    assert text(inner) is inner
    assert isinstance(join(["<", inner], " & "), Html)
    assert join(["<", inner], " & ") == "&lt; &amp; <b>1 &lt; 2</b>"


def test_attributes_are_named_as_in_html():
    made = tag("div", class_="a", data_label='"', aria_label=None, name="n")
    assert made == '<div class="a" data-label="&quot;" name="n"></div>'


def test_a_void_element_is_not_closed():
    assert tag("meta", charset="utf-8") == '<meta charset="utf-8">'


def test_a_table_names_its_cells_and_puts_numbers_right(read):
    found = read(table(["Stream", ">Lost"], [["a<b", "7"], ["c", "0"]], class_="x"))
    assert [cell.text for cell in found.all("th")] == ["Stream", "Lost"]
    assert [cell.text for cell in found.all("td")] == ["a<b", "7", "c", "0"]
    assert [cell.attributes["data-label"] for cell in found.all("td")][:2] == [
        "Stream",
        "Lost",
    ]
    assert [cell.text for cell in found.all("td", class_="n")] == ["7", "0"]
    assert found.one("div").attributes["class"] == "scroll x"


def test_a_row_of_the_wrong_length_is_an_error():
    with pytest.raises(ValueError, match="zip"):
        table(["Stream", "Lost"], [["left"]])


def test_folded_things_have_a_title(read):
    found = read(details("3 > 2", tag("p", "more")))
    assert found.one("summary").text == "3 > 2"
    assert found.one("p").text == "more"
