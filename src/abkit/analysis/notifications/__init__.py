"""What experiments have to say for themselves: each thing once, when it begins to hold.

How to use it: docs/howto/notifications.md.
"""
