"""Lantern, a web application of nobody, for its sign-up page."""
