"""The variants that units keep once they were exposed, whatever is declared later."""
