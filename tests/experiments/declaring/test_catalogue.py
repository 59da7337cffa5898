"""Metrics are declared once, and experiments use them by name."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit import AnalysisPlan, Conversion, DeclarationError, OrgExperiment, Sum, Total
from abkit.experiments.declaring.catalogue import (
    Catalogue,
    resolved,
    unlike_the_catalogue,
    unresolved,
)
from abkit.experiments.declaring.metrics import Metric, Role

SIGNED_UP = Conversion("signed up", goal=0.02)
REVENUE = Sum("revenue", action="purchase", property="price")
CATALOGUE = Catalogue.of([SIGNED_UP, REVENUE], where="METRICS of shop")


def declared(**attributes: Any) -> type[OrgExperiment]:
    return type("Buttons", (OrgExperiment,), {"variants": ["0", "1"], **attributes})


@given(st.lists(st.sampled_from([SIGNED_UP, REVENUE, "signed up", "revenue"]), max_size=4))
def test_a_name_and_its_metric_are_one_declaration(metrics: list[Metric | str]) -> None:
    named = {each if isinstance(each, str) else each.name for each in metrics}
    if len(named) < len(metrics):
        with pytest.raises(DeclarationError, match="two metrics named"):
            declared(metrics=metrics)
        return
    found = resolved(declared(metrics=metrics).declaration, CATALOGUE)
    by_value = [CATALOGUE.metrics[m] if isinstance(m, str) else m for m in metrics]
    assert found == declared(metrics=by_value).declaration
    assert unresolved(found) == ()


def test_until_then_a_name_is_a_name() -> None:
    declaration = declared(metrics=["signed up", REVENUE]).declaration
    assert [metric.name for metric in declaration.metrics] == ["signed up", "revenue"]
    assert unresolved(declaration) == ("signed up",)


def test_a_metric_of_the_catalogue_keeps_its_role() -> None:
    guardrail = Conversion("error shown", direction="decrease", role="guardrail", margin=0.02)
    catalogue = Catalogue.of([guardrail], where="METRICS")
    (metric,) = resolved(declared(metrics=["error shown"]).declaration, catalogue).metrics
    assert metric.role is Role.GUARDRAIL
    assert metric.margin == 0.02


def test_an_unknown_name_is_answered_with_a_close_one() -> None:
    with pytest.raises(DeclarationError) as caught:
        resolved(declared(metrics=["signd up"]).declaration, CATALOGUE)
    assert str(caught.value) == (
        "Buttons: uses the metric 'signd up', which METRICS of shop does not have. Did you mean "
        "'signed up'? It has 'signed up', 'revenue'."
    )


def test_a_plan_is_checked_once_the_metrics_are_known() -> None:
    sideless = Catalogue.of([Conversion("signed up", direction="any")], where="METRICS")
    experiment = declared(metrics=["signed up"], plan=AnalysisPlan(alternative="one-sided"))
    with pytest.raises(DeclarationError, match="signed up has direction='any'"):
        resolved(experiment.declaration, sideless)


@pytest.mark.parametrize(
    ("metrics", "says"),
    [
        ("signed up", "must be a list of metrics"),
        ({"signed up": SIGNED_UP}, "must be a list of metrics"),
        (["signed up"], "must hold metrics"),
        ([SIGNED_UP, Conversion("signed up", goal=0.03)], "'signed up' that differ"),
        (
            [SIGNED_UP, Conversion("signed up", goal=0.02, role="secondary")],
            "'signed up' that differ",
        ),
    ],
)
def test_what_is_no_catalogue_is_refused(metrics: Any, says: str) -> None:
    with pytest.raises(DeclarationError, match=f"METRICS of shop: .*{says}"):
        Catalogue.of(metrics, where="METRICS of shop")


def test_one_metric_may_be_listed_twice() -> None:
    assert len(Catalogue.of([SIGNED_UP, Conversion("signed up", goal=0.02)], where="METRICS")) == 1


def test_only_another_definition_is_unlike_the_catalogue() -> None:
    own_goal = Conversion("signed up", goal=0.5, role="secondary")
    assert unlike_the_catalogue(declared(metrics=[own_goal]).declaration, CATALOGUE) == ()
    (said,) = unlike_the_catalogue(
        declared(metrics=[SIGNED_UP, Total("revenue")]).declaration, CATALOGUE
    )
    assert said.startswith("Buttons: defines 'revenue' otherwise than METRICS of shop: Total(")
