"""Every number of the peers' own test suites, by abkit's public functions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations_with_replacement
from math import exp, inf, isfinite, log, sqrt
from typing import Any, TypeAlias

import attrs
import numpy as np
import pytest

from abkit.analysis.aggregates import Moments, Sums
from abkit.analysis.estimands import Covariates
from abkit.analysis.inference import anytime_t, lift_methods, student
from abkit.analysis.inference.binomial import exact_binomial, normal_binomial
from abkit.analysis.inference.comparison import Interval
from abkit.analysis.inference.cuped import adjust, weights
from abkit.analysis.inference.group_sequential import boundaries, nominal_alphas, power_family
from abkit.analysis.inference.lift_methods import Lift, Means
from abkit.analysis.inference.power import Plan, conversion_plan, sample_size
from abkit.analysis.inference.proportion_sequence import (
    concentration_for_sample_size,
    proportion_sequence,
)
from abkit.analysis.inference.ratio import ratio_covariance
from abkit.analysis.inference.sequential import (
    half_width,
    log_likelihood_ratio,
    tau_for_sample_size,
)
from abkit.analysis.inference.srm import chi_square
from abkit.analysis.inference.two_proportions import (
    Proportion,
    agresti_caffo_difference,
    katz_ratio,
    newcombe_difference,
    score_ratio,
    wald_difference,
)
from abkit.analysis.inference.variance import MeanVariances, separate
from abkit.analysis.inference.welch import degrees_of_freedom, welch

Found: TypeAlias = Mapping[str, Any]
Matrix: TypeAlias = Sequence[Sequence[float]]


def moments(arm: Mapping[str, Any]) -> Moments:
    if "sum_squares" in arm:
        return Moments.from_sums(arm["n"], arm["sum"], arm["sum_squares"])
    return Moments.from_successes(arm["n"], arm["sum"])


def arms(inputs: Mapping[str, Any]) -> tuple[Moments, Moments]:
    return moments(inputs["control"]), moments(inputs["treatment"])


def means(control: Moments, treatment: Moments) -> Means:
    variances = separate(control, treatment)
    return Means(
        control=control.mean,
        treatment=treatment.mean,
        variances=variances,
        freedom=degrees_of_freedom(variances, control.n, treatment.n),
    )


def of_logarithms(control: Moments, treatment: Moments) -> Means:
    """With the degrees of freedom that tea-tasting counts for the logarithm of the ratio."""
    own = separate(control, treatment)
    relative = MeanVariances(own.control / control.mean**2, own.treatment / treatment.mean**2)
    freedom = degrees_of_freedom(relative, control.n, treatment.n)
    return attrs.evolve(means(control, treatment), freedom=freedom)


def ends(interval: Interval) -> list[float]:
    return [interval.low, interval.high]


def lift_and_interval(found: Lift) -> Found:
    return {
        "lift": found.lift,
        "se": found.standard_error,
        "ci_lower": found.interval.low,
        "ci_upper": found.interval.high,
        "p": found.p_value,
    }


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


def relative_delta_gbstats(inputs: Mapping[str, Any]) -> Found:
    return lift_and_interval(lift_methods.linear_delta(means(*arms(inputs))))


def ratio_delta_relative_gbstats(inputs: Mapping[str, Any]) -> Found:
    """The numbers are artificial: the variance of x is below 0, which moments would refuse."""
    found = []
    for arm in (inputs["control"], inputs["treatment"]):
        n = arm["n"]
        (y, y_squares), (x, x_squares) = arm["y"], arm["x"]
        shared = (arm["xy"] - x * y / n) / (n - 1)
        covariances = (
            ((y_squares - y * y / n) / (n - 1), shared),
            (shared, (x_squares - x * x / n) / (n - 1)),
        )
        centre = y / n, x / n
        found.append((y / x, ratio_covariance(centre, centre, covariances=covariances) / n))
    (control, its_variance), (treatment, others) = found
    variances = MeanVariances(its_variance, others)
    freedom = degrees_of_freedom(variances, inputs["control"]["n"], inputs["treatment"]["n"])
    return lift_and_interval(
        lift_methods.linear_delta(
            Means(control=control, treatment=treatment, variances=variances, freedom=freedom)
        )
    )


def cuped_relative_gbstats(inputs: Mapping[str, Any]) -> Found:
    """The lift is over the control's mean before the adjustment."""
    control, treatment = (
        Sums(
            arm["n"],
            (0.0, 0.0),
            (arm["post"][0], arm["pre"][0]),
            {(0, 0): arm["post"][1], (0, 1): arm["post_pre"], (1, 1): arm["pre"][1]},
        )
        for arm in (inputs["control"], inputs["treatment"])
    )
    _, everyone = metric_and_covariate(control + treatment)
    theta = weights(everyone)
    plain, before = metric_and_covariate(control)
    changed, after = metric_and_covariate(treatment)
    adjusted = [
        adjust(metric, covariate, theta=theta, overall=everyone.means)
        for metric, covariate in ((plain, before), (changed, after))
    ]
    covariance = (plain.variance - theta[0] * before.with_metric[0]) / plain.n
    return lift_and_interval(
        lift_methods.adjusted_linear_delta(
            means(*adjusted), plain=means(plain, changed), covariance=covariance
        )
    )


def sequential_asympcs_relative_gbstats(inputs: Mapping[str, Any]) -> Found:
    control, treatment = arms(inputs)
    found = lift_methods.linear_delta(means(control, treatment))
    variance, units = found.standard_error**2, control.n + treatment.n
    tau = tau_for_sample_size(
        variance, units=units, sample_size=inputs["tuning"], alpha=inputs["alpha"]
    )
    reach = half_width(variance, tau=tau, alpha=inputs["alpha"])
    ratio = log_likelihood_ratio(found.lift, variance=variance, tau=tau)
    return {
        "lift": found.lift,
        "se": found.standard_error,
        "ci_lower": found.lift - reach,
        "ci_upper": found.lift + reach,
        "p": min(1.0, exp(-ratio)),
    }


def cuped_ratio_less_normal_teatasting(inputs: Mapping[str, Any]) -> Found:
    """Theta is linearized around the ratios of all units, the variance around those of the arm."""
    columns = ["orders", "sessions", "orders_covariate", "sessions_covariate"]
    both = [sums(inputs[arm], columns) for arm in ("control", "treatment")]
    _, everyone = orders_per_session(both[0] + both[1])
    (theta,) = weights(everyone)
    adjusted = [
        adjust(metric, covariate, theta=(theta,), overall=everyone.means)
        for metric, covariate in map(orders_per_session, both)
    ]
    variances = separate(*adjusted)
    control, treatment = (arm.mean for arm in adjusted)
    error = sqrt(variances.difference)
    statistic = (treatment - control) / error
    normal = Means(control=control, treatment=treatment, variances=variances)
    relative = lift_methods.log_ratio(normal, alternative="less")
    interval = student.interval(
        treatment - control, standard_error=error, freedom=inf, alternative="less"
    )
    return {
        "control": control,
        "treatment": treatment,
        "diff": treatment - control,
        "ci_lower": interval.low,
        "ci_upper": interval.high,
        "rel_lift": relative.lift,
        "rel_ci_upper": relative.interval.high,
        "p": student.p_value(statistic, freedom=inf, alternative="less"),
        "statistic": statistic,
    }


def orders_per_session(units: Sums) -> tuple[Moments, Covariates]:
    """The ratio, and the same ratio before the experiment, around the ratios of these units."""
    after, before = (units.mean(0), units.mean(1)), (units.mean(2), units.mean(3))

    def between(first: tuple[int, int], second: tuple[int, int]) -> float:
        (y, x), (y_2, x_2) = first, second
        return ratio_covariance(
            (units.mean(y), units.mean(x)),
            (units.mean(y_2), units.mean(x_2)),
            covariances=(
                (units.covariance(y, y_2), units.covariance(y, x_2)),
                (units.covariance(x, y_2), units.covariance(x, x_2)),
            ),
        )

    covariate = Covariates(
        means=(before[0] / before[1],),
        with_metric=(between((0, 1), (2, 3)),),
        among=((between((2, 3), (2, 3)),),),
    )
    return Moments(units.n, after[0] / after[1], between((0, 1), (0, 1))), covariate


def cuped_revenue_docs_teatasting(inputs: Mapping[str, Any]) -> Found:
    columns = ["revenue", "revenue_covariate"]
    both = [sums(inputs[arm], columns) for arm in ("control", "treatment")]
    _, everyone = metric_and_covariate(both[0] + both[1])
    theta = weights(everyone)
    adjusted = [
        adjust(metric, covariate, theta=theta, overall=everyone.means)
        for metric, covariate in map(metric_and_covariate, both)
    ]
    found, relative = welch(*adjusted), lift_methods.log_ratio(of_logarithms(*adjusted))
    return {
        "control": found.control.mean,
        "treatment": found.treatment.mean,
        "diff": found.difference,
        "ci_lower": found.interval.low,
        "ci_upper": found.interval.high,
        "rel_lift": relative.lift,
        "rel_ci_lower": relative.interval.low,
        "rel_ci_upper": relative.interval.high,
        "p": found.p_value,
        "statistic": found.details["statistic"],
    }


def srm_small_teatasting(inputs: Mapping[str, Any]) -> Found:
    control, treatment = inputs["control"], inputs["treatment"]
    total, share = control + treatment, inputs["expected_share"][1]
    return {
        "p_binom": exact_binomial(treatment, total, share=share),
        "p_norm_corrected": normal_binomial(treatment, total, share=share),
        "p_chi2": chi_square([control, treatment], inputs["expected_share"]),
    }


def welch_control_minus_test_spotify(inputs: Mapping[str, Any]) -> Found:
    found = welch(*arms(inputs))
    relative = lift_methods.known_control(means(*arms(inputs)))
    return {
        "diff": found.difference,
        "ci_lower": found.interval.low,
        "ci_upper": found.interval.high,
        "rel_lift": relative.lift,
        "rel_ci_lower": relative.interval.low,
        "rel_ci_upper": relative.interval.high,
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
    plan = Plan(continuous["mde_abs"], continuous["variance"], continuous["variance"])
    rates = conversion_plan(binary["p0"], change=binary["mde_abs"] / binary["p0"])
    return {
        "n_total_continuous": sample_size(plan, power=0.85),
        "n_total_binary": sample_size(rates, power=0.85),
    }


def anytime_t_regression_savvi(inputs: Mapping[str, Any]) -> Found:
    """savvi takes one degree of freedom less than the residuals have: here 3 columns count as 4."""
    random = np.random.RandomState(1)
    x, z = random.normal(size=5000), random.binomial(1, 1 / 2, size=5000)
    y = 1 + 0.32 * x + 0.16 * z + random.normal(size=5000)
    rows = np.stack([np.ones(5000), x, z, y], axis=1)
    products = (rows[:, :, None] * rows[:, None, :]).cumsum(axis=0)
    looks, units = [], []
    for n in range(5, 1001):
        found = anytime_t.coefficient(products[n - 1].tolist(), units=n, of=2)
        assert found is not None
        theirs = attrs.evolve(found, freedom=found.freedom - 1)
        looks.append(anytime_t.anytime_t(theirs, phi=inputs["phi"], alpha=inputs["alpha"]))
        units.append(n)
    so_far = anytime_t.running(looks)
    stop = next(at for at, look in enumerate(so_far) if look.p_value <= inputs["alpha"])
    return {
        "stop_n": units[stop],
        "p": so_far[stop].p_value,
        "ci_lower": so_far[stop].interval.low,
        "ci_upper": so_far[stop].interval.high,
    }


def anytime_t_avlm_readme(inputs: Mapping[str, Any]) -> Found:
    found = []
    for row in inputs["rows"]:
        look = anytime_t.anytime_t(
            anytime_t.Coefficient(
                estimate=row["est"],
                standard_error=row["se"],
                freedom=inputs["n"] - inputs["p_coefs"],
                information=(inputs["sigma"] / row["se"]) ** 2,
            ),
            phi=inputs["phi"],
            alpha=inputs["alpha"],
        )
        found.append(
            {
                "p": look.p_value,
                "log10_p": log(look.p_value) / log(10),
                "ci_lower": look.interval.low,
                "ci_upper": look.interval.high,
            }
        )
    return {"rows": found}


def bernoulli_cs_confseq(inputs: Mapping[str, Any]) -> Found:
    def interval(successes: int, trials: int, optimal: int) -> list[float]:
        concentration = concentration_for_sample_size(optimal)
        return ends(
            proportion_sequence(
                successes, trials, concentration=concentration, alpha=inputs["alpha"]
            )
        )

    low, high = interval(inputs["successes"], inputs["trials"], inputs["t_opt"])
    more = [interval(*case) for case in inputs["more"]]
    return {"ci_lower": low, "ci_upper": high, "more": more}


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


def two_proportions_r_propcis(inputs: Mapping[str, Any]) -> Found:
    control, treatment = Proportion(*inputs["control"]), Proportion(*inputs["treatment"])
    methods = {
        "wald_diff": wald_difference,
        "agresti_caffo_diff": agresti_caffo_difference,
        "newcombe_diff": newcombe_difference,
        "score_ratio": score_ratio,
        "katz_log_ratio": katz_ratio,
    }
    alpha = inputs["alpha"]
    return {name: ends(of(control, treatment, alpha=alpha)) for name, of in methods.items()}


CASES: dict[str, Callable[[Mapping[str, Any]], Found]] = {
    "welch_absolute_gbstats": welch_absolute_gbstats,
    "welch_relative_delta_gbstats": relative_delta_gbstats,
    "proportion_relative_delta_gbstats": relative_delta_gbstats,
    "ratio_delta_relative_gbstats": ratio_delta_relative_gbstats,
    "cuped_relative_gbstats": cuped_relative_gbstats,
    "sequential_asympcs_relative_gbstats": sequential_asympcs_relative_gbstats,
    "cuped_ratio_less_normal_teatasting": cuped_ratio_less_normal_teatasting,
    "cuped_revenue_docs_teatasting": cuped_revenue_docs_teatasting,
    "srm_small_teatasting": srm_small_teatasting,
    "welch_control_minus_test_spotify": welch_control_minus_test_spotify,
    "group_sequential_alpha_spotify": group_sequential_alpha_spotify,
    "sample_size_gpower_spotify": sample_size_gpower_spotify,
    "anytime_t_regression_savvi": anytime_t_regression_savvi,
    "anytime_t_avlm_readme": anytime_t_avlm_readme,
    "bernoulli_cs_confseq": bernoulli_cs_confseq,
    "welch_R_small": welch_r_small,
    "two_proportions_R_PropCIs": two_proportions_r_propcis,
}


@pytest.mark.parametrize("name", CASES)
def test_every_expected_number_is_found(name: str, vectors: Mapping[str, Any]) -> None:
    """Each leaf of `expected` is looked up, so a number that is not computed is a failure."""
    case = vectors[name]
    found = CASES[name](case["inputs"])
    leaves = list(numbers(case["expected"]))
    assert leaves
    for path, expected in leaves:
        allowed = tolerance(path, case["tolerance"])
        assert at(found, path) == pytest.approx(expected, abs=allowed["abs"], rel=allowed["rel"]), (
            path
        )


APPROXIMATE = {
    "group_sequential_alpha_spotify": "an integration by steps of its own",
    "sample_size_gpower_spotify": "the larger variance for both arms",
    "anytime_t_regression_savvi": "recursive least squares, from a ridge of 1e-6",
    "anytime_t_avlm_readme": "the printed t, which has four digits",
}
"""What the peer's own program computes otherwise, in digits that its test does not ask for."""


@pytest.mark.parametrize("name", sorted(CASES.keys() - APPROXIMATE))
def test_the_peers_program_gives_the_same_to_nine_digits(
    name: str, vectors: Mapping[str, Any]
) -> None:
    """The tests of the peers round; what their programs compute was noted beside."""
    case = vectors[name]
    found = CASES[name](case["inputs"])
    for path, exact in numbers(case["verified"]["values"]):
        if isfinite(exact):
            assert at(found, path) == pytest.approx(exact, rel=1e-9), path


def test_no_case_is_forgotten(vectors: Mapping[str, Any]) -> None:
    assert set(vectors) == set(CASES)


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
