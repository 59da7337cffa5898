"""Sufficient statistics in, numbers out: pure, and knowing nothing of a database."""
