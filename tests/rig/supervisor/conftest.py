"""A crew that does what a test says, in place of processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from rig.messages import Reply
from rig.supervisor.children import Child
from rig.supervisor.plan import NodePlan
from sync.clock import ManualClock


class Process:
    """Plays a `subprocess.Popen`."""

    def __init__(self):
        self.returncode = None

    def poll(self):
        return self.returncode

    def kill(self):
        self.returncode = -9

    def die(self, status=-9):
        self.returncode = status


class FakeCrew:
    """Children whose replies a test gives."""

    def __init__(self, clock, folder):
        self.clock = clock
        self.folder = folder
        self.children = {}
        self.sent = []
        self.replies = {}
        self.figures = {}
        self.listened = 0

    def add(self, name, on_death="restart"):
        plan = NodePlan(name, name, {}, 0, on_death=on_death)
        self.children[name] = self.make(plan)
        self.children[name].state = "running"
        return self.children[name]

    def make(self, plan):
        path = self.folder / f"{plan.name}.stderr"
        path.write_text("", "utf-8")
        return Child(plan, Process(), path, self.clock.now())

    def replace(self, name, _log_folder, _attempt):
        self.children[name] = self.make(self.children[name].plan)
        return self.children[name]

    def send(self, name, request, arguments):
        self.sent.append((name, request, dict(arguments)))
        return len(self.sent)

    def take_reply(self, number):
        return self.replies.pop(number, None)

    def answer(self, error=""):
        """Answer what was sent last."""
        name, _, _ = self.sent[-1]
        self.replies[len(self.sent)] = Reply(
            request_id=len(self.sent), node=name, ok=not error, error=error
        )

    def newly_gone(self):
        gone = [
            child
            for child in self.children.values()
            if not child.gone and child.process.poll() is not None
        ]
        for child in gone:
            child.gone = True
        return gone

    def hung(self):
        return [c for c in self.children.values() if c.state == "hung" and not c.hung]

    def metrics(self, name):
        return self.figures.get(name, {})

    def listen(self, _timeout_ms):
        self.listened += 1
        self.clock.advance(1_000_000_000)


@pytest.fixture
def clock():
    return ManualClock(1_000_000_000)


@pytest.fixture
def crew(clock, tmp_path):
    return FakeCrew(clock, Path(tmp_path))
