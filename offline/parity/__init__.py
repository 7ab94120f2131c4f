"""What was seen and decided live, against what was seen of every frame afterwards."""
