"""How the units of an experiment are split, as far as that can be done without running its code. Pure."""

from collections.abc import Mapping

from attrs import field, frozen

from abkit.analysis.declared.design import Design
from abkit.analysis.declared.design_weights import designed_weights, is_in_code
from abkit.analysis.rehearsal.splits import Cut
from abkit.assignment.weights import weight_ends
from abkit.errors import AnalysisError
from abkit.events import variant_text
from abkit.experiments.deciding.decision import split_of
from abkit.experiments.declaring.declaration import Bucketing, Declaration
from abkit.experiments.declaring.experiment import Experiment

_OTHERS = range(2, 6)
"""Salts are proposed that end with these numbers."""


@frozen(kw_only=True)
class Drawing:
    """How the units are split.

    Attributes:
        cut: Their arms.
        prefix: What is hashed before a unit's id.
        salt: The experiment's own, if the hash itself gives what the experiment gives; else None.
        others: By another salt that could be declared, what is hashed then.
        note: What a reader must know of that; empty: nothing.
    """

    cut: Cut
    prefix: str
    salt: str | None = None
    others: Mapping[str, str] = field(factory=dict)
    note: str = ""

    @classmethod
    def of(cls, experiment: type[Experiment], design: Design) -> "Drawing":
        """As the experiment splits; where its code or another hash does, with the same weights.

        Raises:
            AnalysisError: Nobody knows with which weights its code draws.
        """
        declaration = experiment.declaration
        if is_in_code(experiment):
            return cls._of_code(declaration, designed_weights(experiment, design))
        split = split_of(declaration)
        variants = tuple(map(variant_text, split.choices))
        if declaration.bucketing is Bucketing.PLANOUT:
            salts = [f"{declaration.salt}-{number}" for number in _OTHERS]
            return cls(
                cut=Cut(variants=variants, bounds=split.bounds),
                prefix=split.prefix,
                salt=declaration.salt,
                others={of: split_of(declaration._replace(salt=of)).prefix for of in salts},
            )
        cut = Cut(variants=variants, bounds=weight_ends(split.weights))
        note = "The experiment hashes with murmur3: here, SHA-1 splits the units with the same weights."
        return cls(cut=cut, prefix=split.prefix, note=note)

    @classmethod
    def _of_code(cls, declaration: Declaration, weights: Mapping[str, float]) -> "Drawing":
        if len(weights) < 2:
            message = (
                f"{declaration.name} decides in its assign(), which draws with no one set of weights that "
                "could be found out: declare them, such as variants = {'a': 0.5, 'b': 0.5}, and the units "
                "are split with these"
            )
            raise AnalysisError(message)
        cut = Cut(variants=tuple(weights), bounds=weight_ends(tuple(weights.values())))
        note = (
            "Its assign() decides in code, which is not run: the units are split with the weights that it "
            "draws with, and nobody is forced or left out."
        )
        prefix = f"{declaration.salt}.{declaration.param_name}."
        return cls(cut=cut, prefix=prefix, note=note)
