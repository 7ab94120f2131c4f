from rich.console import Console

from rig.commands.ledger_table import ledger_table
from rig.config.rig import LedgerLimits
from rig.messages import Loss
from rig.recording.balance import SessionCount, StreamCount, build_ledger
from rig.recording.gaps import Gap


def shown(count):
    console = Console(width=200, record=True, quiet=True)
    with console.capture() as captured:
        console.quiet = False
        console.print(ledger_table(build_ledger(count, LedgerLimits())))
    return captured.get()


def test_a_loss_is_shown_in_frames_and_milliseconds_with_its_cause():
    loss = Loss(
        host_ns=1,
        stream="cameras/left",
        stage="recorder",
        first_id=20,
        count=5,
        cause="overwritten",
    )
    stream = StreamCount(
        "frames",
        "left",
        100,
        95,
        rate_hz=100,
        gaps=[Gap(20, 5, 1.5, 1.56)],
    )
    text = shown(SessionCount(streams={"cameras/left": stream}, losses=[loss]))
    assert (
        "cameras/left: 5 missing from 20, 1.500 s after the start, 60 ms (recorder): "
        "overwritten"
    ) in text


def test_remarks_are_shown():
    stream = StreamCount("frames", "left", 100, 100)
    count = SessionCount(
        streams={"cameras/left": stream}, remarks=["recorder died and came back"]
    )
    assert "recorder died and came back" in shown(count)


def test_commands_that_timed_out_are_shown():
    counters = {"late_answers": 1}
    streams = {"losses/daq": StreamCount("losses", "daq", 0, 0, counters=counters)}
    count = SessionCount(
        streams=streams, fired=[1], acknowledged=[1], timed_out=1, answered_late=1
    )
    assert (
        "1 timed out commands = 1 answered late + 0 unanswered; 1 late answers"
    ) in shown(count)
