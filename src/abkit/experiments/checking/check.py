"""What is wrong with a set of experiments that each is right by itself, and what is only to be known."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import combinations
from typing import Any

from abkit.errors import AbkitError, DeclarationError
from abkit.experiments.checking.tracing import declaration_with_variants, draws_in_code, traced
from abkit.experiments.deciding.apart import check_apart
from abkit.experiments.deciding.catalogues import declaration_with_metrics
from abkit.experiments.deciding.hooks import Asked
from abkit.experiments.deciding.settings import apply
from abkit.experiments.declaring.catalogue import Catalogue, unlike_the_catalogue
from abkit.experiments.declaring.declaration import Declaration
from abkit.experiments.declaring.experiment import (
    Experiment,
    decides_in_code,
    declares,
    is_experiment,
)


def problems(experiments: Iterable[Any]) -> tuple[str, ...]:
    """What must be put right before these experiments run together.

    Args:
        experiments: What stands in ACTIVE_EXPERIMENTS.
    """
    found: list[str] = []
    declarations: list[Declaration] = []
    for experiment in experiments:
        if not (isinstance(experiment, type) and issubclass(experiment, Experiment)):
            found.append(f"ACTIVE_EXPERIMENTS has {experiment!r}, which is no Experiment class")
        elif not is_experiment(experiment):
            found.append(f"{experiment.__name__}: is a base class, not an experiment")
        else:
            declarations.append(experiment.declaration)
            found += _of_names(experiment)
            found += _of_metrics(experiment)
            found += _of_code(experiment)
    found += _of_pairs(declarations)
    found += _of_holdouts(declarations)
    return tuple(found)


def notices(experiments: Iterable[Any], *, now: float) -> tuple[str, ...]:
    """What is to be known of these experiments, though nothing needs to be put right before they run.

    Args:
        experiments: What stands in ACTIVE_EXPERIMENTS.
        now: Seconds since the epoch: what was right yesterday may be over today.
    """
    found: list[str] = []
    for experiment in experiments:
        if declares(experiment):
            found += _of_time(experiment.declaration, now)
            found += _of_dry_run(experiment)
            found += _of_calls(experiment)
    return tuple(found)


def notices_of_metrics(experiments: Iterable[Any], catalogue: Catalogue | None) -> tuple[str, ...]:
    """Which experiments define a metric otherwise than the catalogue of the project has it.

    Args:
        experiments: What stands in ACTIVE_EXPERIMENTS.
        catalogue: The metrics of the project; None: it has no such list.
    """
    if catalogue is None:
        return ()
    return tuple(
        sentence
        for experiment in experiments
        if declares(experiment)
        for sentence in unlike_the_catalogue(experiment.declaration, catalogue)
    )


def settings_problems(
    experiments: Sequence[type[Experiment]], settings: Mapping[str, Mapping[str, Any]]
) -> tuple[str, ...]:
    """What is wrong with the settings of these experiments."""
    found: list[str] = []
    by_name = {each.name: declaration_with_variants(each) for each in experiments}
    for name, keys in settings.items():
        if name not in by_name:
            found.append(f"the settings name {name}, which is not active")
            continue
        try:
            apply(by_name[name], keys)
        except DeclarationError as error:
            found.append(f"the settings of {error}")
    return tuple(found)


def _of_time(declaration: Declaration, now: float) -> Iterator[str]:
    if declaration.ends is not None and declaration.ends <= now and declaration.winner is None:
        ended = datetime.fromtimestamp(declaration.ends, UTC).date()
        yield (
            f"{declaration.name}: ended on {ended} and is still active, so that everybody gets the "
            "default value; remove it, declare its winner, or move `ends`"
        )


def _of_names(experiment: type[Experiment]) -> Iterator[str]:
    """An `assign()` that does not take the unit."""
    unit_type = experiment.unit_type
    for hook, asked in _asked(experiment):
        strange = asked.strange_to(unit_type)
        if hook == "assign" and len(strange) > 1 and not asked.takes(unit_type):
            yield (
                f"{experiment.name}: assign() asks for {' and '.join(strange)}, and no call can tell which "
                f"of them is the {unit_type} that is randomized; call that argument `{unit_type}`"
            )


def _of_metrics(experiment: type[Experiment]) -> Iterator[str]:
    """Metrics that are used by name, and which no catalogue has."""
    try:
        declaration_with_metrics(experiment)
    except AbkitError as error:
        yield str(error)


def _of_calls(experiment: type[Experiment]) -> Iterator[str]:
    """What calls must pass besides the organization and the user, and what no call can mend."""
    unit_type = experiment.unit_type
    for hook, asked in _asked(experiment):
        strange = asked.strange_to(unit_type)
        if hook == "assign" and not (
            strange or asked.takes(unit_type) or experiment.own_randomization
        ):
            yield (
                f"{experiment.name}: assign() does not ask for the {unit_type} that is randomized, so that "
                f"it can only draw by something else; let it ask for `{unit_type}`, and draw by its id"
            )
        if strange and (hook == "eligible" or asked.takes(unit_type)):
            passed = ", ".join(f"{name}=" for name in (unit_type, *strange))
            yield (
                f"{experiment.name}: {hook}() asks for {' and '.join(strange)}, so that only calls with "
                f"{passed} can serve it; give the argument a default where calls may lack it"
            )


def _asked(experiment: type[Experiment]) -> Iterator[tuple[str, Asked]]:
    """The hooks of its own, and whom each asks for."""
    for hook, behind in (("assign", 2), ("eligible", 1)):
        function = getattr(experiment, hook)
        if function is not getattr(Experiment, hook):
            yield hook, Asked.by(function, behind=behind)


def _of_code(experiment: type[Experiment]) -> Iterator[str]:
    """What only shows when the code of an `assign()` is run."""
    found = traced(experiment)
    if found is None:
        if decides_in_code(experiment) and not experiment.declaration.variants:
            yield (
                f"{experiment.name}: it cannot be found out which variants assign() gives; declare "
                'them, variants = ["0", "1"]: the front end and the analysis need them'
            )
    elif not (found.randomizes or experiment.own_randomization or draws_in_code(experiment)):
        yield (
            f"{experiment.name}: no random operator decides in assign(), so that all units are forced "
            "and none is exposed; write one into params, or declare own_randomization = True"
        )


def _of_dry_run(experiment: type[Experiment]) -> Iterator[str]:
    """Code that draws, and did not."""
    found = traced(experiment)
    if found is not None and not found.randomizes and draws_in_code(experiment):
        yield (
            f"{experiment.name}: assign() has a random operator and did not come to it in a dry run, as "
            "where a setting for tests decides; declare its `variants`, which the code does not show then"
        )


def _of_pairs(declarations: Sequence[Declaration]) -> Iterator[str]:
    for one, other in combinations(declarations, 2):
        if one.name == other.name:
            yield f"{one.name}: is the name of two experiments"
        elif one.salt == other.salt and one.unit_type == other.unit_type:
            yield (
                f"{one.name} and {other.name}: have one salt, {one.salt!r}, so that their variants "
                "depend on each other; give one of them another salt"
            )
        try:
            check_apart(other, one)
        except DeclarationError as error:
            yield str(error)


def _of_holdouts(declarations: Sequence[Declaration]) -> Iterator[str]:
    """Two holdouts of one salt keep the same units out, so neither is compared with a mix of all others."""
    declared = {holdout.name: holdout for each in declarations for holdout in each.holdouts}
    for one, other in combinations(declared.values(), 2):
        if one.prefix == other.prefix:
            yield (
                f"the holdouts {one.name} and {other.name}: have one salt, {one.salt or one.name!r}, so that "
                "the units of one are also in the other; give one of them another salt"
            )


def sticky_problems(experiments: Iterable[type[Experiment]], *, where: str) -> tuple[str, ...]:
    """What is wrong with sticky experiments if there is no sticky store.

    Args:
        experiments: The active ones.
        where: Where a store is to be named, in words.
    """
    return tuple(
        f"{experiment.name}: is sticky, and there is no sticky store, so that no unit keeps its variant; "
        f"name one {where}, or declare sticky = False"
        for experiment in experiments
        if experiment.declaration.sticky
    )
