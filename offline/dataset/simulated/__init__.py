"""Labelled frames from the simulated world, for a rig that has seen no animal yet."""
