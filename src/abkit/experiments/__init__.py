"""What users declare: experiments, their metrics, and how they share traffic."""
