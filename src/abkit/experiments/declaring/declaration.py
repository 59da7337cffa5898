"""What an experiment's class declares, as one frozen value."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from abkit.errors import DeclarationError
from abkit.events import Variant, variant_text

if TYPE_CHECKING:
    from abkit.experiments.declaring.analysis_plan import AnalysisPlan
    from abkit.experiments.declaring.holdout import Holdout
    from abkit.experiments.declaring.layer import Layer
    from abkit.experiments.declaring.metrics import Metric


class Bucketing(StrEnum):
    """How a unit is hashed into a variant."""

    PLANOUT = "planout"
    AMPLITUDE = "amplitude"


class Declaration(NamedTuple):
    """All that a class declares; the runtime, the analysis and the front end read it.

    Attributes:
        name: What it is called in code, events and reports.
        salt: What its hashes begin with; a new salt randomizes anew.
        unit_type: What is randomized, such as "org".
        param_name: The parameter that is the variant.
        weights: The variants in their order, each with its weight; empty if only `assign()` knows.
        control: The variant that the others are compared with; None if only `default_value()` knows.
        bucketing: How a unit is hashed.
        rollout: The share of units that is enrolled, from 0 to 1.
        starts: When it begins, in seconds since the epoch; None if it always did.
        ends: When it is over; None if it never is.
        enabled: Whether it runs at all.
        winner: What everybody gets once it is concluded; None while it runs.
        forced: The variant of each unit of the allow-list, by unit id.
        layer: The layer that it shares with other experiments.
        slots: Its slots in that layer.
        holdouts: The holdouts that keep units out of it.
        metrics: What success means. Metrics that are used by name are names until a catalogue is read.
        hypothesis: What is expected to happen, and why.
        owner: Whom to ask.
        plan: How it will be judged; None: as the project says, or by default.
        sticky: Whether a unit keeps the variant that it was exposed to, whatever is declared later.
        frozen: Whether nobody new is enrolled: only units that keep a variant take part.
    """

    name: str
    salt: str
    unit_type: str
    param_name: str
    weights: Mapping[Variant, float]
    control: Variant | None
    bucketing: Bucketing
    rollout: float
    starts: float | None
    ends: float | None
    enabled: bool
    winner: Variant | None
    forced: Mapping[str, Variant]
    layer: "Layer | None"
    slots: range | frozenset[int]
    holdouts: "tuple[Holdout, ...]"
    metrics: "tuple[Metric, ...]"
    hypothesis: str
    owner: str
    sticky: bool = False
    frozen: bool = False
    plan: "AnalysisPlan | None" = None

    @property
    def variants(self) -> tuple[Variant, ...]:
        """The declared variants, in their order."""
        return tuple(self.weights)

    def __repr__(self) -> str:
        told = (f"{name}={value!r}" for name, value in self._asdict().items() if name != "slots")
        return f"Declaration({', '.join(told)})"

    def variant_of(self, value: object) -> Variant:
        """The declared variant that a value or its text means: 1 and "1" are the same one.

        Texts come from the command line, settings, URLs and tests; "true" and "True" are both True.

        Raises:
            DeclarationError: It is none of the declared variants.
        """
        if not self.weights:
            return self._like_the_control(value)
        text = variant_text(value)
        for variant in self.weights:
            if variant_text(variant) == text:
                return variant
        for variant in self.weights:
            if isinstance(variant, bool) and variant_text(variant) == text.lower():
                return variant
        raise DeclarationError(
            self.name, f"has the variants {', '.join(map(repr, self.weights))}, not {value!r}"
        )

    def _like_the_control(self, value: object) -> Variant:
        """Where only code knows the variants: a text means what the control is, a bool or a number."""
        if not isinstance(value, str | int | float):
            raise DeclarationError(self.name, f"a variant must be text or a number, not {value!r}")
        if not isinstance(value, str) or isinstance(self.control, str | None):
            return value
        try:
            if isinstance(self.control, bool):
                return {"true": True, "false": False}[value.lower()]
            return type(self.control)(value)
        except (KeyError, ValueError):
            kind = type(self.control).__name__
            problem = f"has the control {self.control!r}; {value!r} is no {kind} as that is"
            raise DeclarationError(self.name, problem) from None
