"""Whether those who converted are split as the units are."""

import numpy as np
import pytest
from scipy.special import betaln, logsumexp

from abkit.analysis.inference.conversions import CONCENTRATIONS, split_of_conversions
from abkit.errors import AnalysisError


def test_one_rate_is_no_evidence_and_none_beside_many_is() -> None:
    def p_value(control: int, treatment: int) -> float:
        return split_of_conversions(control, treatment, control_units=1_000, treatment_units=1_000)

    assert p_value(0, 0) == 1.0
    assert p_value(20, 20) == 1.0
    assert p_value(0, 12) == p_value(12, 0)
    assert p_value(5, 0) > 0.05 > p_value(12, 0) > 0.001
    assert p_value(30, 0) < 1e-6


def test_of_few_conversions_it_is_the_mixture_of_beta_binomials() -> None:
    a = np.array(CONCENTRATIONS) * 0.25
    b = np.array(CONCENTRATIONS) * 0.75
    logs = betaln(a + 9, b + 3) - betaln(a, b) - 9 * np.log(0.25) - 3 * np.log(0.75)
    expected = np.exp(-(logsumexp(logs) - np.log(len(CONCENTRATIONS))))
    found = split_of_conversions(3, 9, control_units=300, treatment_units=100)
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("rate", [0.001, 0.02, 0.5])
@pytest.mark.parametrize("share", [0.5, 0.1])
def test_the_level_holds_at_every_look(rate: float, share: float) -> None:
    """3,000 experiments of 100 looks, in arrays; 5% and 1% are accepted, a quarter of these is found."""
    random, runs, looks = np.random.default_rng(3), 3_000, 100
    new = random.binomial(200, share, (runs, looks))
    units = 200.0 * np.arange(1, looks + 1)
    treated = new.cumsum(axis=1) / units
    treatment = random.binomial(new, rate).cumsum(axis=1)
    control = random.binomial(200 - new, rate).cumsum(axis=1)
    logs = []
    for many in CONCENTRATIONS:
        a, b = many * treated, many * (1 - treated)
        likelihood = treatment * np.log(treated) + control * np.log1p(-treated)
        logs.append(betaln(a + treatment, b + control) - betaln(a, b) - likelihood)
    evidence = np.max(logsumexp(logs, axis=0), axis=1) - np.log(len(CONCENTRATIONS))
    assert (evidence >= np.log(20)).mean() <= 0.05
    assert (evidence >= np.log(100)).mean() <= 0.01


@pytest.mark.parametrize("units", [(10, 0), (10, 4)])
def test_conversions_without_units_are_refused(units: tuple[int, int]) -> None:
    with pytest.raises(AnalysisError, match="no more conversions than these"):
        split_of_conversions(1, 5, control_units=units[0], treatment_units=units[1])
