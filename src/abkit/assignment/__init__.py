"""A unit in, a variant out: pure."""
