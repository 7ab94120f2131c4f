"""The simulated rig: one world, and the doubles of all devices that look into it.

Chosen by name (``--simulate``, ``springhare demo``); runtime code never imports it.
"""
