"""Benchmarks of inference, behind ``springhare bench``."""
