"""No tables: Django tells only applications with this module that it has migrated.

Then the permission to act in the panel is made.
"""
