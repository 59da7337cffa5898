"""What was found: comparisons, flags, badges, and what to do. Pure."""
