"""What the outbox is made of: entries, and the files that hold them."""
