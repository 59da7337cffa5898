"""Attributes of an experiment's class that mean nothing, though whoever wrote them meant something."""

from collections.abc import Mapping
from types import FunctionType, MappingProxyType
from typing import Any

from abkit.errors import DeclarationError

_CLOSE = 0.8
"""How alike a misspelt name is, as `difflib` counts it: "varaints" and "variants" are 0.875."""

_ROLLOUT = "is called `rollout` here, a share from 0 to 1"

ELSEWHERE: Mapping[str, str] = MappingProxyType(
    {
        **{
            name: f"belongs to the plan: plan = AnalysisPlan({name}=...)"
            for name in (
                "alternative",
                "confidence",
                "correction",
                "covariates",
                "cuped",
                "looks",
                "method",
                "min_days",
                "sample_size",
                "segments",
            )
        },
        "alpha": "belongs to the plan: plan = AnalysisPlan(confidence=...), one minus alpha",
        "covariate": "belongs to the plan: plan = AnalysisPlan(covariates=[...])",
        "power": "is no part of the class: `abkit power` takes it",
        **dict.fromkeys(
            ("allocation", "percent", "percentage", "traffic", "traffic_allocation"), _ROLLOUT
        ),
        **dict.fromkeys(("active", "is_active"), "is called `enabled` here"),
        **dict.fromkeys(("start_date", "start_time"), "is called `starts` here"),
        **dict.fromkeys(("end_date", "end_time"), "is called `ends` here"),
        **dict.fromkeys(("groups", "arms", "choices"), "is called `variants` here"),
        **dict.fromkeys(("baseline", "control_variant"), "is called `control` here"),
        **dict.fromkeys(
            ("unit", "randomization_unit"), 'is called `unit_type` here, such as "org" or "user"'
        ),
        **dict.fromkeys(("overrides", "allow_list", "whitelist"), "is called `forced` here"),
        **dict.fromkeys(
            ("goal", "goals", "direction", "primary_metric", "guardrails"),
            "belongs to the metrics: metrics = [Conversion(..., goal=0.05, role=...)]",
        ),
        "exclusion_group": "is called `layer` here",
        "default": "is called `control` here, or default_value()",
        **dict.fromkeys(
            ("sticky_bucketing", "stickiness", "persistent"), "is called `sticky` here"
        ),
        "weights": 'belongs to the variants: variants = {"0": 0.9, "1": 0.1}',
    }
)
"""Names that other tools, or other places of abkit, have for something; and what is right here."""

_USED_BY_CODE = frozenset(
    {
        "arms",
        "baseline",
        "choices",
        "default",
        "goal",
        "goals",
        "groups",
        "looks",
        "method",
        "segments",
        "unit",
        "weights",
    }
)
"""Of these, those that a class with an `assign()` of its own may have for that."""


def check_spelling(cls: type[Any], name: str, *, in_code: bool) -> None:
    """Refuse an attribute that is nearly the name of one that means something, or means it elsewhere.

    A name of one's own is no error, nor is one that a base or a mixin has, or that begins with "_".

    Args:
        cls: The class that is being defined.
        name: The experiment's name.
        in_code: Whether it has an `assign()` of its own, which may use attributes of its own.

    Raises:
        DeclarationError: There is such an attribute; the message says what was meant.
    """
    inherited = {each for base in cls.__mro__[1:] for each in vars(base)}
    own = [each for each in vars(cls) if not each.startswith("_") and each not in inherited]
    known = _known(cls)
    for attribute in own:
        if attribute in known:
            continue
        is_used = in_code and attribute in _USED_BY_CODE
        if attribute in ELSEWHERE and not is_used and not _is_a_method(vars(cls)[attribute]):
            raise DeclarationError(name, f"`{attribute}` {ELSEWHERE[attribute]}")
        if is_used:
            continue
        from difflib import get_close_matches  # Who has no names of one's own need not wait for it.

        close = get_close_matches(attribute, known - vars(cls).keys(), n=1, cutoff=_CLOSE)
        if close:
            problem = (
                f"`{attribute}` means nothing: did you mean `{close[0]}`? "
                f"If it is a name of your own, let it begin with an underscore, `_{attribute}`"
            )
            raise DeclarationError(name, problem)


def _known(cls: type[Any]) -> set[str]:
    """The attributes that mean something to abkit."""
    own = [
        base for base in cls.__mro__ if getattr(base, "__module__", "").partition(".")[0] == "abkit"
    ]
    names = {each for base in own for each in vars(base) if not each.startswith("_")}
    return {*names, "name", "salt", "declaration"}  # these three have no value yet


def _is_a_method(value: object) -> bool:
    return isinstance(value, FunctionType | classmethod | staticmethod | property)
