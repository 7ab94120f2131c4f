"""How well clocks and pulses are brought together, where the truth is known.

`clocks` and `trains` simulate: crystals that wander, pulses that jitter, get lost and
come out of nowhere. `peers` are the ways of others. Each section is a file: `models`
(also with heavy tails), `speed`, `matching`, `verdicts` (of the pairs in `puzzles`),
`frames`. `run` is all of them, `targets` what was wanted, `tables` what is shown.
"""
