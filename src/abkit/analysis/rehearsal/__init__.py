"""An experiment rehearsed on one's own history: split again and again, with nothing shown to anybody."""
