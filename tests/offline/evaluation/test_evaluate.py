"""The command as a whole, on pictures and models whose figures are known."""

import json
import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from rig import cli

# errors of the six pictures: nose 3, hip 4; tail in four, 40 once, else 1
ERRORS = sorted([3] * 6 + [4] * 6 + [40] + [1] * 3)


@pytest.fixture
def run(tmp_path, capsys, monkeypatch):
    """Evaluate in a working folder of its own; gives status, JSON and page."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("offline.evaluation.looking._TIMED", 10)

    def run(*words, page="page.html"):
        status = cli.main(
            ["evaluate", *map(str, words), "--repeats", "200", "--json"]
            + (["--out", page] if page else [])
        )
        out, err = capsys.readouterr()
        told = json.loads(out) if status == 0 else err
        path = tmp_path / (page or told["page"]) if status == 0 else None
        return status, told, path and path.read_text("utf-8")

    return run


def _rows(page, class_):
    """Cells of a table of the page, the figure before its interval."""
    table = re.search(rf'<div class="scroll {class_}">(<table>.*?</table>)', page)
    body = ET.fromstring(table[1]).find("tbody")
    return [["|".join(cell.itertext()) for cell in row] for row in body]


def test_figures_of_a_model(run, make_project, model_of):
    status, told, _ = run(model_of("best.onnx"), "--on", make_project())
    assert status == 0
    (judged,) = told["sets"]
    (model,) = judged["models"]
    overall = model["overall"]
    assert overall["n"] == len(ERRORS)
    assert overall["median_px"]["value"] == pytest.approx(np.median(ERRORS))
    assert overall["mean_px"]["value"] == pytest.approx(np.mean(ERRORS))
    assert overall["within_5px"]["value"] == pytest.approx(15 / 16)
    parts = {name: f["median_px"]["value"] for name, f in model["parts"].items()}
    assert parts == pytest.approx({"nose": 3, "hip": 4, "tail": 1})
    assert model["worst"][0]["image"] == "labeled-data/m1/img000.png"
    assert model["calibration"]["ece"] == pytest.approx(15 / 16 - 0.8)
    assert (judged["drawn"], judged["group_count"]) == ("frames", 2)
    facts = told["models"][0]
    assert facts["parameters"] == 6  # scale and shift
    assert len(facts["sha256"]) == 64
    assert facts["speed"]["looks"] == 10
    assert facts["speed"]["size_px"] == [64, 48]


def test_the_page_says_the_same_and_warns(run, make_project, model_of):
    _, told, page = run(model_of("best.onnx"), "--on", make_project())
    cells = _rows(page, "overall")[0]
    assert cells[:2] == ["best.onnx", "16"]
    assert cells[2].startswith("3.00|")
    assert cells[6].startswith("93.8|")
    assert "These are no errors on unseen frames" in page
    assert told["warnings"][0]["model"] == "best.onnx"
    assert "<script" not in page
    assert 'cx="20.0" cy="12.0"' in page, "the nose's label in the worst frame"
    assert "m1/img000.png, mean 15.7 px; worst is tail, 40.0 px" in page
    assert page.count("data:image/jpeg;base64,") == 4
    for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        ET.fromstring(svg)


def test_two_models_are_compared(run, make_project, model_of):
    models = model_of("first.onnx"), model_of("shifted.onnx", shift_px=3.0)
    _, told, page = run(*models, "--on", make_project())
    (one,) = told["sets"][0]["comparisons"]
    median = np.median([np.hypot(3, off) for off in ERRORS])
    difference = one["paired"]["median_difference_px"]
    assert difference["value"] == pytest.approx(median - 3)
    assert difference["low"] > 0
    assert one["paired"]["p"] == pytest.approx(2 / 2**6)
    assert one["p_holm"] == one["paired"]["p"]
    assert _rows(page, "compared")[0][0] == "shifted.onnx less first.onnx"


def test_gates_take_out_what_is_far_off(run, make_project, model_of):
    words = ["--gate-likelihood", "0.9", "--gate-jump", "100"]
    project, model = make_project(), model_of("best.onnx")
    _, told, page = run(model, "--on", project, *words)
    gated = told["sets"][0]["models"][0]["gated"]
    assert (gated["kept"]["value"], gated["overall"]["n"]) == (0, 0)
    assert gated["overall"]["median_px"]["value"] is None
    assert _rows(page, "gated")[0][3] == "–"
    words = ["--gate-likelihood", "0.7"]
    _, told, _ = run(model, "--on", project, *words, page="other.html")
    gated = told["sets"][0]["models"][0]["gated"]
    assert (gated["kept"]["value"], gated["overall"]["n"]) == (1, 16)


def test_train_and_test_apart(run, make_project, model_of, tmp_path):
    split = {
        "train": ["m1/img000.png", "m1/img001.png"],
        "test": ["m2/img000.png"],
    }
    (tmp_path / "split.json").write_text(json.dumps(split))
    words = ["--on", make_project(), "--split", "split.json"]
    _, told, page = run(model_of("best.onnx"), *words)
    sets = {one["name"]: one for one in told["sets"]}
    assert sets["test"]["images"] == ["labeled-data/m2/img000.png"]
    assert sets["test"]["models"][0]["overall"]["mean_px"]["value"] == (3 + 4 + 1) / 3
    assert sets["train"]["frames"] == 2
    assert [one["set"] for one in told["warnings"]] == ["train"]
    assert "Test: frames that were kept apart" in page


def test_a_training_list_is_believed(run, make_project, model_of, tmp_path):
    images = ["labeled-data/m1/img000.png", "labeled-data/m2/img000.png"]
    plan = {"images": images, "train": [0], "test": [1]}
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "springhare-training.json").write_text(json.dumps(plan))
    model, project = model_of("run/best.onnx"), make_project()
    (tmp_path / "held_out.txt").write_text("m2/img000.png\n")
    _, told, page = run(model, "--on", project, "--frames", "held_out.txt")
    assert told["warnings"] == []
    assert "These are no errors" not in page
    _, told, page = run(model, "--on", project, page="all.html")
    assert "trained on 1 of these 6 frames" in told["warnings"][0]["why"]


def test_five_videos_are_drawn_as_wholes(run, make_project, model_of):
    project = make_project(videos="abcde", each=2)
    _, told, page = run(model_of("best.onnx"), "--on", project)
    assert told["sets"][0]["drawn"] == "videos"
    assert "bootstrap over 5 videos" in page
    assert "from so few they come out too narrow" in page


def test_colour_and_sizes_and_parts_may_differ(run, make_project, model_of):
    project = make_project(colour=True)
    path = project / "labeled-data" / "m2" / "img002.png"
    with Image.open(path) as picture:
        larger = Image.new("RGB", (80, 50), (90, 90, 90))
        row = np.asarray(picture)[0]
    pixels = np.asarray(larger).copy()
    pixels[0, : len(row)] = row
    Image.fromarray(pixels).save(path)
    status, told, _ = run(
        model_of("few.onnx", bodyparts=("nose", "ear")), "--on", project
    )
    assert status == 0
    remarks = " / ".join(told["remarks"])
    for words in ("ear: not labelled", "does not give hip, tail", "grey", "2 sizes"):
        assert words in remarks
    nose = told["sets"][0]["models"][0]["parts"]
    assert list(nose) == ["nose"]
    assert nose["nose"]["n"] == 6
    assert nose["nose"]["median_px"]["value"] == pytest.approx(3)


def test_each_run_has_a_page_of_its_own(run, make_project, model_of):
    _, told, page = run(model_of("best.onnx"), "--on", make_project(), page=None)
    assert re.fullmatch(r"evaluation-project-\d{8}-\d{6}\.html", told["page"])
    assert page.startswith("<!DOCTYPE html>")


def test_the_terminal(run, make_project, model_of, capsys, tmp_path):
    models = [str(model_of("a.onnx")), str(model_of("b.onnx", 1.0))]
    words = ["evaluate", *models, "--on", str(make_project()), "--out", "p.html"]
    assert cli.main([*words, "--repeats", "100", "--gate-likelihood", "0.5"]) == 0
    out = capsys.readouterr().out
    for told in (
        "a.onnx",
        "3.00",
        "WARNING",
        "load",
        "p99",
        "p (Holm)",
        "page: p.html",
    ):
        assert told in out
    assert cli.main(words) == 2, "the page is there"
    assert "--force" in capsys.readouterr().err


def test_faults_are_told(run, make_project, model_of, tmp_path):
    project, model = make_project(), model_of("best.onnx")
    wheel = model_of("wheel.onnx", bodyparts=("wheel",))
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no model")
    cases = [
        (["missing.onnx", "--on", project], "Expected a pose model at missing.onnx"),
        ([broken, "--on", project], "Expected an ONNX model"),
        ([wheel, "--on", project], "got one of wheel"),
        ([model, "--on", tmp_path], "Expected a DeepLabCut project"),
        (
            [model, "--on", project, "--frames", wheel, "--split", wheel],
            "leave one out",
        ),
        ([model, "--on", project, "--engine", "torch"], "set inference.engine to onnx"),
    ]
    for words, message in cases:
        status, err, _ = run(*words)
        assert (status != 0, message in err, "Traceback" in err) == (True, True, False)
    picture = project / "labeled-data" / "m1" / "img000.png"
    picture.write_bytes(b"")
    assert "Expected a picture in" in run(model, "--on", project)[1]
    picture.unlink()
    assert "Expected the picture of each label" in run(model, "--on", project)[1]
    for table in project.glob("labeled-data/*/CollectedData*"):
        table.unlink()
    assert "Expected labelled pictures" in run(model, "--on", project)[1]
