"""What a class says, read and checked once: the experiment, its variants, metrics, subjects and layer."""
