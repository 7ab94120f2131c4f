"""``springhare label``: how far a project is, and napari started on what comes next.

napari itself is a small program of the test's own, which tells how it was started.
"""

import json
import sys

import pytest

from offline.dataset.labels import Labels
from offline.dataset.tables import write_table
from rig import cli

FAKE = """\
#!{python}
import json, os, sys
if sys.argv[1:] == ["--plugin-info"]:
    print({plugins!r})
    sys.exit({answer})
with open({told!r}, "w") as file:
    json.dump({{"words": sys.argv[1:], "folder": os.getcwd()}}, file)
if {signal}:
    os.kill(os.getpid(), {signal})
sys.exit({status})
"""


@pytest.fixture
def napari(tmp_path, monkeypatch):
    """Put a program called napari on PATH; return a reader of how it was started."""
    monkeypatch.setenv("DISPLAY", ":7")

    def install(plugins="napari-deeplabcut 0.4.0", status=0, answer=0, signal=0):
        told, program = tmp_path / "told.json", tmp_path / "bin" / "napari"
        program.parent.mkdir(exist_ok=True)
        program.write_text(
            FAKE.format(
                python=sys.executable,
                plugins=plugins,
                answer=answer,
                told=str(told),
                signal=signal,
                status=status,
            )
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(program.parent))
        return lambda: json.loads(told.read_text()) if told.exists() else None

    return install


@pytest.fixture
def no_napari(tmp_path, monkeypatch):
    """Have no program called napari anywhere."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))


@pytest.fixture
def label(capsys):
    """Run the command; return its status, what it said, and its errors."""

    def run(*words):
        status = cli.main(["label", *map(str, words)])
        told = capsys.readouterr()
        return status, told.out, told.err

    return run


@pytest.fixture
def project(project_of, labels_of):
    """Three folders: one labelled, one in part, one not at all."""
    done, some, bare = (labels_of(name) for name in ("a", "b", "c"))
    folder = project_of(done, some, bare, table=False)
    write_table(folder / "labeled-data/a", done, "me")
    write_table(folder / "labeled-data/b", some.of([0]), "me")
    return folder


def test_the_first_folder_with_unlabelled_pictures_is_opened(label, project, napari):
    started = napari()
    status, told, _ = label(project)
    assert status == 0
    assert "4 of 9 pictures are labelled" in told
    place = project / "labeled-data" / "b"
    assert started() == {
        "words": ["--plugin", "napari-deeplabcut", str(place)],
        "folder": str(project),
    }


def test_without_a_table_the_settings_tell_the_body_parts(label, project, napari):
    started = napari()
    assert label(project, "--video", "c")[0] == 0
    place = project / "labeled-data" / "c"
    assert started()["words"][2:] == [str(place), str(project / "config.yaml")]


def test_parts_that_came_later_are_told_too(label, project, napari):
    started = napari()
    config = project / "config.yaml"
    config.write_text(config.read_text().replace("[nose, hip]", "[nose, hip, knee]", 1))
    assert label(project)[0] == 0
    assert started()["words"][-1] == str(config)


def test_a_project_named_from_elsewhere(label, project, napari, monkeypatch):
    started = napari()
    monkeypatch.chdir(project.parent)
    assert label(f"{project.name}/config.yaml")[0] == 0
    assert started()["words"][2] == str(project / "labeled-data" / "b")


@pytest.mark.parametrize(
    ("ends", "status"), [({"status": 3}, 3), ({"signal": 15}, 143)]
)
def test_the_exit_status_is_naparis(label, project, napari, ends, status):
    napari(**ends)
    assert label(project)[0] == status


def test_a_dry_run_starts_nothing(label, project, no_napari):
    status, told, _ = label(project, "--dry-run", "--json")
    assert status == 0
    found = json.loads(told)
    assert found["next"] == "b"
    assert [(f["name"], f["labelled"], f["pictures"]) for f in found["folders"]] == [
        ("a", 3, 3),
        ("b", 1, 3),
        ("c", 0, 3),
    ]
    assert found["command"][:3] == ["napari", "--plugin", "napari-deeplabcut"]


def test_nothing_left_to_label(label, project_of, labels_of, napari):
    started = napari()
    status, told, _ = label(project_of(labels_of("a")))
    assert status == 0
    assert "nothing left to label" in told
    assert started() is None


def test_no_napari(label, project, no_napari):
    status, told, error = label(project)
    assert status == 2
    assert "4 of 9 pictures are labelled" in told
    assert "pip install napari-deeplabcut" in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"plugins": "napari 0.9.2"}, "got a napari without it: pip install"),
        ({"answer": 1}, "got exit status 1 (napari-deeplabcut 0.4.0)"),
    ],
)
def test_a_napari_that_cannot_do_it(label, project, napari, other, message):
    started = napari(**other)
    status, _, error = label(project)
    assert status == 2
    assert message in error
    assert started() is None


def test_no_display(label, project, napari, monkeypatch):
    started = napari()
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    status, _, error = label(project)
    assert status == 2
    assert "Expected a display for napari" in error
    assert started() is None


def test_labels_that_napari_would_write_over(label, project, napari):
    started = napari()
    (project / "labeled-data/b/CollectedData_me.h5").unlink()
    status, _, error = label(project)
    assert status == 2
    assert "deeplabcut.convertcsv2h5(" in error
    assert started() is None


def test_an_unknown_folder(label, project, napari):
    napari()
    status, _, error = label(project, "--video=z")
    assert status == 2
    assert "Expected a folder of pictures, got z; there are: a, b, c" in error


def test_no_pictures(label, project_of, napari):
    napari()
    folder = project_of()
    (folder / "labeled-data").mkdir()
    status, _, error = label(folder)
    assert status == 2
    assert "Expected pictures to label, got none" in error


def test_a_picture_with_no_part_labelled_is_not_labelled(label, project_of, labels_of):
    labels = labels_of("a")
    labels.xy_px[2] = float("nan")
    folder = project_of(Labels(labels.images, labels.bodyparts, labels.xy_px))
    found = json.loads(label(folder, "--dry-run", "--json")[1])
    assert found["folders"][0]["labelled"] == 2
