"""What is alive while the animal is on the rig: devices, bus, recorder, supervisor."""
