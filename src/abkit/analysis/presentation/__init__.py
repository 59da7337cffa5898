"""How a result is shown: tables, charts, the report, exports. Pure, but for what they write."""
