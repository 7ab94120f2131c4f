"""From what went wrong in sessions to the next frames that are worth a label."""
