"""Errors of labels, found before a model learns them."""
