"""The experiments; Django finds them here."""

from abkit import OrgExperiment, UserExperiment


class ShowPlugins(OrgExperiment):
    variants = ["0", "1"]
    evaluated: list[object] = []

    def assign(self, params, org, actor):  # type: ignore[no-untyped-def]
        """As declared, but it remembers that it was asked."""
        self.evaluated.append(org.id)
        super().assign(params, org=org)


class Buttons(UserExperiment):
    variants = ["old", "new"]


class Ramping(OrgExperiment):
    """Nobody takes part yet."""

    variants = ["0", "1"]
    rollout = 0.0


class Chosen(OrgExperiment):
    """An organization is on the allow-list."""

    variants = ["0", "1"]
    forced = {"1": ["42"]}


ACTIVE_EXPERIMENTS = [ShowPlugins, Buttons, Ramping, Chosen]
