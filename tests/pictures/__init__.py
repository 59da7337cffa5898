"""The pictures of the documentation, taken of a panel that runs."""
