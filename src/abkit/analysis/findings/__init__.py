"""What was found: comparisons, flags and badges. Pure."""
