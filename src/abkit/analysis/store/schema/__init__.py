"""A store that is a schema of the database in which the events are."""
