"""What runs the queries: the only part that speaks to a database."""
