"""Time: every clock on one base. Pure: no device, no bus, no file format."""
