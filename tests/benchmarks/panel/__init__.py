"""What the panel takes: `python -m tests.benchmarks.panel.rows`."""
