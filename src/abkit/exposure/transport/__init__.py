"""What the delivery is made of: the queue, the batches, the thread, and what becomes of each event."""
