"""The live table: one look at a session in a terminal, near or over ssh.

::

    Status, Health ─▶ sections ─▶ fit ─▶ table
           └─▶ trends ─▶ sparklines ─┘

The same for whoever runs the session (`springhare run`, `springhare demo`) and for
whoever looks on (`springhare monitor --terminal`). All but `table` is pure.
"""
