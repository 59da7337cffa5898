"""What an analysis costs beside the same sums by hand."""
