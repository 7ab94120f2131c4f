"""The panel asks a real supervisor's end, whose nodes a test plays."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QApplication, QWidget

from rig.bus.control import ControlClient, ControlServer
from rig.bus.directory import StreamDirectory
from rig.config.examples import examples_folder
from rig.config.loading import load_rig
from rig.messages import NodeEvent, Reply, Request, from_row
from rig.monitor.live.link import LocalLink
from rig.monitor.window.controls import ControlPanel
from rig.monitor.window.note_keys import save_labels
from rig.recording.notes import is_note, note_of
from rig.recording.sidecar import Configs, SessionInfo, write_sidecar
from rig.supervisor.crew import Crew
from rig.supervisor.requests import serve_strangers
from rig.supervisor.rings import SessionRings
from rig.supervisor.status import NodeFigures, Status
from sync.clock import ManualClock

ZERO_NS = 1_000_000_000
SECOND_NS = 1_000_000_000


class Session:
    """A supervisor's end of a session; its node of inference is a client."""

    def __init__(self, folder, clock):
        rig = load_rig(examples_folder() / "rig" / "demo.yaml")
        write_sidecar(
            folder,
            SessionInfo(
                session_id="m1_today",
                subject="m1",
                task="demo",
                started_utc="2026-03-04T07:00:00+00:00",
                started_host_ns=ZERO_NS,
                configs=Configs(rig=rig.model_dump(mode="json")),
            ),
        )
        self.streams = StreamDirectory.create("s", folder)
        self.server = ControlServer(self.streams.path / "control")
        self.rings = SessionRings(self.streams, clock)
        self.rings.make([])
        self.crew = Crew(self.server, clock, lambda: False)
        self.crew.children["inference"] = SimpleNamespace(gone=False, state="running")
        self.node = ControlClient(self.server.path, "inference")
        self.armed = True
        self.phase = "recording"
        self.stopped = []
        self.asked = []
        self.outcome = "fired"

    def status(self):
        nodes = [NodeFigures("inference", "running", 0.1, {"armed": float(self.armed)})]
        return Status(self.phase, "m1_today", 1.0, nodes=nodes)

    def turn(self):
        self.crew.listen(0)
        serve_strangers(
            self.crew, self.rings, self.status, self.stopped.append, None, ZERO_NS
        )
        while (request := self.node.receive(0)) is not None:
            self._answer(request)

    def notes(self):
        """Notes as they are on record: key, text, host time."""
        rows = self.streams.reader("node_events", 0).read(100).rows
        events = [from_row(NodeEvent, row) for row in rows[is_note(rows)]]
        notes = [note_of(event, ZERO_NS) for event in events]
        return [
            (note.key, note.text, event.host_ns)
            for note, event in zip(notes, events, strict=True)
        ]

    def close(self):
        self.node.close()
        self.server.close()

    def _answer(self, request: Request):
        self.asked.append((request.name, request.arguments))
        result = {"decision_id": 1, "outcome": self.outcome}
        if request.name in {"arm", "disarm"}:
            self.armed = request.name == "arm"
            result = {"armed": self.armed}
        self.node.send(
            Reply(
                request_id=request.request_id, node="inference", ok=True, result=result
            )
        )


@pytest.fixture(autouse=True)
def own_settings(tmp_path):
    QSettings.setPath(
        QSettings.Format.NativeFormat, QSettings.Scope.UserScope, str(tmp_path)
    )


@pytest.fixture
def clock():
    return ManualClock(ZERO_NS + 60 * SECOND_NS)


@pytest.fixture
def session(memory, tmp_path, clock):
    session = Session(tmp_path, clock)
    yield session
    session.close()


@pytest.fixture
def link(session, clock):
    link = LocalLink(session.streams, clock)
    yield link
    link.close()


@pytest.fixture
def make_panel(qtbot):
    def make(link=None):
        panel = ControlPanel()
        qtbot.addWidget(panel)
        panel.resize(400, 600)
        with qtbot.waitActive(panel):
            panel.show()
            panel.activateWindow()
        panel.set_link(link)
        return panel

    return make


@pytest.fixture
def run(qtbot, session, link, clock):
    """Let panel and supervisor go on until something is so."""

    def run(panel, until):
        def turn():
            session.turn()
            link.poll()
            clock.advance(SECOND_NS // 100)
            panel.take(link.answers())
            panel.refresh(link.status, clock.now())
            return until()

        qtbot.waitUntil(turn, timeout=20_000)

    return run


@pytest.fixture
def panel(make_panel, link, run):
    """A panel on the session, that knows how it stands."""
    panel = make_panel(link)
    run(panel, lambda: panel.loop.armed is not None)
    return panel


def _answered(panel, n=1):
    return lambda: sum(not asked.open for asked in panel.log.lines) >= n


def _outcomes(panel):
    return [(asked.words, asked.outcome) for asked in panel.log.lines]


def _cells(panel, row=0):
    return [panel.table.item(row, column).text() for column in range(3)]


def _button(box, words):
    return next(b for b in box.buttons() if words in b.text().replace("&", ""))


def test_a_typed_note_is_recorded_for_when_typing_began(
    panel, session, run, qtbot, clock
):
    panel.note.setFocus()
    qtbot.keyClicks(panel.note, "3")
    began_ns = clock.now()
    clock.advance(4 * SECOND_NS)
    qtbot.keyClicks(panel.note, " drops spilt")
    qtbot.keyClick(panel.note, Qt.Key.Key_Return)
    run(panel, _answered(panel))
    assert session.notes() == [("", "3 drops spilt", began_ns)]
    assert _outcomes(panel) == [("note: 3 drops spilt", "done")]
    assert panel.note.text() == ""


def test_a_note_that_is_thrown_away_is_not_sent_and_its_time_is_forgotten(
    panel, session, run, qtbot, clock
):
    panel.note.setFocus()
    qtbot.keyClicks(panel.note, "oh")
    qtbot.keyClick(panel.note, Qt.Key.Key_Escape)
    clock.advance(9 * SECOND_NS)
    panel.note.setFocus()
    qtbot.keyClicks(panel.note, "ah")
    began_ns = clock.now()
    qtbot.keyClick(panel.note, Qt.Key.Key_Return)
    run(panel, _answered(panel))
    assert session.notes() == [("", "ah", began_ns)]


def test_an_empty_note_is_not_sent(panel, qtbot):
    panel.note.setFocus()
    qtbot.keyClicks(panel.note, "  ")
    qtbot.keyClick(panel.note, Qt.Key.Key_Return)
    assert panel.log.lines == ()


def test_a_digit_is_a_note_of_one_stroke(make_panel, link, session, run, qtbot, clock):
    save_labels({"1": "groom"})
    panel = make_panel(link)
    run(panel, lambda: panel.loop.armed is not None)
    panel.setFocus()
    pressed_ns = clock.now()
    qtbot.keyClick(panel, Qt.Key.Key_1)
    qtbot.keyClick(panel, Qt.Key.Key_0)
    run(panel, _answered(panel, 2))
    assert session.notes() == [("1", "groom", pressed_ns), ("0", "", pressed_ns)]
    assert _outcomes(panel) == [("note 1: groom", "done"), ("note 0", "done")]


def test_digits_are_only_digits_while_a_field_is_filled_in(panel, qtbot):
    for field in (panel.note, panel.pulse.width_ms):
        field.setFocus()
        qtbot.keyClick(field, Qt.Key.Key_2)
    assert panel.log.lines == ()
    assert panel.note.text() == "2"


def test_digits_do_nothing_where_nothing_can_be_asked(make_panel, qtbot):
    panel = make_panel(None)
    panel.setFocus()
    qtbot.keyClick(panel, Qt.Key.Key_1)
    assert panel.log.lines == ()


def test_labels_of_keys_are_kept(panel, make_panel, qtbot):
    dialog = panel.keys.edit_labels()
    qtbot.keyClicks(dialog.edits["7"], "door & light")
    dialog.accept()
    assert "door" in panel.keys.buttons["7"].toolTip()
    assert make_panel(None).keys.labels["7"] == "door & light"


def test_the_loop_is_shown_as_the_session_tells_it_not_as_it_was_asked(
    panel, session, run, link
):
    assert "ARMED" in panel.loop.text()
    panel.loop.click()
    assert "asking" in panel.loop.text()
    assert not panel.loop.isEnabled()
    run(panel, lambda: panel.loop.armed is False)
    assert "DISARMED" in panel.loop.text()
    assert session.asked == [("disarm", {})]
    run(panel, panel.loop.isEnabled)
    panel.loop.click()
    run(panel, lambda: panel.loop.armed is True)
    assert [words for words, _ in _outcomes(panel)] == [
        "disarm the loop",
        "arm the loop",
    ]


def test_a_session_without_a_loop_has_nothing_to_arm(make_panel, link, session, run):
    session.status = lambda: Status("recording", "m1_today", 1.0)
    panel = make_panel(link)
    run(panel, panel.stop.isEnabled)
    assert not panel.loop.isEnabled()
    assert "No loop" in panel.loop.text()


def test_a_pulse_is_confirmed_once_in_a_session(panel, session, run, qtbot):
    assert panel.pulse.lines.currentText() == "laser"
    assert panel.pulse.width_ms.maximum() == 50
    panel.pulse.width_ms.setValue(2.5)
    panel.pulse.button.click()
    box = QApplication.activeModalWidget()
    assert box.defaultButton().text() == "&No"
    box.defaultButton().click()
    assert panel.log.lines == ()
    panel.pulse.button.click()
    _button(QApplication.activeModalWidget(), "Give pulse").click()
    panel.pulse.button.click()
    run(panel, _answered(panel, 2))
    sent = [(name, a["line"], a["pulse_width_us"]) for name, a in session.asked]
    assert sent == [("pulse", "laser", 2500)] * 2
    assert _outcomes(panel) == [("pulse on laser, 2.5 ms", "done")] * 2


def test_a_pulse_that_was_held_back_is_not_called_done(panel, session, run):
    session.outcome = "disarmed"
    panel.pulse.asked.emit("laser", 1000)
    run(panel, _answered(panel))
    assert _cells(panel)[2] == "✗ refused: the loop is disarmed: arm it first"


def test_a_refusal_shows_the_supervisors_reason(panel, session, run):
    session.crew.children.clear()
    panel.pulse.asked.emit("laser", 1000)
    run(panel, _answered(panel))
    time, asked, answer = _cells(panel)
    assert time.startswith("1:00")
    assert asked == "pulse on laser, 1 ms"
    assert "✗ refused: Expected a session with an inference node" in answer


def test_a_request_without_an_answer_says_so(panel, session, link, clock):
    panel.stop.setFocus()
    panel.loop.click()
    clock.advance(5 * SECOND_NS)
    panel.refresh(link.status, clock.now())
    assert "no answer yet" in _cells(panel)[2]


def test_stop_asks_first_and_enter_is_no(panel, session, run, qtbot):
    box = panel.ask_to_stop()
    qtbot.keyClick(box, Qt.Key.Key_Return)
    assert panel.log.lines == ()
    _button(panel.ask_to_stop(), "Stop the session").click()
    run(panel, _answered(panel))
    assert len(session.stopped) == 1
    assert session.stopped[0].startswith("asked to stop by monitor-")
    panel.refresh(None, 0)
    assert not panel.stop.isEnabled()


def test_what_is_pressed_while_it_ends_is_not_asked(panel, session, run):
    session.phase = "stopping"
    run(panel, lambda: "ending" in panel.why.text())
    panel.loop.click()
    panel.pulse.asked.emit("laser", 1000)
    assert panel.log.lines == ()


def test_one_that_may_only_look_says_why_and_asks_nothing(
    make_panel, session, clock, qtbot
):
    class OnlyLooking(LocalLink):
        can_ask = False

    link = OnlyLooking(session.streams, clock)
    panel = make_panel(link)
    panel.refresh(session.status(), clock.now())
    assert "Only looking" in panel.why.text()
    off = (panel.stop, panel.loop, panel.note, panel.pulse.button, panel.start)
    assert not any(widget.isEnabled() for widget in off)
    qtbot.keyClick(panel, Qt.Key.Key_1)
    assert panel.log.lines == ()
    link.close()


def test_without_a_session_one_can_only_be_started(make_panel):
    panel = make_panel(None)
    assert "No session" in panel.why.text()
    assert panel.start.isEnabled()
    assert not panel.stop.isEnabled()


def test_the_log_stays_when_the_session_ends_and_goes_with_the_next(
    panel, session, link, clock, run
):
    panel.loop.click()
    panel.set_link(None)
    assert _outcomes(panel) == [("disarm the loop", "lost")]
    assert "the session has ended" in _cells(panel)[2]
    panel.set_link(link)
    assert panel.log.lines == ()


def test_nothing_shown_tells_a_fire_from_a_sham(panel, session, run):
    """Of a session with shams only what does not differ between them may be read."""
    told = {"armed": 1.0, "decided": 7.0, "fired": 3.0, "sham": 4.0}
    nodes = [NodeFigures("inference", "running", 0.1, told)]
    session.status = lambda: Status("recording", "s", 1.0, nodes=nodes, blind=True)
    before = _words_of(panel)
    run(panel, lambda: panel._status is not None and panel._status.blind)
    assert _words_of(panel) == before


def _words_of(widget):
    texts = [
        child.text()
        for child in widget.findChildren(QWidget)
        if hasattr(child, "text") and callable(child.text)
    ]
    return [text for text in texts if isinstance(text, str)]


def test_everything_is_reached_with_the_keyboard_alone(panel, qtbot):
    panel.start.setFocus()
    reached = []
    for _ in range(40):
        widget = QApplication.focusWidget()
        if widget in reached:
            break
        reached.append(widget)
        qtbot.keyClick(widget, Qt.Key.Key_Tab)
    wanted = {
        panel.stop,
        panel.loop,
        panel.pulse.lines,
        panel.pulse.width_ms,
        panel.pulse.button,
        panel.note,
        panel.labels,
        *panel.keys.buttons.values(),
    }
    assert wanted <= set(reached)


def test_mnemonics_reach_what_matters_most(panel, qtbot):
    qtbot.keyClick(panel, Qt.Key.Key_N, Qt.KeyboardModifier.AltModifier)
    assert panel.note.hasFocus()
    qtbot.keyClick(panel, Qt.Key.Key_O, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: QApplication.activeModalWidget() is not None)
    box = QApplication.activeModalWidget()
    assert "Stop the session" in box.text()
    box.reject()


def test_the_form_that_starts_a_session_opens_on_the_lab(qtbot):
    panel = ControlPanel(Path(examples_folder()))
    qtbot.addWidget(panel)
    panel.show()
    panel.start.click()
    assert panel.form.choices.lab.folder == examples_folder().resolve()
    panel.form.reject()
