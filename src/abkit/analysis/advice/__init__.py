"""From what was found to what to do: standings, guardrails, the recommendation, what it is worth; pure."""
