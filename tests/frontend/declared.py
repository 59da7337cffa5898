"""An application's experiments, of every kind that the front end knows."""

from typing import Any

from abkit import Experiment, OrgExperiment, Params, UserExperiment


class ShowPluginsExperiment(OrgExperiment):
    """Show plugins in the Integration Directory.

    Only the first line is shown.
    """

    variants = {"0": 0.5, "1": 0.5}


class NumberedExperiment(OrgExperiment):
    param_name = "exposed"
    variants = [0, 1]


class SwitchExperiment(UserExperiment):
    variants = [False, True]


class SizeExperiment(Experiment):
    unit_type = "team_member"
    variants = [10, 20, 30.5]


class FallbackExperiment(UserExperiment):
    """Its default value is none of its variants."""

    variants = ["short", "long"]

    def default_value(self) -> str:
        return "none"


class CodeExperiment(UserExperiment):
    """Only its code knows its variants."""

    def assign(self, params: Params, user: Any) -> None:
        params.variant = f"colour {user.id % 7}"

    def default_value(self) -> str:
        return "colour 0"


ACTIVE_EXPERIMENTS = [
    ShowPluginsExperiment,
    NumberedExperiment,
    SwitchExperiment,
    SizeExperiment,
    FallbackExperiment,
    CodeExperiment,
]
