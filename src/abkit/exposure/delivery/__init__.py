"""Delivery to a sink by a worker thread: the queue, the batches, and what became of each event."""
