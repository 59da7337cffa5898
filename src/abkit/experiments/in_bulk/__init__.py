"""What many units get: whole columns of them, and the same as an SQL expression."""
