"""A session on one clock: every element's time, its error, and a verdict."""
