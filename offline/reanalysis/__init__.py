"""Reanalysis: a pose model over every recorded frame, after the session."""
