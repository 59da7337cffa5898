"""Notifications about running experiments: each alert is sent once, when it starts firing.

The guide is docs/howto/notifications.md.
"""
