"""The experiment whose settings the tests change."""

from abkit import OrgExperiment
from abkit.experiments.declaring.declaration import Declaration


class Buttons(OrgExperiment):
    variants = {"old": 3, "new": 1}


class Colours(OrgExperiment):
    variants = {"red": 1, "blue": 1}


BUTTONS: Declaration = Buttons.declaration
COLOURS: Declaration = Colours.declaration
