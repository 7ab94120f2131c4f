"""Reanalysis beside DeepLabCut's own, on the same film."""
