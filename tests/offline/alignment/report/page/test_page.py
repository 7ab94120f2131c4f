"""The page: whole, self-contained, honest about every figure, and hard to fool."""

from __future__ import annotations

import re

import msgspec
import numpy as np
import pytest

from offline.alignment import units
from offline.alignment.report import relations as relations_module
from offline.alignment.report.page import page

_URLS = ("href", "src", "action", "data", "formaction", "poster", "srcset")
_LEAKED = re.compile(r"(?<![\w-])(nan|inf|None|NaN|True|False|9223372036854775808)\b")


def flat(words):
    """Words without what keeps lines from breaking."""
    return words.replace("\u202f", " ")


def cells(row):
    return [flat(cell.text) for cell in row.all("td")]


def section(root, name):
    return root.one("section", id=name)


def rows(part):
    return [cells(row) for body in part.all("tbody") for row in body.all("tr")]


# ---- any page


def test_every_element_is_closed_and_every_link_arrives(case, pages):
    html, root = pages(case)
    assert html.startswith("<!DOCTYPE html>\n<html lang")
    ids = [node.attributes["id"] for node in root.all() if "id" in node.attributes]
    assert len(ids) == len(set(ids))
    targets = [node.attributes.get("href", "") for node in root.all()]
    asked = {target[1:] for target in targets if target}
    asked |= set(re.findall(r"url\(#([^)]+)\)", html))
    assert asked <= set(ids)


def test_it_needs_nothing_but_itself(case, pages):
    html, root = pages(case)
    style = root.one("style").text
    assert "url(" not in style
    assert "@import" not in style
    for node in root.all():
        assert node.tag not in {"script", "link", "iframe", "object", "embed", "img"}
        for name, value in node.attributes.items():
            assert not name.startswith("on")
            if name in _URLS:
                assert value.startswith(("#", "data:")), (node.tag, name, value)
    # outside of what names and sentences say, there is no address at all
    assert "http://" not in html
    assert "https://" not in html
    policy = root.all("meta")[1]
    assert policy.attributes["http-equiv"] == "Content-Security-Policy"
    assert policy.attributes["content"].startswith("default-src 'none'")


def test_nothing_leaks_that_is_no_number(case, pages):
    _, root = pages(case)
    for node in root.one("body").all():
        assert not _LEAKED.search(node.own), node.own
        for name in ("title", "aria-label", "d", "points", "x", "y", "style"):
            assert not _LEAKED.search(node.attributes.get(name, "")), node.attributes


def test_the_verdict_is_a_shape_a_word_and_a_colour(case, pages):
    _, root = pages(case)
    level = case.alignment.level
    hero = root.one("header")
    assert hero.has({"class": level.lower()})
    word = hero.one("p", class_="word")
    assert word.text == level
    assert word.one("svg").has({"class": level.lower()})
    assert root.one("head").one("title").text.startswith(f"{level} · ")


def test_the_verdict_comes_first_and_says_the_sentence(cases, pages):
    for name in ("passes", "warns", "ambiguous", "nothing"):
        case = cases(name)
        _, root = pages(case)
        assert root.one("main").children[0].tag == "header"
        assert flat(root.one("h1").text) == flat(case.alignment.sentence)


def test_what_is_wrong_is_said_first_and_what_is_right_is_folded(case, pages):
    _, root = pages(case)
    part = section(root, "findings")
    order = {"FAIL": 0, "WARN": 1}
    wrong = [one for one in case.alignment.findings if one.level != "PASS"]
    wrong.sort(key=lambda one: order[one.level])
    folded = [item for box in part.all("details") for item in box.all("li")]
    items = part.all("li")
    assert len(items) == len(case.alignment.findings)
    assert len(folded) == len(items) - len(wrong)
    for item, one in zip(items, wrong, strict=False):
        assert item.one("span", class_="badge").text == one.level
        assert flat(one.words) in flat(item.text)
        assert one.subject in item.text
        if one.value is not None:
            assert flat(units.named(one.check, one.value)) in flat(item.text)


# ---- every figure is the one that came in


def test_the_table_of_streams_says_what_is_known_of_each(case, pages):
    _, root = pages(case)
    part = section(root, "streams")
    found = {row.one("b").text: row for row in part.all("tr") if row.all("b")}
    assert len(found) == len(case.alignment.streams)
    for one in case.alignment.streams:
        row = found[one.stream]
        first, error, worst, lost, _, path, latency = cells(row)
        assert row.one("svg", class_="icon").attributes["aria-label"] == one.level
        assert flat(one.sentence) in first
        assert error == flat(units.band(one.sd_ns))
        assert worst == flat(units.band(one.worst_sd_ns))
        assert lost == flat(units.share_of(one.lost, one.recorded + one.lost))
        if "\x00" not in "".join(one.path):
            assert path.startswith(" → ".join(one.path))
        assert ("ambiguous" in path) == (not one.unique)
        if one.latency is None:
            delayed = one.kind in {"frames", "samples"}
            assert latency == ("not calibrated" if delayed else "–")
        else:
            assert flat(units.signed(one.latency.delay_ns)) in latency


def test_the_rigs_own_streams_are_folded_while_they_are_fine(cases, pages):
    case = cases("passes")
    _, root = pages(case)
    folded = section(root, "streams").one("details")
    assert [node.text for node in folded.all("b")] == [
        "node_events",
        "clocks/left",
        "losses/left",
    ]
    streams = [
        msgspec.structs.replace(one, level="WARN")
        if one.stream == "clocks/left"
        else one
        for one in case.alignment.streams
    ]
    alignment = msgspec.structs.replace(case.alignment, streams=tuple(streams))
    _, root = pages(type(case)(alignment, {}, case.streams))
    folded = section(root, "streams").one("details")
    assert "clocks/left" not in [node.text for node in folded.all("b")]


def facts_of(article):
    return {
        item.one("dt").text: flat(item.all("dd")[0].text)
        for item in article.one("dl", class_="facts").all("div")
    }


def test_a_relation_shows_its_figures(case, pages):
    _, root = pages(case)
    articles = root.all("article")
    assert len(articles) == len(case.alignment.relations)
    for article, one in zip(articles, case.alignment.relations, strict=True):
        facts = facts_of(article)
        expected = {
            "pairs": units.count(one.pulses),
            "only in one": f"{units.count(one.source_only)} + "
            f"{units.count(one.target_only)}",
            "relation, ± 95 %": units.band(one.sd_ns),
            "worst minute": units.band(one.worst_sd_ns),
            "residual": units.size(one.residual_ns),
            "jitter": units.size(one.jitter_ns),
            "NIS": units.compact(one.nis),
            "drift": units.ppm(one.drift_ppm),
            "drift changes": units.ppm_per_h(one.drift_change_ppm_per_h),
            "longest gap": units.length(one.longest_gap_s),
            "segments": units.count(one.segments),
            "held out": units.size(one.held_out_rms_ns),
            "coverage": units.percent(one.held_out_coverage),
            "z": units.score(one.z if one.candidates else None),
            "2nd : 1st": units.compact(one.ratio if one.candidates else None),
        }
        if one.constant_sd_ns:
            expected["constant part"] = units.band(one.constant_sd_ns)
        assert facts == {name: flat(value) for name, value in expected.items()}
        assert f"{one.source} → {one.target}" in article.one("h3").text
        assert flat(one.reason) in flat(article.one("p", class_="reason").text)


def test_every_alignment_that_was_weighed_is_listed(case, pages):
    _, root = pages(case)
    for article, one in zip(root.all("article"), case.alignment.relations, strict=True):
        listed = [row for box in article.all("details") for row in rows(box)]
        assert [(row[0], row[2], row[3]) for row in listed] == [
            (
                units.whole(c.shift_pulses),
                flat(units.count(c.matched)),
                flat(units.size(c.residual_ns)),
            )
            for c in one.candidates
        ]


def test_each_loss_is_in_the_table_once(cases, pages):
    case = cases("passes")
    _, root = pages(case)
    left = case.alignment.streams[0]
    assert rows(section(root, "lost")) == [
        ["cameras/left", "1234", "0:12.340", "1 (10 ms)", "the host was busy"],
        ["cameras/left", "20000 … 20004", "3:20.000", "5 (50 ms)", "the link"],
        ["cameras/left", "31000", "5:10.000", "1 (10 ms)", "not known"],
    ]
    assert sum(run.count for run in left.losses) == left.lost


def test_many_losses_are_summed_by_cause_and_folded(cases, pages):
    case = cases("warns")
    _, root = pages(case)
    part = section(root, "lost")
    runs = case.alignment.streams[0].losses
    by_cause = {}
    for run in runs:
        by_cause.setdefault(run.cause, []).append(run.count)
    expected = [
        ["cameras/left", cause, str(sum(n)), str(len(n)), str(max(n))]
        for cause, n in sorted(by_cause.items(), key=lambda item: -sum(item[1]))
    ]
    assert rows(part)[: len(by_cause)] == expected
    longest, whole = part.all("details")
    assert len(rows(longest)) == 12
    lengths = [int(row[3].split()[0]) for row in rows(longest)]
    assert lengths == sorted((run.count for run in runs), reverse=True)[:12]
    assert [int(row[1].split()[0]) for row in rows(whole)] == [r.first_id for r in runs]


def test_losses_that_nothing_is_known_of_are_counted(cases, pages):
    case = cases("passes")
    streams = (msgspec.structs.replace(case.alignment.streams[0], lost=9),)
    alignment = msgspec.structs.replace(case.alignment, streams=streams, relations=())
    _, root = pages(type(case)(alignment))
    assert "Of 2 lost elements nothing is known" in section(root, "lost").text


def test_latencies_are_said_or_said_to_be_missing(cases, pages):
    _, root = pages(cases("passes"))
    part = section(root, "latency")
    assert rows(part) == [
        ["cameras/left", "+3.4 ms", "± 22 µs", "240", "LED", "2026-11-02", "unchanged"]
    ]
    assert "signals/daq/emg" in part.text
    assert "clocks/left" not in part.text
    assert "decisions" not in part.text
    _, root = pages(cases("warns"))
    assert rows(section(root, "latency"))[0][-1] == "changed since: repeat it"
    assert "another rig file" in section(root, "streams").text


def test_a_second_cue_is_shown(cases, pages):
    _, root = pages(cases("passes"))
    (row,) = rows(section(root, "cues"))
    assert row[:9] == [
        "PASS",
        "LED",
        "cameras/left",
        "events/daq sync",
        "+120 µs",
        "2.9 ms",
        "0.012 frames",
        "598",
        "0",
    ]
    assert row[9].startswith("The light is seen")


def test_counts_hashes_and_versions_are_given_as_they_are(case, pages):
    _, root = pages(case)
    part = section(root, "counts")
    names = [node.text for node in part.all("th")][1:]
    counted = {row[0]: dict(zip(names, row[1:], strict=True)) for row in rows(part)}
    assert counted == {
        stream: {name: flat(units.count(n)) for name, n in numbers.items()}
        for stream, numbers in case.alignment.counts.items()
    }
    files = section(root, "files")
    assert rows(files) == [list(item) for item in case.alignment.sha256.items()]
    for item in case.alignment.versions.items():
        assert " ".join(item) in flat(files.text)


# ---- odd ones


def test_names_are_shown_and_do_nothing(cases, pages):
    html, root = pages(cases("hostile"))
    assert "<script" not in html
    assert "<img" not in html
    assert not root.all("b", onerror="alert(1)")
    assert "<script>alert('x')</script>" in root.one("h1").text
    assert "$\\frac{1}{0}$" in section(root, "streams").text


def test_one_clock_needs_no_relation(cases, pages):
    _, root = pages(cases("alone"))
    assert "There is one clock only (daq)" in section(root, "relations").text
    assert not root.all("figure")


def test_ambiguous_pulses_are_refused_and_shown(cases, pages):
    _, root = pages(cases("ambiguous"))
    (article,) = root.all("article")
    assert "AMBIGUOUS" in article.one("p", class_="reason").text
    assert article.one("h3").one("svg").attributes["aria-label"] == "FAIL"
    titles = [figure.one("h4").text for figure in article.all("figure")]
    assert titles == ["Pulses found and missed", "Would another alignment do as well?"]
    missing = [item.one("b").text for item in article.one("ul").all("li")]
    assert len(titles) + len(missing) == 8


def test_of_two_ways_between_two_clocks_the_first_has_the_pictures(cases, pages):
    case = cases("reset")
    (first,) = case.alignment.relations
    second = msgspec.structs.replace(
        first, primary=False, how="exposures", disagreement_ns=1.2e3
    )
    alignment = msgspec.structs.replace(case.alignment, relations=(second, first))
    _, root = pages(type(case)(alignment, case.evidence, case.streams))
    check, main = root.all("article")
    assert flat("differs by 1.2 µs (median)") in flat(check.text)
    assert not check.all("figure")
    assert len(main.all("figure")) == 8


def test_a_finding_leads_to_what_it_is_about(cases, pages):
    _, root = pages(cases("warns"))
    link, other = section(root, "findings").all("li")[0].one("a"), root
    target = link.attributes["href"][1:]
    assert other.one("article", id=target).one("h3").text.startswith("scope → daq")


def test_without_matplotlib_everything_else_is_there(cases, monkeypatch, read):
    case = cases("passes")
    monkeypatch.setattr(relations_module, "can_draw", lambda: False)
    root = read(page(case.alignment, case.evidence, case.streams))
    assert not root.all("figure")
    assert "matplotlib is not installed" in section(root, "relations").text
    assert facts_of(root.all("article")[0])["pairs"] == "598"


@pytest.mark.parametrize("count", [0, 1, 2, 40])
def test_a_stream_of_any_length_has_its_error_drawn(build, pages, count):
    summary, times = build.stream("events/daq", "events", n=count)
    if not count:
        summary = msgspec.structs.replace(summary, first_s=np.nan, last_s=np.nan)
    case = build.whole([], [(summary, times)])
    _, root = pages(case)
    drawn = root.all("svg", class_="spark")
    assert len(drawn) == min(count, 1)
    if count:
        assert "from ± 588 ns to ± 588 ns" in flat(drawn[0].one("title").text)
