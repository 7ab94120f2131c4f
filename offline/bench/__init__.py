"""Benchmarks of what comes after the session, behind ``springhare bench``."""
