"""Where events go: one module per destination. `base` says what a sink must keep."""
