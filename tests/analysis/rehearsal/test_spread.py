"""Which units a metric's variance is made of."""

import numpy as np
import pytest
from numpy.typing import NDArray

from abkit.analysis.query.layout import Layout
from abkit.analysis.rehearsal.history import History
from abkit.analysis.rehearsal.splits import sums_of_all
from abkit.analysis.rehearsal.spread import gains, top_share
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.metrics import Conversion, Metric, Ratio, Sum, Total

PAID = Sum("paid", property="price")
PLAN = AnalysisPlan(method="welch")
UNITS = 5_000


def history(metric: Metric, *columns: NDArray[np.float64]) -> History:
    layout = Layout.of_events([metric], cuped=True)
    values = np.zeros((UNITS, layout.size))
    values[:, : len(columns)] = np.column_stack(columns)
    nothing = np.zeros(UNITS)
    return History(
        layout=layout,
        hashes=nothing.astype(np.uint64),
        days=nothing.astype(np.int64),
        values=values,
        before=14,
    )


def test_one_unit_that_pays_all_is_all_of_the_variance() -> None:
    paid = np.ones(UNITS)
    paid[7] = 1e6
    of = history(PAID, paid)
    share = top_share(of, of.layout.estimands[0], sums_of_all(of))
    assert share == pytest.approx(1, abs=1e-3)
    found = gains(of, of.layout.estimands[0], sums_of_all(of), plan=PLAN)
    assert found.winsorizing is None  # nothing would be left that varies
    assert found.cuped is None  # nobody did anything before


def test_units_that_pay_alike_share_the_variance() -> None:
    of = history(PAID, np.random.default_rng(1).normal(10, 1, UNITS))
    share = top_share(of, of.layout.estimands[0], sums_of_all(of))
    assert share == pytest.approx(0.012, abs=0.004)  # of the 0.1% furthest away of a normal
    found = gains(of, of.layout.estimands[0], sums_of_all(of), plan=PLAN)
    assert found.winsorizing == pytest.approx(0.02, abs=0.02)


def test_a_unit_dominates_a_ratio_by_what_is_left_of_it() -> None:
    ratio = Ratio("per visit", numerator=Total("buy"), denominator=Total("visit"))
    visits: NDArray[np.float64] = np.ones(UNITS, np.float64)
    visits[7] = 1_000
    as_others, other = (
        np.random.default_rng(2).integers(0, 2, UNITS).astype(np.float64),
        np.zeros(UNITS),
    )
    as_others[7], other[7] = 500, 1_000
    alike, apart = (
        top_share(of, of.layout.estimands[0], sums_of_all(of))
        for of in (history(ratio, as_others, visits), history(ratio, other, visits))
    )
    assert alike is not None
    assert apart is not None
    assert alike < 0.2 < 0.9 < apart


def test_of_what_is_0_or_1_no_unit_is_far_away() -> None:
    of = history(Conversion("buy"), np.tile([0.0, 1.0], UNITS // 2))
    assert top_share(of, of.layout.estimands[0], sums_of_all(of)) is None
