import json
import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QApplication
from shiboken6 import isValid

from rig.config.examples import examples_folder
from rig.config.loading import load_session
from rig.monitor.control.launch import Rehearsed
from rig.monitor.live.link import LocalLink, find_session
from rig.monitor.window.check_view import CheckView
from rig.monitor.window.start_form import StartDialog
from rig.supervisor.preflight import Check

LONGEST_MS = 120_000

BOARDS = """\
format: springhare-rig/1
name: boards
data_root: {root}
devices:
  daq:
    kind: harp
    port: /dev/ttyACM0
    emg: {{rate_hz: 2000, channels: [GL, TA, VL, BF, GL2, TA2, VL2, BF2]}}
    force_plate: {{rate_hz: 1000}}
    camera_trigger: {{rate_hz: 100}}
    actuator: {{lines: {{laser: {{pin: 1, max_width_us: 50000, max_rate_hz: 40}}}}}}
  scope:
    kind: harp
    port: /dev/ttyACM1
    inputs: {{lines: {{frame_clock: {{pin: 0, edges: rising, rate_hz: 30}}}}}}
"""


@pytest.fixture(autouse=True)
def own_settings(tmp_path):
    QSettings.setPath(
        QSettings.Format.NativeFormat, QSettings.Scope.UserScope, str(tmp_path)
    )


@pytest.fixture
def examples(tmp_path):
    return shutil.copytree(examples_folder(), tmp_path / "lab")


@pytest.fixture
def boards_lab(tmp_path):
    """A lab with two boards and no camera."""
    texts = {
        "rig/boards.yaml": BOARDS.format(root=tmp_path / "data"),
        "task/none.yaml": "format: springhare-task/1\nname: none\n",
    }
    for name, text in texts.items():
        path = tmp_path / "boards" / name
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "boards"


@pytest.fixture
def open_form(qtbot):
    forms = []

    def open_form(lab):
        form = StartDialog(lab)
        forms.append(form)
        with qtbot.waitActive(form):
            form.show()
            form.activateWindow()
        return form

    yield open_form
    for form in filter(isValid, forms):
        form.reject()
        form.deleteLater()


def _choose(box, words):
    box.setCurrentIndex(box.findText(words))


def _type(qtbot, form, **typed):
    for name, text in typed.items():
        editor = form.choices.form.editors[name]
        editor.clear()
        qtbot.keyClicks(editor, text)


def _faults(form):
    labels = form.choices.form.faults
    return {name: label.text() for name, label in labels.items() if label.text()}


def test_the_files_of_the_lab_are_offered(open_form, examples):
    choices = open_form(examples).choices
    names = [path.stem for path in sorted((examples / "rig").glob("*.yaml"))]
    assert [choices.rig.itemText(k) for k in range(choices.rig.count())] == names
    assert choices.plan.itemText(0) == "new session…"


def test_a_task_that_does_not_go_with_the_rig_is_marked(open_form, examples):
    choices = open_form(examples).choices
    _choose(choices.rig, "demo")
    assert choices.task.findText("demo") >= 0
    wrong = choices.task.findText("✗ reach-2p")
    assert wrong >= 0
    choices.task.setCurrentIndex(wrong)
    assert "does not go with this rig" in choices.fault.text()
    _choose(choices.rig, "reach-2p")
    assert choices.task.findText("reach-2p") >= 0


def test_files_that_do_not_go_together_are_told_with_their_lines(
    open_form, examples, qtbot
):
    form = open_form(examples)
    _choose(form.choices.rig, "demo")
    _choose(form.choices.task, "✗ reach-2p")
    _choose(form.choices.plan, "demo")
    form.check()
    assert "✗" in form.checks.headline.text()
    assert "reach-2p.yaml:" in form.checks.text.toPlainText()
    assert form.check_button.isEnabled()


def test_a_plan_that_is_there_is_shown_and_a_new_one_begins_as_its_copy(
    open_form, examples
):
    choices = open_form(examples).choices
    _choose(choices.plan, "jump-rig")
    editors = choices.form.editors
    assert editors["subject"].text() == "SH017"
    assert not editors["subject"].isEnabled()
    choices.plan.setCurrentIndex(0)
    assert editors["subject"].text() == "SH017"
    assert editors["subject"].isEnabled()


def test_faults_stand_next_to_their_fields(open_form, examples, qtbot):
    form = open_form(examples)
    _type(qtbot, form, subject="m 1", planned_minutes="-2", seed="many")
    qtbot.mouseClick(form.start_button, Qt.MouseButton.LeftButton)
    assert set(_faults(form)) == {"subject", "planned_minutes", "seed"}
    assert "a name of letters" in _faults(form)["subject"]
    assert form.choices.form.editors["subject"].hasFocus()
    _type(qtbot, form, subject="m1")
    assert _faults(form) == {}


def test_a_folder_that_is_no_lab_says_so(open_form, tmp_path):
    form = open_form(tmp_path)
    assert "Expected a folder with rig" in form.choices.fault.text()
    form.check()
    assert "✗" in form.checks.headline.text()


def test_everything_is_reached_with_the_keyboard_alone(open_form, examples, qtbot):
    form = open_form(examples)
    form.choices.browse.setFocus()
    reached = []
    for _ in range(40):
        widget = QApplication.focusWidget()
        if widget in reached:
            break
        reached.append(widget)
        qtbot.keyClick(widget, Qt.Key.Key_Tab)
    wanted = {
        form.choices.rig,
        form.choices.task,
        form.choices.plan,
        *form.choices.form.editors.values(),
        form.simulate,
        form.check_button,
        form.start_button,
        form.close_button,
    }
    assert wanted <= set(reached)


def test_each_check_is_a_line_with_what_to_do_where_it_failed(qtbot):
    view = CheckView()
    qtbot.addWidget(view)
    good = Check("disk space", ok=True, detail="90 GB free", remedy="free the disk")
    bad = Check("shared memory", ok=False, detail="<full>", remedy="enlarge it")
    view.show_rehearsed(Rehearsed([good, bad], error="shared memory: <full>"))
    lines = view.text.toPlainText().splitlines()
    assert lines == [
        "✗ shared memory",
        "<full>",
        "→ enlarge it",
        "✓ disk space",
        "90 GB free",
    ]
    view.show_rehearsed(
        Rehearsed([good, bad], {"daq": ["events/daq", "losses/daq"]}, "/d")
    )
    lines = view.text.toPlainText().splitlines()
    assert lines[0] == "▲ shared memory"
    assert lines[-2:] == ["✓ daq opened", "events/daq"]
    view.show_rehearsed(Rehearsed(error="daq: no board"))
    assert view.text.toPlainText().splitlines() == ["✗ not ready", "daq: no board"]


def _is_checked(form):
    return lambda: form.check_button.isEnabled()


@pytest.mark.slow
def test_a_rig_without_its_boards_is_not_started(
    open_form, boards_lab, qtbot, memory, tmp_path
):
    form = open_form(boards_lab)
    _type(qtbot, form, subject="m1")
    form.start()
    qtbot.waitUntil(_is_checked(form), timeout=LONGEST_MS)
    assert "Not ready" in form.checks.headline.text()
    assert "daq" in form.checks.text.toPlainText()
    assert list((tmp_path / "data").glob("m1/*")) == []
    assert not (boards_lab / "session").exists()


@pytest.mark.slow
def test_start_may_be_pressed_while_a_check_goes_on(
    open_form, boards_lab, qtbot, memory
):
    form = open_form(boards_lab)
    _type(qtbot, form, subject="m1")
    form.check()
    assert "then it starts" not in form.checks.headline.text()
    qtbot.mouseClick(form.start_button, Qt.MouseButton.LeftButton)
    assert "then it starts" in form.checks.headline.text()
    qtbot.waitUntil(_is_checked(form), timeout=LONGEST_MS)
    assert "Not ready" in form.checks.headline.text()


@pytest.mark.slow
def test_another_choice_cancels_a_check(open_form, boards_lab, qtbot, memory):
    form = open_form(boards_lab)
    _type(qtbot, form, subject="m1")
    form.check()
    assert not form.check_button.isEnabled()
    form.simulate.setChecked(True)
    assert form.check_button.isEnabled()
    assert "Not checked" in form.checks.headline.text()


@pytest.mark.slow
def test_a_session_that_was_started_here_outlives_the_form_and_stops_when_asked(
    open_form, boards_lab, qtbot, memory, tmp_path
):
    form = open_form(boards_lab)
    _type(qtbot, form, subject="m1", planned_minutes="1")
    form.simulate.setChecked(True)
    logs = []
    form.started.connect(logs.append)
    form.check()
    qtbot.waitUntil(_is_checked(form), timeout=LONGEST_MS)
    assert form.checks.headline.text() == "✓ Ready"
    assert "✓ daq opened" in form.checks.text.toPlainText()
    qtbot.keyClick(form, Qt.Key.Key_S, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: not form.isVisible(), timeout=LONGEST_MS)
    assert form.result() == StartDialog.DialogCode.Accepted
    form.deleteLater()
    QApplication.processEvents()

    [log] = logs
    assert isinstance(log, Path)
    assert log.is_relative_to(tmp_path / "data")
    [plan] = (boards_lab / "session").glob("*.yaml")
    assert load_session(plan).subject == "m1"

    link = LocalLink(find_session())

    def recorded():
        link.poll()
        status = link.status
        streams = status.streams if status else ()
        return any(s.name == "signals/daq/emg" and s.published > 20 for s in streams)

    qtbot.waitUntil(recorded, timeout=LONGEST_MS)
    link.ask("stop")
    qtbot.waitUntil(lambda: (link.poll(), link.gone)[1], timeout=LONGEST_MS)
    assert link.verdict == "PASS"
    assert [(answer.request, answer.ok) for answer in link.answers()] == [
        ("stop", True)
    ]
    link.close()
    sidecar = next((tmp_path / "data").glob("m1/*/session.json"))
    assert json.loads(sidecar.read_text("utf-8"))["state"] == "complete"
    assert "PASS" in log.read_text("utf-8")


def test_the_last_lab_is_taken_where_there_is_none_here(
    open_form, examples, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    form = open_form(examples)
    _choose(form.choices.rig, "demo")
    _choose(form.choices.task, "demo")
    _choose(form.choices.plan, "demo")
    assert form.choices.files(lambda _: tmp_path) is not None
    assert open_form(None).choices.lab.folder == examples
    shutil.rmtree(examples)
    assert open_form(None).choices.lab.read_only
