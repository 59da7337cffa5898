"""What was read once, kept for the next time."""
