"""An Integration Directory with one experiment."""
