"""For the test suites of those who use abkit: forced variants, captured exposures."""
