"""Whether a model may replace the one that is on the rig."""
