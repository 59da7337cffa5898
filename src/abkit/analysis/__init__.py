"""From stored exposures and actions, or a table of units, to a verdict.

The concepts: docs/concepts/analysis.md.
"""
