"""What an analysis of many events costs in bounded memory, beside the same sums by hand."""
