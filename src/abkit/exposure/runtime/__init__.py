"""What long-lived objects need in a server: fork and exit hooks, wake-ups, back-off, a log of errors."""
