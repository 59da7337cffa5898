"""What was declared, read for an analysis: the experiment's design, and what callers pass. Pure."""
