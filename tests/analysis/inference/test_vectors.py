"""Every number of the peers' own test suites, by abkit's public functions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations_with_replacement
from math import exp, isfinite, sqrt
from typing import Any, TypeAlias

import numpy as np
import pytest

from abkit.analysis.inference.cuped import adjust, weights
from abkit.analysis.inference.group_sequential import boundaries, nominal_alphas, power_family
from abkit.analysis.inference.power import Effect, conversion_effect, sample_size
from abkit.analysis.inference.sequential import (
    half_width,
    log_likelihood_ratio,
    tau_for_sample_size,
)
from abkit.analysis.inference.srm import chi_square
from abkit.analysis.inference.variance import separate
from abkit.analysis.inference.welch import welch
from abkit.analysis.statistics.aggregates import Moments, Sums
from abkit.analysis.statistics.estimands import Covariates

Found: TypeAlias = Mapping[str, Any]
Matrix: TypeAlias = Sequence[Sequence[float]]


def moments(arm: Mapping[str, Any]) -> Moments:
    if "sum_squares" in arm:
        return Moments.from_sums(arm["n"], arm["sum"], arm["sum_squares"])
    return Moments.from_successes(arm["n"], arm["sum"])


def arms(inputs: Mapping[str, Any]) -> tuple[Moments, Moments]:
    return moments(inputs["control"]), moments(inputs["treatment"])


def sums(arm: Mapping[str, Any], columns: Sequence[str]) -> Sums:
    """Of one arm of tea-tasting, which tells means, variances and covariances."""
    n, mean = arm["n"], [arm["mean"][column] for column in columns]

    def covariance(one: str, other: str) -> float:
        if one == other:
            return float(arm["var"][one])
        pairs: dict[str, float] = arm["cov"]
        pair = f"{one},{other}"
        return pairs[pair if pair in pairs else f"{other},{one}"]

    places = combinations_with_replacement(range(len(columns)), 2)
    products = {
        (i, j): (n - 1) * covariance(columns[i], columns[j]) + n * mean[i] * mean[j]
        for i, j in places
    }
    return Sums(n, (0.0,) * len(columns), tuple(n * each for each in mean), products)


def metric_and_covariate(units: Sums) -> tuple[Moments, Covariates]:
    """Of the two measures of some units."""
    metric = Moments(units.n, units.mean(0), units.covariance(0, 0))
    covariate = Covariates(
        means=(units.mean(1),),
        with_metric=(units.covariance(0, 1),),
        among=((units.covariance(1, 1),),),
    )
    return metric, covariate


def welch_absolute_gbstats(inputs: Mapping[str, Any]) -> Found:
    found = welch(*arms(inputs))
    return {
        "diff": found.difference,
        "se": found.details["standard_error"],
        "ci_lower": found.interval.low,
        "ci_upper": found.interval.high,
        "p": found.p_value,
    }


def sequential_asympcs_relative_gbstats(inputs: Mapping[str, Any]) -> Found:
    """The lift by the linear delta method, as GrowthBook has it; the rest is the mixture's."""
    control, treatment = arms(inputs)
    own, mean = separate(control, treatment), control.mean
    lift = treatment.mean / mean - 1
    variance = own.treatment / mean**2 + own.control * treatment.mean**2 / mean**4
    tau = tau_for_sample_size(
        variance,
        units=control.n + treatment.n,
        sample_size=inputs["tuning"],
        alpha=inputs["alpha"],
    )
    reach = half_width(variance, tau=tau, alpha=inputs["alpha"])
    ratio = log_likelihood_ratio(lift, variance=variance, tau=tau)
    return {
        "lift": lift,
        "se": sqrt(variance),
        "ci_lower": lift - reach,
        "ci_upper": lift + reach,
        "p": min(1.0, exp(-ratio)),
    }


def cuped_revenue_docs_teatasting(inputs: Mapping[str, Any]) -> Found:
    columns = ["revenue", "revenue_covariate"]
    both = [sums(inputs[arm], columns) for arm in ("control", "treatment")]
    _, everyone = metric_and_covariate(both[0] + both[1])
    theta = weights(everyone)
    adjusted = [
        adjust(metric, covariate, theta=theta, overall=everyone.means)
        for metric, covariate in map(metric_and_covariate, both)
    ]
    found = welch(*adjusted)
    return {
        "control": found.control.mean,
        "treatment": found.treatment.mean,
        "diff": found.difference,
        "ci_lower": found.interval.low,
        "ci_upper": found.interval.high,
        "p": found.p_value,
        "statistic": found.details["statistic"],
    }


def srm_small_teatasting(inputs: Mapping[str, Any]) -> Found:
    control, treatment = inputs["control"], inputs["treatment"]
    return {"p_chi2": chi_square([control, treatment], inputs["expected_share"])}


def welch_control_minus_test_spotify(inputs: Mapping[str, Any]) -> Found:
    found = welch(*arms(inputs))
    return {
        "diff": found.difference,
        "ci_lower": found.interval.low,
        "ci_upper": found.interval.high,
        "p": found.p_value,
    }


def group_sequential_alpha_spotify(inputs: Mapping[str, Any]) -> Found:
    spending = power_family(inputs["rho"])
    bounds = boundaries(
        inputs["t"], alpha=inputs["alpha"], spending=spending, sides=inputs["sides"]
    )
    return {"adjusted_alpha": nominal_alphas(bounds)}


def sample_size_gpower_spotify(inputs: Mapping[str, Any]) -> Found:
    continuous, binary = inputs["continuous"], inputs["binary"]
    effect = Effect(continuous["mde_abs"], continuous["variance"], continuous["variance"])
    rates = conversion_effect(binary["p0"], change=binary["mde_abs"] / binary["p0"])
    return {
        "n_total_continuous": sample_size(effect, power=0.85),
        "n_total_binary": sample_size(rates, power=0.85),
    }


def welch_r_small(inputs: Mapping[str, Any]) -> Found:
    def test(both: Mapping[str, Any]) -> dict[str, Any]:
        control, treatment = (
            Moments(len(values), float(np.mean(values)), float(np.var(values, ddof=1)))
            for values in (both["control"], both["treatment"])
        )
        found = welch(control, treatment)
        return {
            "p": found.p_value,
            "statistic": found.details["statistic"],
            "statistic_abs": abs(found.details["statistic"]),
            "df": found.details["degrees_of_freedom"],
            "ci_lower": found.interval.low,
            "ci_upper": found.interval.high,
        }

    return {**test(inputs), "second": test(inputs["second"])}


CASES: dict[str, Callable[[Mapping[str, Any]], Found]] = {
    "welch_absolute_gbstats": welch_absolute_gbstats,
    "sequential_asympcs_relative_gbstats": sequential_asympcs_relative_gbstats,
    "cuped_revenue_docs_teatasting": cuped_revenue_docs_teatasting,
    "srm_small_teatasting": srm_small_teatasting,
    "welch_control_minus_test_spotify": welch_control_minus_test_spotify,
    "group_sequential_alpha_spotify": group_sequential_alpha_spotify,
    "sample_size_gpower_spotify": sample_size_gpower_spotify,
    "welch_R_small": welch_r_small,
}

LINEAR = "the lift by the linear delta method: abkit inverts the test of the difference (Fieller)"
LOGARITHM = (
    "the lift on the logarithm of the ratio: abkit inverts the test of the difference (Fieller)"
)
OTHER_METHODS = {
    "welch_relative_delta_gbstats": LINEAR,
    "proportion_relative_delta_gbstats": LINEAR,
    "ratio_delta_relative_gbstats": LINEAR,
    "cuped_relative_gbstats": LINEAR,
    "cuped_ratio_less_normal_teatasting": LOGARITHM,
    "anytime_t_regression_savvi": "the coefficient of a regression: abkit compares means",
    "anytime_t_avlm_readme": "the coefficient of a regression: abkit compares means",
    "bernoulli_cs_confseq": "the interval of one proportion: abkit compares two",
    "two_proportions_R_PropCIs": "intervals for a few units: abkit compares from a hundred in each arm",
}
"""The cases that abkit computes otherwise, and why."""

OTHER_NUMBERS = {
    "cuped_revenue_docs_teatasting": {
        "rel_lift": LOGARITHM,
        "rel_ci_lower": LOGARITHM,
        "rel_ci_upper": LOGARITHM,
    },
    "welch_control_minus_test_spotify": dict.fromkeys(
        ("rel_lift", "rel_ci_lower", "rel_ci_upper"),
        "the control's mean is taken as known: abkit's lift has the uncertainty of both means",
    ),
    "srm_small_teatasting": dict.fromkeys(
        ("p_binom", "p_norm_corrected"), "the binomial test: abkit takes Pearson's for one look"
    ),
}
"""The same for some numbers of a case."""


@pytest.mark.parametrize("name", CASES)
def test_every_expected_number_is_found(name: str, vectors: Mapping[str, Any]) -> None:
    """Each leaf of `expected` is looked up, so a number that is not computed is a failure."""
    case = vectors[name]
    found = CASES[name](case["inputs"])
    leaves = own(name, case["expected"])
    assert leaves
    for path, expected in leaves:
        allowed = tolerance(path, case["tolerance"])
        assert at(found, path) == pytest.approx(expected, abs=allowed["abs"], rel=allowed["rel"]), (
            path
        )


APPROXIMATE = {
    "group_sequential_alpha_spotify": "an integration by steps of its own",
    "sample_size_gpower_spotify": "the larger variance for both arms",
}
"""What the peer's own program computes otherwise, in digits that its test does not ask for."""


@pytest.mark.parametrize("name", sorted(CASES.keys() - APPROXIMATE))
def test_the_peers_program_gives_the_same_to_nine_digits(
    name: str, vectors: Mapping[str, Any]
) -> None:
    """The tests of the peers round; what their programs compute was noted beside."""
    case = vectors[name]
    found = CASES[name](case["inputs"])
    for path, exact in own(name, case["verified"]["values"]):
        if isfinite(exact):
            assert at(found, path) == pytest.approx(exact, rel=1e-9), path


def test_no_case_is_forgotten(vectors: Mapping[str, Any]) -> None:
    assert set(vectors) == CASES.keys() | OTHER_METHODS.keys()


def own(name: str, expected: Any) -> list[tuple[tuple[Any, ...], float]]:
    """The numbers of a case that abkit's own methods compute."""
    others = OTHER_NUMBERS.get(name, {})
    return [(path, number) for path, number in numbers(expected) if path[0] not in others]


def numbers(expected: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], float]]:
    """Each number of a tree, with the way to it."""
    if isinstance(expected, Mapping):
        branches: Any = expected.items()
    elif isinstance(expected, list):
        branches = enumerate(expected)
    else:
        yield path, float(expected)
        return
    for key, branch in branches:
        yield from numbers(branch, (*path, key))


def at(found: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        found = found[key]
    return found


def tolerance(path: tuple[Any, ...], allowed: Mapping[str, float]) -> dict[str, float]:
    """What a case allows for one of its numbers: "newcombe_abs" and "abs_p" before "abs".

    What it does not allow is not given: without `abs`, a small number could be off by 1e-12.
    """
    name = next(str(key) for key in reversed(path) if isinstance(key, str))
    own = {
        kind: value
        for key, value in allowed.items()
        for kind in ("abs", "rel")
        if kind in (parts := key.split("_"))
        and (topic := "_".join(part for part in parts if part != kind))
        and (name == topic or name.startswith(topic + "_"))
    }
    general = {kind: allowed[kind] for kind in ("abs", "rel") if kind in allowed}
    chosen = own or general
    assert chosen, f"no tolerance for {name}"
    return {"abs": 0.0, "rel": 0.0} | chosen
