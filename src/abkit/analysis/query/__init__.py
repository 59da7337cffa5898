"""The SQL texts: from exposures and actions to sums per variant."""
