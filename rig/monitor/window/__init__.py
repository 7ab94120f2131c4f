"""The window: the only place that knows Qt.

`app` runs it, `main` puts it together: a `banner` with what matters most, a `tile` for
each camera (with its `overlay`), `space` for the skeleton in 3D, `traces` on one time
axis, `lights` for the health of everything, and beside them what asks the supervisor.
Everything is drawn from a `rig.monitor.feed.Feed`.
"""
