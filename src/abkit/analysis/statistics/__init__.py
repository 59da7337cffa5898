"""Sufficient statistics: sums per variant, per phase, and what a metric is in terms of them. Pure."""
