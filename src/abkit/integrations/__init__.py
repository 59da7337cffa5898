"""Life cycles of web frameworks, bound to the endpoint and the manager; one module each."""
