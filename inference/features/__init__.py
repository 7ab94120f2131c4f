"""Features of signals for rules: an EMG's envelope, a force."""
