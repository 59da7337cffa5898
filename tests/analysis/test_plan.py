"""An analysis is the declared one; what is otherwise is said, wherever the result is shown."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

import abkit.analysis
from abkit import UserExperiment
from abkit.analysis import Analysis, AnalysisPlan, Design, SumsAnalysis, UnitsAnalysis
from abkit.analysis.experiment_sums import ExperimentSums
from abkit.errors import AnalysisError, ArgumentError, ConfigError
from abkit.experiments.checking.lock import read_lock, write_lock
from abkit.experiments.declaring.metrics import Conversion

PLANNED = AnalysisPlan(confidence=0.9, sample_size=4_000)


@pytest.fixture
def data(tables: Any) -> dict[str, Any]:
    exposures, actions = [], []
    for variant, rate in (("a", 5), ("b", 4)):
        for number in range(600):
            unit, hour = f"{variant}{number}", 24 * (number % 5)
            exposures.append({"unit_id": unit, "variant": variant, "hour": hour})
            if number % rate == 0:
                actions.append({"action": "click", "user_id": unit, "hour": hour + 1})
    made: dict[str, Any] = tables(exposures, actions)
    return made


@pytest.fixture
def planned(design: Design) -> Design:
    return evolve(design, plan=PLANNED)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    monkeypatch.chdir(tmp_path)

    def write(text: str) -> None:
        (tmp_path / "pyproject.toml").write_text(text)

    return write


@pytest.mark.parametrize(
    "of", [Analysis, UnitsAnalysis, SumsAnalysis, Analysis.run, ExperimentSums.result]
)
def test_no_more_than_eight_parameters(of: Any) -> None:
    assert len([name for name in signature(of).parameters if name != "self"]) <= 8


def test_the_declared_plan_is_the_analysis(planned: Design, data: dict[str, Any]) -> None:
    result = Analysis(planned, **data).run()
    assert result.plan == PLANNED
    assert result.not_as_planned == ()


def test_what_is_otherwise_is_said(planned: Design, data: dict[str, Any]) -> None:
    plan = AnalysisPlan(confidence=0.95, window=timedelta(days=7), sample_size=None)
    result = Analysis(planned, **data, plan=plan).run(control="b")
    assert result.not_as_planned == (
        "control b instead of a",
        "confidence 0.95 instead of 0.9",
        "no sample size instead of 4,000",
        "window 7 days, which was not planned",
    )


def test_every_output_says_it(planned: Design, data: dict[str, Any], tmp_path: Path) -> None:
    result = Analysis(planned, **data, plan=AnalysisPlan(confidence=0.95)).run()
    said = "confidence 0.95 instead of 0.9"
    assert said in str(result)
    assert f"Not as planned: {said}." in result.to_html(tmp_path / "report.html").read_text()
    assert result.to_dict()["not_as_planned"] == [said]
    assert said in result.to_csv()


def test_without_a_plan_nothing_is_otherwise(design: Design, data: dict[str, Any]) -> None:
    result = Analysis(design, **data, plan=AnalysisPlan(confidence=0.9)).run()
    assert result.not_as_planned == ()


class TestTheProject:
    def test_its_defaults_hold_where_the_experiment_says_nothing(
        self, project: Callable[[str], None], planned: Design, data: dict[str, Any]
    ) -> None:
        project('[tool.abkit.analysis]\nconfidence = 0.8\ncuped = "14d"\nmin_days = 7\n')
        result = Analysis(planned, **data).run()
        assert (result.plan.confidence, result.plan.min_days) == (0.9, 7)
        assert result.plan.cuped == timedelta(days=14)
        other = Analysis(planned, **data, plan=AnalysisPlan(min_days=3)).run()
        assert other.not_as_planned == ("min days 3 instead of 7",)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("confidnce = 0.9", "'confidnce' means nothing there. Did you mean 'confidence'"),
            ("confidence = 90", "confidence must be at least 0.5"),
            ('window = "soon"', "window must be a timedelta"),
            ('cuped = "14 days"', 'A length of time is written "14d", "12h" or "2w" here'),
            ('method = "ttest"', "Did you mean 'welch'"),
            ('exclude = [{name = "x", nonsense = 1}]', r"\[tool.abkit.analysis\]"),
        ],
    )
    def test_what_cannot_be_is_refused_with_its_place(
        self,
        project: Callable[[str], None],
        design: Design,
        data: dict[str, Any],
        text: str,
        message: str,
    ) -> None:
        project(f"[tool.abkit.analysis]\n{text}\n")
        with pytest.raises(ConfigError, match=message):
            Analysis(design, **data).run()

    def test_a_table_takes_what_can_hold_for_it(
        self, project: Callable[[str], None], tmp_path: Path
    ) -> None:
        project('[tool.abkit.analysis]\nmethod = "sequential"\nconfidence = 0.9\ncuped = "14d"\n')
        rows = "v,c\n" + "".join(f"{'ab'[i % 2]},{i % 3 % 2}\n" for i in range(400))
        (tmp_path / "u.csv").write_text(rows)
        result = UnitsAnalysis("u.csv", variant="v", control="a", metrics=Conversion("c")).run()
        assert (result.plan.method, result.plan.confidence) == ("welch", 0.9)


class TestSums:
    def test_they_are_judged_as_the_analysis_would(
        self, planned: Design, data: dict[str, Any]
    ) -> None:
        sums = Analysis(planned, **data).gather()
        for method in ("sequential", "welch", "bayesian"):
            asked = AnalysisPlan(method=method, confidence=0.99)
            there = Analysis(planned, **data, plan=asked).run(control="b")
            here = sums.result(method=method, confidence=0.99, control="b")
            assert here.to_dict() | {"made": None} == there.to_dict() | {"made": None}

    def test_another_method_takes_the_planned_size(
        self, planned: Design, data: dict[str, Any]
    ) -> None:
        sums = Analysis(planned, **data).gather()
        assert sums.result(method="group-sequential").plan.sample_size == 4_000

    def test_as_things_were_at_the_end_of_a_day(
        self, planned: Design, data: dict[str, Any]
    ) -> None:
        sums = Analysis(planned, **data).gather()
        end = sums.measured.looks[2][0]
        here, there = sums.result(until=end), Analysis(planned, **data).run(until=end)
        assert [m.control.moments for m in here.metrics] == [
            m.control.moments for m in there.metrics
        ]
        pairs = zip(here.metrics, there.metrics, strict=True)
        for mine, theirs in pairs:
            assert mine.treatments[0].comparison == theirs.treatments[0].comparison
        assert here.units == there.units
        assert here.frame[1] == end
        assert any(
            warning.startswith(f"As of the end of {end - timedelta(days=1):%Y-%m-%d}, UTC")
            for warning in here.warnings
        )

    def test_units_in_several_variants_need_the_data(
        self, design: Design, data: dict[str, Any]
    ) -> None:
        sums = Analysis(design, **data, plan=AnalysisPlan(several="include")).gather()
        with pytest.raises(
            AnalysisError, match="needs other sums if units count in several variants"
        ):
            sums.result(until=sums.measured.looks[1][0])

    def test_another_moment_is_refused(self, planned: Design, data: dict[str, Any]) -> None:
        sums = Analysis(planned, **data).gather()
        with pytest.raises(AnalysisError, match="until must be the end of a day, from"):
            sums.result(until=datetime(2026, 11, 2, 9, 30, tzinfo=UTC))

    def test_what_needs_other_sums_is_refused(self, planned: Design, data: dict[str, Any]) -> None:
        sums = Analysis(planned, **data).gather()
        with pytest.raises(AnalysisError, match="Another window needs other sums"):
            sums.result(plan=AnalysisPlan(window=timedelta(days=1)))


def test_nothing_is_rolled_out_before_the_planned_days(design: Design, tables: Any) -> None:
    exposures, actions = [], []
    for variant, rate in (("a", 4), ("b", 3)):
        for number in range(2_000):
            unit, hour = f"{variant}{number}", 24 * (number % 5)
            exposures.append({"unit_id": unit, "variant": variant, "hour": hour})
            if number % rate == 0:
                actions.append({"action": "click", "user_id": unit, "hour": hour + 1})
    metrics = (Conversion("clicked", action="click", goal=0.2),)
    data = tables(exposures, actions)
    for days, action in ((None, "roll out"), (3, "roll out"), (14, "continue")):
        plan = AnalysisPlan(min_days=days)
        result = Analysis(evolve(design, metrics=metrics, plan=plan), **data).run()
        assert result.recommendation.action == action
    assert "Wait until 14 days are over (4 are over)" in result.recommendation.reasons[-1]


def test_changes_after_the_start_stand_in_the_result(
    project: Callable[[str], None], tmp_path: Path, data: dict[str, Any], planned: Design
) -> None:
    class Exp(UserExperiment):
        salt = "s"
        variants = ["a", "b"]
        metrics = [Conversion("clicked", action="click", goal=0.2)]

    project("")
    lock = tmp_path / "experiments.lock.json"
    write_lock(lock, [Exp], at=datetime(2024, 2, 1, tzinfo=UTC))
    Exp.declaration = Exp.declaration._replace(
        metrics=(Conversion("clicked", action="click", goal=0.1),)
    )
    write_lock(lock, [Exp], read_lock(lock), at=datetime(2024, 3, 4, 5, tzinfo=UTC))
    result = Analysis(Exp, **data).run()
    said = "the goal of 'clicked' was changed from 0.2 to 0.1 on day 4"
    assert result.amended == (said,)
    assert f"After the start, {said}." in " ".join(str(result).split())
    assert result.to_dict()["amended"] == [said]
    lock.write_text("{}")
    (note,) = [w for w in Analysis(Exp, **data).run().warnings if "is not known" in w]
    assert "is no lock of experiments" in note


def test_former_names_warn(design: Design, data: dict[str, Any]) -> None:
    result = Analysis(design, **data).run()
    with pytest.warns(DeprecationWarning, match=r"settings is now plan"):
        assert result.settings is result.plan
    with pytest.warns(DeprecationWarning, match=r"abkit\.analysis\.Plan is now Design"):
        assert abkit.analysis.Plan is Design
    with pytest.raises(
        ArgumentError, match=r"it is part of the plan: plan=AnalysisPlan\(confidence"
    ):
        Analysis(design, **data, confidence=0.9)  # type: ignore[call-arg]
