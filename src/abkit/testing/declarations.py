"""What is known of an experiment that a test names."""

from collections.abc import Iterator

from abkit.errors import DeclarationError, UnknownExperimentError
from abkit.events import Variant
from abkit.experiments.checking.tracing import declaration_with_variants
from abkit.experiments.declaring.declaration import Declaration
from abkit.experiments.declaring.experiment import Experiment, is_experiment
from abkit.experiments.declaring.holdout import Holdout
from abkit.manager import expt_manager


def known_declaration(experiment: str | type) -> Declaration:
    """The declaration of an experiment: of its class, registered or not, or of one of that name.

    Raises:
        UnknownExperimentError: No experiment of that name is registered or defined.
        TypeError: It is neither a name nor the class of an experiment.
    """
    if experiment in expt_manager:
        return expt_manager.declaration(experiment)
    if isinstance(experiment, str):
        defined = {cls.name: cls for cls in _defined(Experiment)}
        if experiment not in defined:
            raise UnknownExperimentError(experiment, {*expt_manager, *defined})
        return defined[experiment].declaration
    if isinstance(experiment, type) and issubclass(experiment, Experiment):
        if is_experiment(experiment):
            return experiment.declaration
        message = f"{experiment.__name__} is a base class, not an experiment"
        raise TypeError(message)
    message = f"an experiment's name or class is needed, not {experiment!r}"
    raise TypeError(message)


def declared_variants(experiment: str | type) -> tuple[Variant, ...]:
    """The variants that an experiment declares, in their order; or else those that its code can give.

    Raises:
        UnknownExperimentError: No experiment of that name is registered or defined.
        TypeError: It is neither a name nor the class of an experiment, or it declares no variants, and
            they cannot be found in its code.
    """
    declaration = known_declaration(experiment)
    if declaration.variants:
        return declaration.variants
    of_name = (cls for cls in _defined(Experiment) if cls.name == declaration.name)
    cls = experiment if isinstance(experiment, type) else next(of_name, Experiment)
    found = declaration_with_variants(cls).variants if issubclass(cls, Experiment) else ()
    if not found:
        message = (
            f"{declaration.name} declares no variants, and its code does not show them here: declare "
            '`variants`, or name them with @pytest.mark.parametrize("variant", [...])'
        )
        raise TypeError(message)
    return found


def exposed_to(
    experiment: str | type | Holdout, variant: Variant | None
) -> tuple[str, Variant | None]:
    """The name and the variant that exposures have to an experiment or a holdout that a test names.

    Args:
        experiment: The class, the holdout, or the name of either.
        variant: As the test has it; None: any.

    Raises:
        UnknownExperimentError: Nothing of that name is registered or defined.
        DeclarationError: It has no such variant.
        TypeError: It is neither a name, nor the class of an experiment, nor a holdout.
    """
    if isinstance(experiment, Holdout):
        return _side(experiment, variant)
    holdouts = {holdout.name: holdout for holdout in _known_holdouts()}
    holdout = holdouts.get(experiment) if isinstance(experiment, str) else None
    if holdout is not None:
        return _side(holdout, variant)
    try:
        declaration = known_declaration(experiment)
    except UnknownExperimentError as error:
        raise UnknownExperimentError(error.name, {*error.known, *holdouts}) from None
    return declaration.name, None if variant is None else declaration.variant_of(variant)


def _side(holdout: Holdout, variant: Variant | None) -> tuple[str, Variant | None]:
    if variant is not None and variant not in holdout.weights:
        known = " and ".join(map(repr, holdout.weights))
        raise DeclarationError(holdout.name, f"has the sides {known}, not {variant!r}")
    return holdout.name, variant


def _known_holdouts() -> Iterator[Holdout]:
    """The holdouts of all experiments that are registered or defined."""
    registered = (expt_manager.declaration(each) for each in expt_manager)
    defined = (cls.declaration for cls in _defined(Experiment))
    for declaration in (*registered, *defined):
        yield from declaration.holdouts


def check_variant(experiment: str | type, variant: object) -> None:
    """Refuse to force what cannot be.

    Raises:
        UnknownExperimentError: No experiment of that name is registered or defined.
        DeclarationError: The experiment has no such variant.
        TypeError: It is neither a name nor the class of an experiment.
    """
    known_declaration(experiment).variant_of(variant)


def _defined(base: type[Experiment]) -> Iterator[type[Experiment]]:
    for cls in base.__subclasses__():
        # A class whose definition failed has none, and is there until it is collected.
        if is_experiment(cls) and "declaration" in vars(cls):
            yield cls
        yield from _defined(cls)
