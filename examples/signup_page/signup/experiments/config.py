"""The experiments."""

from abkit import Conversion, VisitorExperiment


class SignupWithGitHub(VisitorExperiment):
    """A button to sign up with GitHub."""

    hypothesis = "A way to sign up without a form raises the sign-up rate."
    variants = {"form": 0.5, "github": 0.5}  # the first one is the control
    metrics = [
        Conversion("signed up", goal=0.05),
        Conversion("invited a colleague", role="secondary"),
    ]


ACTIVE_EXPERIMENTS = [SignupWithGitHub]
