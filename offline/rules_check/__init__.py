"""What a task's rules say, in words, and what they would have done in a session."""
