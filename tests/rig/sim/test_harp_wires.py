"""What hangs on a board's outputs, and how late its signals are."""

import numpy as np
import pytest

from rig.config.rig import RigConfig
from rig.devices.harp_plan import plan_board
from rig.devices.harp_registers import SYNC_LINE, output_line, registers
from rig.sim.epoch import Epoch
from rig.sim.twins.harp import make_boards
from rig.sim.twins.harp_outputs import PulseCommand
from rig.sim.twins.harp_signals import sample_counts
from rig.sim.twins.harp_truth import HarpTruth, board_truth
from rig.sim.twins.line_log import LineWatcher, line_path

SECOND_NS = 1_000_000_000
FLAGS = registers.StreamFlags
LED = {"source": "daq", "line": "sync", "x_px": 600, "y_px": 40}
LASER = {"pin": 1, "max_width_us": 50_000, "max_rate_hz": 40}
EMG = {"channels": ["GL", "TA"]}
PLATE = {"channels": ["Fx", "Fz"]}


class Boards:
    """A rig's boards, turned by hand; what they send is kept."""

    def __init__(self, folder, devices, **simulation):
        self.rig = RigConfig.model_validate(
            {
                "format": "springhare-rig/1",
                "name": "test",
                "data_root": "/data",
                "devices": devices,
                "simulation": simulation,
            }
        )
        self.epoch = Epoch(folder / "epoch")
        self.epoch.path.unlink(missing_ok=True)
        self.simulation, self.all = make_boards(
            self.rig, self.epoch, 1, 0, keep_edges=True
        )
        self.sent = {board.name: bytearray() for board in self.all}
        self.now_ns = SECOND_NS

    def start(self, board, streams, **values):
        masks = {"RisingMask": 0xFFFFFFFF, "FallingMask": 0xFFFFFFFF}
        for name, value in (masks | values).items():
            board.core.values[getattr(registers, name).address] = value
        board.turn(self.now_ns)
        board.core._operation = 1
        for line in board.core.outputs._lines:
            line.max_width_us, line.max_duty = 50_000, 1000
        board.core._control_streams(int(streams), board._now_us)

    def stop(self, board):
        board._now_ns = self.now_ns
        board.core._control_streams(0, board._now_us)

    def run(self, seconds, step_ns=5_000_000):
        end_ns = self.now_ns + round(seconds * SECOND_NS)
        while self.now_ns < end_ns:
            self.now_ns += step_ns
            for board in self.all:
                self.sent[board.name] += board.turn(self.now_ns)

    def pulse(self, board, width_us, pin=1):
        command = PulseCommand(1, output_line(pin), width_us, 1, 0)
        board._now_ns = self.now_ns
        board.core.outputs.pulse(command, board._now_us)

    def truth(self):
        found = {
            board.name: board_truth(board.truth, board.clock) for board in self.all
        }
        return HarpTruth(self.epoch.began_ns(), 1.0, found)

    def samples(self, board, register):
        """Return the numbers and counts of all samples that were sent."""
        data, dtype = self.sent[board.name], register.payload_class.payload_dtype
        blocks, at = [], 0
        while at < len(data):
            size = data[at + 1] + 2
            if data[at + 2] == register.address:
                blocks.append(bytes(data[at + 11 : at + size - 1]))
            at += size
        rows = np.frombuffer(b"".join(blocks), dtype)
        numbers = rows["sample_number"][:, None] + np.arange(10)
        return numbers.ravel().astype(np.int64), rows["samples"].reshape(
            len(rows) * 10, -1
        )


def daq(**parts):
    board = {
        "kind": "harp",
        "port": "x",
        "camera_trigger": {"rate_hz": 100},
        "sync_line": {},
        "actuator": {"lines": {"laser": LASER}},
    }
    return board | parts


def camera(**led):
    return {
        "kind": "basler",
        "serial": str(led),
        "width_px": 640,
        "height_px": 480,
        "trigger": {"mode": "hardware", "source": "daq"},
        "led": LED | led,
    }


def intervals(truth, line, device="daq"):
    """Return the host times at which a line rose and fell, (n, 2)."""
    edges = truth.boards[device]["edges"]
    mine = np.array(edges["line"]) == line
    times, levels = np.array(edges["host_ns"])[mine], np.array(edges["level"])[mine]
    assert levels.tolist() == [True, False] * (len(levels) // 2)
    return times.reshape(-1, 2)


class TestLines:
    @pytest.fixture
    def boards(self, tmp_path):
        devices = {"daq": daq(), "left": camera(), "right": camera(line="laser")}
        return Boards(tmp_path, devices)

    @pytest.fixture
    def watch(self, boards):
        watchers = {
            name: LineWatcher(line_path(boards.epoch.path, "daq", name))
            for name in ("sync", "laser")
        }
        yield watchers
        for one in watchers.values():
            one.close()

    def check(self, watcher, rises_and_falls):
        for rise_ns, fall_ns in rises_and_falls.tolist():
            inside = watcher.high_fraction(rise_ns, fall_ns)
            around = watcher.high_fraction(rise_ns - 1000, fall_ns + 1000)
            assert inside == 1.0
            assert around == (fall_ns - rise_ns) / (fall_ns - rise_ns + 2000)

    def test_the_sync_line_is_told_ahead_and_comes_as_told(self, boards, watch):
        (board,) = boards.all
        streams = FLAGS.EDGES | FLAGS.SYNC | FLAGS.CAMERA_TRIGGER
        boards.start(board, streams, SyncSeed=5, SyncPeriod=20_000_000)
        began_ns = boards.now_ns
        ahead = watch["sync"].high_fraction(began_ns, began_ns + 20 * SECOND_NS)
        assert ahead > 0.02
        boards.run(21)
        later = (began_ns + 25 * SECOND_NS, began_ns + 40 * SECOND_NS)
        assert watch["sync"].high_fraction(*later) > 0.002
        boards.stop(board)
        boards.run(0.1)
        assert watch["sync"].high_fraction(*later) == 0.0
        told = intervals(boards.truth(), SYNC_LINE)
        assert len(told) > 40
        self.check(watch["sync"], told)
        high_ns = np.diff(told, axis=1).sum()
        all_ns = watch["sync"].high_fraction(0, began_ns + 60 * SECOND_NS)
        assert all_ns * (began_ns + 60 * SECOND_NS) == pytest.approx(high_ns)

    def test_it_ends_with_the_power(self, boards, watch):
        (board,) = boards.all
        boards.start(board, FLAGS.EDGES | FLAGS.SYNC)
        boards.run(1.0)
        board._unplug(boards.now_ns, board._now_us, 0.5)
        boards.run(1.0)
        assert watch["sync"].high_fraction(SECOND_NS, 2 * SECOND_NS) > 0.1
        assert watch["sync"].high_fraction(2 * SECOND_NS + 1000, 30 * SECOND_NS) == 0.0
        boards.start(board, FLAGS.EDGES | FLAGS.SYNC, SyncNumber=1)
        boards.run(0.1)
        assert watch["sync"].high_fraction(3 * SECOND_NS, 30 * SECOND_NS) > 0.0

    def test_an_actuators_line_is_told_when_it_changes(self, boards, watch):
        (board,) = boards.all
        boards.start(board, FLAGS.EDGES)
        for width_us in (1000, 20_000):
            boards.run(0.1, 1_000_000)
            boards.pulse(board, width_us)
            boards.run(0.1, 1_000_000)
        told = intervals(boards.truth(), output_line(1))
        assert len(told) == 2
        self.check(watch["laser"], told)

    def test_what_nothing_hangs_on_is_not_told(self, tmp_path):
        Boards(tmp_path, {"daq": daq(emg=EMG | {"test_pulse": PULSE})})
        assert not list(tmp_path.glob("line-*"))


PULSE = {"line": "sync", "channel": "TA", "amplitude_uv": 1950}
PUSH = {"line": "laser", "channel": "Fz", "amplitude_mn": 1000}


class TestSignals:
    @pytest.fixture
    def record(self, tmp_path):
        """Run a board for three seconds, with two pulses of the laser."""

        def record(devices=None, seconds=3.0, **simulation):
            devices = devices or {"daq": daq(emg=EMG, force_plate=PLATE)}
            boards = Boards(tmp_path, devices, **simulation)
            (board, *others) = boards.all
            streams = FLAGS.EDGES | FLAGS.SYNC | FLAGS.CAMERA_TRIGGER
            for other in others:
                boards.start(other, FLAGS.EMG | FLAGS.FORCE_PLATE)
            boards.start(board, streams | FLAGS.EMG | FLAGS.FORCE_PLATE, SyncSeed=5)
            for _ in range(2):
                boards.run(seconds / 3)
                boards.pulse(board, 20_000)
            boards.run(seconds / 3)
            return boards

        return record

    @pytest.mark.parametrize("emg_us", [0.0, 350.0])
    def test_a_sample_shows_what_was_a_delay_before(self, record, emg_us):
        delays = {"daq/emg": emg_us, "daq/force_plate": 1200.0}
        boards = record(delays_us=delays)
        (board,) = boards.all
        truth, world = boards.truth(), boards.simulation.world
        sources = plan_board("daq", boards.rig.harp_devices["daq"]).sources
        for source, delay_us in zip(sources, (emg_us, 1200.0), strict=True):
            numbers, counts = boards.samples(board, source.register)
            assert len(numbers) > 2500
            (run,) = (one for one in board.truth.runs if one.stream == source.stream)
            assert run.delay_us == delay_us
            taken_ns = board.clock.host_ns(run.board_us(numbers))
            shown_ns = taken_ns - 1000 * delay_us
            told_ns = truth.sample_host_ns("daq", source.stream, numbers)
            np.testing.assert_allclose(told_ns, shown_ns, atol=1)
            shown_s = np.maximum(shown_ns - boards.epoch.began_ns(), 0) / 1e9
            wanted = sample_counts(world, source, shown_s, numbers)
            assert np.abs(counts - wanted).max() <= 1, "but for rounding"
            columns = truth.samples(world, "daq", source, numbers)
            assert np.abs(counts[:, :2] - columns).max() <= 1

    def test_wires_are_plugged_in_only_to_calibrate(self, record):
        emg, plate = EMG | {"test_pulse": PULSE}, PLATE | {"test_pulse": PUSH}
        wired = record({"daq": daq(emg=emg, force_plate=plate)})
        plain = record()
        assert wired.sent == plain.sent

    @pytest.mark.slow
    def test_a_wired_channel_shows_the_line(self, record):
        delays = {"daq/emg": 350.0, "daq/force_plate": 1200.0}
        emg, plate = EMG | {"test_pulse": PULSE}, PLATE | {"test_pulse": PUSH}
        wired = record(
            {"daq": daq(emg=emg, force_plate=plate)}, calibrating=True, delays_us=delays
        )
        plain = record(delays_us=delays)
        truth = wired.truth()
        for part, register, line, height, period_ns in (
            ("emg", registers.Emg, SYNC_LINE, 10_000, 500_000),
            ("force_plate", registers.ForcePlate, output_line(1), 2000, 1_000_000),
        ):
            stream = f"signals/daq/{part}"
            numbers, counts = wired.samples(wired.all[0], register)
            same, without = plain.samples(plain.all[0], register)
            n = min(len(numbers), len(same))
            assert n > 2500
            assert np.array_equal(numbers[:n], same[:n])
            extra = counts[:n].astype(int) - without[:n]
            assert not extra[:, [0, *range(2, extra.shape[1])]].any()
            shown_ns = truth.sample_host_ns("daq", stream, numbers[:n])
            check_pulses(
                intervals(truth, line), shown_ns, extra[:, 1] / height, period_ns
            )

    @pytest.mark.slow
    def test_a_line_of_another_board(self, record):
        pulse = {"source": "daq", "line": "laser", "channel": "GL"}
        scope = {"kind": "harp", "port": "y", "emg": EMG | {"test_pulse": pulse}}
        boards = record({"daq": daq(), "scope": scope}, calibrating=True)
        numbers, counts = boards.samples(boards.all[1], registers.Emg)
        truth = boards.truth()
        shown_ns = truth.sample_host_ns("scope", "signals/scope/emg", numbers)
        world = boards.simulation.world
        (source,) = plan_board("scope", boards.rig.harp_devices["scope"]).sources
        own = truth.samples(world, "scope", source, numbers)
        extra = (counts[:, 0] - own[:, 0].astype(int)) / (2000 / 0.195)
        check_pulses(intervals(truth, output_line(1)), shown_ns, extra, 500_000)

    def test_a_pulse_ends_where_numbers_end(self, record):
        pulse = PULSE | {"amplitude_uv": 1e6}
        emg = EMG | {"test_pulse": pulse}
        boards = record({"daq": daq(emg=emg)}, seconds=1.0, calibrating=True)
        _, counts = boards.samples(boards.all[0], registers.Emg)
        assert counts[:, 1].max() == 32767


def check_pulses(rises_and_falls, shown_ns, level, period_ns):
    """Every pulse has the length and the middle that its line had, to microseconds."""
    done = rises_and_falls[rises_and_falls[:, 1] < shown_ns[-1] - 10 * period_ns]
    assert len(done) >= 2
    for rise_ns, fall_ns in done.tolist():
        near = (shown_ns > rise_ns - 2 * period_ns) & (
            shown_ns < fall_ns + 2 * period_ns
        )
        near &= np.abs(shown_ns - (rise_ns + fall_ns) / 2) < (fall_ns - rise_ns) + 6e6
        assert level[near].sum() * period_ns == pytest.approx(
            fall_ns - rise_ns, abs=2e3
        )
        middle_ns = np.average(shown_ns[near], weights=level[near])
        assert middle_ns == pytest.approx((rise_ns + fall_ns) / 2, abs=1e4)
    outside = np.ones(len(level), bool)
    for rise_ns, fall_ns in rises_and_falls.tolist():
        outside &= (shown_ns < rise_ns - period_ns) | (shown_ns > fall_ns + period_ns)
    assert np.abs(level[outside]).max() < 1e-3
