"""What the database is asked, in which order: from tables to sums per variant.

The only part of the analysis that calls an engine; the queries are made in `query`, and what is found
is computed from what this gives.
"""
