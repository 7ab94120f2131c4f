"""How far pose models are from labelled frames: errors, their intervals, a page."""
