"""Devices: one file per kind, each on its maker's real driver."""
