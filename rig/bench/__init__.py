"""Benchmarks behind ``springhare bench``; the tests hold none."""
