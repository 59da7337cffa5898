"""What to know before a change is deployed: mistakes across experiments, and the lock."""
