"""Frames of sessions and their labels, as DeepLabCut projects."""
