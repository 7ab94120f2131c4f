"""Twins: doubles of the devices, all looking into one world, each on its own clock."""
