"""Holdouts keep units out of many experiments, to measure all of them together."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from abkit.errors import DeclarationError
from abkit.events import HELD_OUT, SHIPPED, Variant
from abkit.experiments.declaring.declared_metrics import check_metrics, check_plan
from abkit.experiments.declaring.share import check_share, share_bound

if TYPE_CHECKING:
    from abkit.experiments.declaring.analysis_plan import AnalysisPlan
    from abkit.experiments.declaring.metrics import Metric


def _listed(values: Any) -> Any:
    return tuple(values) if isinstance(values, Iterable) and not isinstance(values, str) else values


@frozen
class Holdout:
    """A share of the units that no experiment of a group touches, to measure them all together.

    An experiment joins with `holdouts = [Q3]`. The traffic of several holdouts multiplies. Where an
    exposure to an experiment is logged, the unit is also exposed to the holdout, as a unit that is held out
    would be; see docs/howto/measure-what-you-shipped.md.

    Attributes:
        name: The holdout's name, and the salt of its hash unless `salt` is given. No experiment can have
            the same name, because it is what its exposures have as their experiment.
        share: The share of units that is kept out, from 0 to 1. With 0, no unit is exposed to it.
        salt: Set it when the holdout is renamed, so that it keeps its units.
        metrics: What all that is shipped should change.
        plan: How it will be judged; None: as the project says, or by default.
        hypothesis: What is expected to happen, and why.
    """

    name: str = field()
    share: float = field()
    salt: str = field(default="", kw_only=True)
    metrics: "tuple[Metric, ...]" = field(default=(), kw_only=True, converter=_listed)
    plan: "AnalysisPlan | None" = field(default=None, kw_only=True)
    hypothesis: str = field(default="", kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            problem = f"`name` must be a name that is not empty, not {self.name!r}"
            raise DeclarationError("Holdout", problem)
        if not isinstance(self.salt, str):
            raise DeclarationError(self.name, f"`salt` must be a text, not {self.salt!r}")
        check_share(self.name, "share", self.share)
        check_plan(self.name, self.plan, check_metrics(self.name, self.metrics))

    @property
    def prefix(self) -> str:
        """What is hashed before the unit's id."""
        return f"{self.salt or self.name}.holdout."

    @property
    def bound(self) -> int:
        """The first hash that is not kept out."""
        return share_bound(self.share)

    @property
    def weights(self) -> Mapping[Variant, float]:
        """The share of each side, the one that is held out first."""
        return MappingProxyType({HELD_OUT: self.share, SHIPPED: 1 - self.share})
