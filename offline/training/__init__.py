"""From labelled frames to a pose model: real DeepLabCut 3, in a process of its own."""
