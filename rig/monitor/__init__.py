"""The monitor: one look tells whether the session is good.

It reads streams as any reader does and asks the supervisor; whatever becomes of it,
the recording goes on.

::

    rings ─────────────▶ live ────┐
    a server elsewhere ▶ remote ──┤
    session.h5 ────────▶ recorded ┴▶ feed ─▶ window (Qt), terminal
    the supervisor's status ─▶ health ┘          │
                  ▲                              ▼
                  └────────── requests ◀───── control

`shown` says what there is to be drawn, `rule_signals` and `marks` what rules and nodes
did, `history` keeps the last minutes, `thinning` makes a screenful of them. Only
`window` knows Qt.
"""
