"""One file per engine, and the only file that imports it."""
