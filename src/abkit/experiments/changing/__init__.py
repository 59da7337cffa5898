"""Acting at once: changes of the settings, written so that nothing is lost, and who made them and why."""
