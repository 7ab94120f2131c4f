"""How it stands: a light for each thing that can be wrong, with the reason in words.

Pure. `lights` are what is shown, `judging` makes them of a glance, `judgement` adds
what must not be forgotten, `watcher` does so again and again for one session.
"""

from __future__ import annotations

from rig.monitor.health.lights import GROUPS, HEADINGS, Health, Level, Light

__all__ = ["GROUPS", "HEADINGS", "Health", "Level", "Light"]
