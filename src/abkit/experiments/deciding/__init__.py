"""What one unit gets, and why: declarations made ready to answer, under the settings that are in force."""
