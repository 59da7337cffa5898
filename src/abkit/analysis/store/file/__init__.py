"""A store that is a file of DuckDB, and the files of events that it is made of."""
