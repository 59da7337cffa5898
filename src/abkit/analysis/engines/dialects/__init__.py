"""How each database writes the columns that queries need: one file per dialect."""
