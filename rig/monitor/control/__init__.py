"""What a person does beside a session, without a window: pure, or files and processes.

`lab` is a folder of configs, `plan_values` the form of a new session, `launch` begins
it, `past` lists the last ones, `asked` keeps what was asked and answered.
"""
