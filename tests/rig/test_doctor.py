import json
import os
from importlib.metadata import version
from pathlib import Path

import pytest

from rig import cli
from rig import system as system_facts
from rig.bus.directory import StreamDirectory
from rig.commands import doctor_machine as machine
from rig.commands import doctor_software as software
from rig.commands.findings import Finding, verdict


def _states(findings):
    return {finding.name: finding.state for finding in findings}


@pytest.mark.slow
def test_the_whole_visit(tmp_path, capsys):
    status = cli.main(["doctor", "--json", "--data", str(tmp_path)])
    found = json.loads(capsys.readouterr().out)
    states = [finding["state"] for finding in found["findings"]]
    assert status == (1 if "fail" in states else 0)
    assert found["verdict"] in states
    topics = {finding["topic"] for finding in found["findings"]}
    assert topics == {
        "python",
        "packages",
        "extras",
        "plug-ins",
        "names",
        "drivers",
        "clock",
        "real time",
        "memory",
        "disk",
        "ports",
    }
    for finding in found["findings"]:
        assert finding["remedy"] or finding["state"] == "ok", finding
    drivers = {f["name"]: f["text"] for f in found["findings"]}
    assert drivers["Basler's emulator"] == "works"
    assert "CPUExecutionProvider" in drivers["onnxruntime"]
    assert list(tmp_path.iterdir()) == [], "the disk's trial is gone"


def test_as_text(monkeypatch, capsys):
    findings = [
        Finding("disk", "speed", "warn", "40 MB/s", "use another"),
        Finding("disk", "free", "ok", "80 GB"),
        Finding("names", "rig", "fail", "hidden", "rename it"),
    ]
    monkeypatch.setattr("rig.commands.doctor._look", lambda _: findings)
    assert cli.main(["doctor"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "disk",
        "  warn  speed: 40 MB/s",
        "        → use another",
        "  ok    free: 80 GB",
        "names",
        "  fail  rig: hidden",
        "        → rename it",
        "",
        "1 to mend, 1 to think about",
    ]
    monkeypatch.setattr("rig.commands.doctor._look", lambda _: findings[:2])
    assert cli.main(["doctor"]) == 0


@pytest.mark.parametrize(
    ("states", "worst"),
    [((), "ok"), (("ok", "warn"), "warn"), (("warn", "fail", "ok"), "fail")],
)
def test_the_worst_decides(states, worst):
    assert verdict([Finding("t", "n", state, "") for state in states]) == worst


@pytest.mark.parametrize("right", [(3, 11), (3, 12)])
def test_pythons(monkeypatch, right):
    monkeypatch.setattr("sys.version_info", (*right, 1))
    assert set(_states(software.python()).values()) == {"ok"}
    monkeypatch.setattr("sys.version_info", (3, 13, 0))
    assert _states(software.python())["version"] == "fail"
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert _states(software.python())["machine"] == "fail"


def test_a_missing_package_is_named_with_its_remedy(monkeypatch):
    lines = ["numpy>=1", "nothing-like-it>=3", "scipy; extra == 'offline'"]
    monkeypatch.setattr(software, "requires", lambda _: lines)
    findings = {finding.name: finding for finding in software.packages()}
    assert findings["numpy"].state == "ok"
    assert findings["nothing-like-it"].state == "fail"
    assert findings["nothing-like-it"].remedy == "pip install 'nothing-like-it>=3'"
    assert "scipy" not in findings


def test_extras_that_do_not_go_together(monkeypatch):
    installed = {
        "deeplabcut-live": "1.1.0",
        "numpy": "2.1.0",
        "onnxruntime": "1.20",
        "onnxruntime-gpu": "1.20",
    }
    monkeypatch.setattr(software, "_version", installed.get)
    monkeypatch.setattr(software, "_torn_builds", str)
    states = _states(software.extras())
    assert states["dlclive and numpy"] == "fail"
    assert states["onnxruntime twice"] == "warn"
    assert states["monitor"] == "ok"
    installed |= {"numpy": "1.26.4", "onnxruntime": None}
    assert set(_states(software.extras()).values()) == {"ok"}


class TestNameClashes:
    @pytest.fixture
    def home(self, tmp_path):
        for name in software.OUR_PACKAGES:
            (tmp_path / "home" / name).mkdir(parents=True)
            (tmp_path / "home" / name / "__init__.py").touch()
        return tmp_path / "home"

    def look(self, home, distributions=(), search=(), here=None):
        found = software.name_clashes(
            dict(distributions), [*map(str, search), str(home)], here or home, home
        )
        return {finding.name: finding for finding in found}

    def test_none(self, home, tmp_path):
        ours = {"rig": ["springhare"], "sync": ["Springhare"], "numpy": ["numpy"]}
        found = self.look(home, ours, [tmp_path], tmp_path)
        assert _states(found.values()) == {"clashes": "ok"}

    def test_another_distribution(self, home):
        both = {"inference": ["springhare", "roboflow-inference"]}
        found = self.look(home, both)
        assert _states(found.values()) == {"inference": "fail"}
        assert "pip uninstall roboflow-inference" in found["inference"].remedy

    @pytest.mark.parametrize("name", ["sync.py", "sync/__init__.py"])
    def test_something_before_ours_on_the_path(self, home, tmp_path, name):
        other = tmp_path / "other" / name
        other.parent.mkdir(parents=True, exist_ok=True)
        other.touch()
        found = self.look(home, search=[tmp_path / "other"])
        assert _states(found.values()) == {"sync": "fail"}
        assert "PYTHONPATH" in found["sync"].remedy

    def test_after_ours_it_does_not_matter(self, home, tmp_path):
        (tmp_path / "rig.py").touch()
        found = software.name_clashes({}, [str(home), str(tmp_path)], home, home)
        assert _states(found) == {"clashes": "ok"}

    def test_in_the_working_folder(self, home, tmp_path):
        (tmp_path / "offline.py").touch()
        found = self.look(home, here=tmp_path)
        assert _states(found.values()) == {"offline": "warn"}

    def test_in_our_own_folder(self, home):
        assert _states(self.look(home, here=home).values()) == {"clashes": "ok"}


def distributed(folder, name, version, inside):
    """Lay an installed package out, as pip does."""
    (folder / name).mkdir(parents=True)
    told = f"from typing import Optional\n__version__ = '{inside}'\n"
    (folder / name / "version.py").write_text(told, "utf-8")
    (folder / name / "__init__.py").write_text("raise RuntimeError", "utf-8")
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir()
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (info / "METADATA").write_text(metadata, "utf-8")


@pytest.mark.parametrize(
    ("torch", "torchvision", "torn"),
    [
        (("2.13.0+cpu", "2.13.0+cpu"), ("0.28.0", "0.28.0+cu130"), True),
        (("2.13.0+cpu", "2.13.0+cpu"), ("0.28.0+cpu", "0.28.0+cpu"), False),
        (("2.13.0+cu130", "2.13.0+cu130"), ("0.28.0", "0.28.0+cu130"), False),
        (("2.13.0", "2.13.0+cu130"), ("0.28.0", "0.28.0+cu130"), False),
        (("2.13.0", "2.13.0+cu130"), ("0.28.0+cu128", "0.28.0+cu128"), True),
        (("2.13.0+cpu", "2.13.0+cpu"), ("0.28.0", "0.28.0"), False),  # nobody tells
    ],
)
def test_torch_and_torchvision_of_two_builds(
    monkeypatch, tmp_path, torch, torchvision, torn
):
    distributed(tmp_path, "torch", *torch)
    distributed(tmp_path, "torchvision", *torchvision)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(software, "_version", lambda name: "1.0")
    found = {finding.name: finding for finding in software.extras()}
    for extra in ("dlclive", "convert", "tensorflow"):
        assert found[extra].state == ("warn" if torn else "ok")
        assert ("both from one index, for CUDA: " in found[extra].remedy) is torn
    assert found["fast"].state == "ok"
    if torn:
        words = f"torch is for {torch[1][7:]} and torchvision is for"
        assert words in found["convert"].text


def test_builds_of_what_is_not_there(monkeypatch):
    monkeypatch.setattr(software, "distribution", lambda name: version(f"no-{name}"))
    assert all("for" not in f.text for f in software.extras() if f.state == "warn")


def test_a_driver_that_crashes_takes_nobody_along(monkeypatch):
    monkeypatch.setattr(software, "_CAMERAS", "import os; os.kill(os.getpid(), 9)")
    monkeypatch.setattr(software, "_PROVIDERS", "raise ImportError('no such engine')")
    findings = {finding.name: finding for finding in software.drivers()}
    assert _states(findings.values()) == {"pylon": "fail", "onnxruntime": "fail"}
    assert findings["pylon"].text == "ended with status -9"
    assert findings["onnxruntime"].text == "ImportError: no such engine"


def test_a_driver_that_says_nonsense_or_nothing(monkeypatch):
    monkeypatch.setattr(software, "_CAMERAS", "print('hello')")
    monkeypatch.setattr(software, "_PROVIDERS", "")
    texts = {finding.text for finding in software.drivers()}
    assert texts == {"gave an answer that nobody can read"}


def test_cameras_that_are_there(monkeypatch):
    code = """
print('{"pylon": "12.4", "cameras": [["BaslerUsb", "24000001", "acA1300-200um"]]}')
"""
    monkeypatch.setattr(software, "_CAMERAS", code)
    findings = {finding.name: finding for finding in software.drivers()}
    assert findings["Basler cameras"].text == "acA1300-200um 24000001"
    assert findings["Basler's emulator"].state == "fail"


def test_a_plug_in_whose_module_is_gone(monkeypatch):
    from importlib.metadata import EntryPoint

    point = EntryPoint("laser", "no_such_package.laser:Laser", "springhare.nodes")
    monkeypatch.setattr(
        software, "entry_points", lambda group: [point] if "nodes" in group else []
    )
    findings = {finding.name: finding for finding in software.plug_ins()}
    assert findings["nodes laser"].state == "fail"
    assert findings["nodes"].text == "none"


@pytest.mark.parametrize(
    ("name", "value", "finding", "state"),
    [
        ("clock_source", "tsc", "source", "ok"),
        ("clock_source", "hpet", "source", "warn"),
        ("clock_source", None, "source", "warn"),
        ("realtime_priority", 80, "SCHED_FIFO", "ok"),
        ("realtime_priority", 0, "SCHED_FIFO", "warn"),
        ("cpu_governors", {"performance"}, "CPU governor", "ok"),
        ("cpu_governors", {"performance", "powersave"}, "CPU governor", "warn"),
        ("cpu_governors", set(), "CPU governor", "ok"),
        ("timer_slack_ns", 50_000, "timer slack", "ok"),
        ("timer_slack_ns", 4_000_000, "timer slack", "warn"),
        ("open_files_limit", 256, "open files", "warn"),
        ("open_files_limit", -1, "open files", "ok"),
    ],
)
def test_settings(monkeypatch, name, value, finding, state):
    monkeypatch.setattr(system_facts, name, lambda: value)
    findings = [*machine.clocks(), *machine.real_time()]
    assert _states(findings)[finding] == state
    assert all(one.remedy for one in findings if one.state != "ok")


@pytest.mark.parametrize(
    ("free", "state"), [(10**10, "ok"), (5 * 10**8, "warn"), (10**8, "fail")]
)
def test_shared_memory(monkeypatch, free, state):
    monkeypatch.setattr("rig.bus.shared_memory.free_bytes", lambda: free)
    [finding] = machine.shared_memory_size()
    assert finding.state == state


def test_abandoned_sessions(monkeypatch, tmp_path):
    monkeypatch.setenv("SPRINGHARE_SHM", str(tmp_path))
    assert _states(machine.abandoned_sessions()) == {"abandoned sessions": "ok"}
    streams = StreamDirectory.create("s1", Path("/data/m1"))
    assert _states(machine.abandoned_sessions()) == {"abandoned sessions": "ok"}
    note = '{"pid":1,"started":-1,"session_folder":"/data/m1"}'
    (streams.path / "owner.json").write_text(note)
    [finding] = machine.abandoned_sessions()
    assert (finding.name, finding.state) == ("abandoned session s1", "warn")
    assert "/data/m1" in finding.text


def test_the_disk(tmp_path, monkeypatch):
    findings = {finding.name: finding for finding in machine.disk(tmp_path)}
    assert set(findings) == {"kind", "free", "speed"}
    assert "MB/s, written and synced" in findings["speed"].text
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(machine, "_written_mb_s", lambda _: 30.0)
    monkeypatch.setattr(system_facts, "file_system_of", lambda _: "nfs4")
    states = _states(machine.disk(tmp_path))
    assert (states["speed"], states["kind"]) == ("warn", "warn")
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("U", (), {"free": 10**6}))
    states = _states(machine.disk(tmp_path))
    assert (states["speed"], states["free"]) == ("fail", "warn")


def test_ports(monkeypatch):
    def port(device, hwid):
        return type(
            "Port", (), {"device": device, "hwid": hwid, "description": "Teensy"}
        )

    there = [port("/dev/ttyS0", "n/a"), port("/dev/ttyACM0", "USB VID:PID=16C0:0483")]
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: there)
    [finding] = machine.ports(lambda *_: True)
    assert (finding.name, finding.state) == ("/dev/ttyACM0", "ok")
    [finding] = machine.ports(lambda *_: False)
    assert finding.state == "warn"
    assert "dialout" in finding.remedy
    monkeypatch.setattr("serial.tools.list_ports.comports", list)
    assert _states(machine.ports(os.access)) == {"serial ports": "ok"}


def test_what_the_system_says():
    assert system_facts.file_system_of(Path("/proc")) == "proc"
    assert system_facts.file_system_of(Path("/dev/shm")) == "tmpfs"
    assert system_facts.realtime_priority() >= 0
    assert (system_facts.timer_slack_ns() or 0) >= 0
    assert isinstance(system_facts.cpu_governors(), set)


def test_the_loop_is_tested_by_who_knows_how(monkeypatch, tmp_path):
    rig = tmp_path / "rig.yaml"
    rig.write_text("", "utf-8")
    asked = {}

    def load(group, name):
        assert (group, name) == ("springhare.doctor", "loop")
        return lambda **options: asked.update(options) or 1

    monkeypatch.setattr("rig.registry.load", load)
    words = ["doctor", "--loop", "--rig", str(rig), "--line", "laser", "--seconds", "9"]
    assert cli.main(words) == 1
    assert asked["rig_file"] == rig
    assert (asked["line"], asked["seconds"], asked["simulate"]) == ("laser", 9.0, False)


def test_what_belongs_to_the_loop_is_refused_without_it(capsys):
    assert cli.main(["doctor", "--simulate"]) == 2
    assert "with --loop" in capsys.readouterr().err
