"""The experiments."""

from django.conf import settings
from planout.ops.random import WeightedChoice

from abkit import Conversion, OrgExperiment

WEIGHT_VARIANT = 0.5


class ShowPluginsExperiment(OrgExperiment):
    """Show plugins in the Integration Directory."""

    hypothesis = "Showing plugins raises the click-through rate of integration links."
    variants = {"0": 1 - WEIGHT_VARIANT, "1": WEIGHT_VARIANT}  # the first one is the control
    metrics = [Conversion("integration link clicked", direction="increase", goal=0.02)]

    def default_value(self):
        """Whoever takes no part sees no plugins."""
        return "0"

    def assign(self, params, org, actor):  # noqa: ARG002 - whoever acts, the organization decides
        """Our own organization sees the plugins; of all others, each sees what chance gives it."""
        if settings.IS_TEST or org.slug == "acme":
            params.variant = "1"
        else:
            params.variant = WeightedChoice(
                choices=["0", "1"], weights=[1 - WEIGHT_VARIANT, WEIGHT_VARIANT], unit=org.id
            )


ACTIVE_EXPERIMENTS = [ShowPluginsExperiment]
