"""From the request to the sink: deduplicate, queue, deliver. `logger.ExposureLogger` is the way in."""
