"""Experiments that touch each other, from exposures to what is said."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from abkit.analysis import AnalysisPlan, Design
from abkit.analysis.findings.experiment_pairs import Touch
from abkit.analysis.interactions import InteractionsAnalysis, InteractionsResult
from abkit.analysis.presentation import figures
from abkit.errors import AnalysisError, UnknownNameError
from abkit.experiments.declaring.experiment import UserExperiment
from abkit.experiments.declaring.layer import Layer
from abkit.experiments.declaring.metrics import Conversion, Quantile, Sum

from .conftest import START
from .locks import write_phases

UNITS = 6_000
Variants = NDArray[np.int64]


def design(name: str, **said: Any) -> Design:
    usual: dict[str, Any] = {"metrics": [Conversion("bought")], "weights": {"0": 1, "1": 1}}
    return Design(name=name, salt=name, control="0", **{**usual, **said})


def drawn(seed: int) -> Variants:
    return np.random.default_rng(seed).integers(0, 2, UNITS)


def exposures(
    variants: Mapping[str, Variants],
    *,
    unit_type: Mapping[str, str] | None = None,
    weights: Mapping[str, Sequence[str | None]] | None = None,
) -> pa.Table:
    """Each unit once in each experiment; -1 is not exposed."""
    columns: dict[str, list[Any]] = {
        name: [] for name in ("experiment", "salt", "unit_type", "unit_id", "variant", "time")
    }
    columns["weights"] = []
    for name, of in variants.items():
        for unit, variant in enumerate(of.tolist()):
            if variant < 0:
                continue
            columns["experiment"].append(name)
            columns["salt"].append(name)
            columns["unit_type"].append((unit_type or {}).get(name, "user"))
            columns["unit_id"].append(f"u{unit}")
            columns["variant"].append(str(variant))
            columns["time"].append(START + timedelta(minutes=unit % 4_000))
            columns["weights"].append((weights or {}).get(name, [None] * UNITS)[unit])
    schema = pa.schema(
        [
            (name, pa.timestamp("us", tz="UTC") if name == "time" else pa.string())
            for name in columns
        ]
    )
    return pa.table(columns, schema=schema)


def actions(bought: NDArray[np.bool_], *, action: str = "bought") -> pa.Table:
    users = [f"u{unit}" for unit in np.flatnonzero(bought)]
    times: list[datetime] = [START + timedelta(days=4)] * len(users)
    return pa.table(
        {
            "action": pa.array([action] * len(users), pa.string()),
            "user_id": pa.array(users, pa.string()),
            "time": pa.array(times, pa.timestamp("us", tz="UTC")),
        }
    )


def bought(rate: NDArray[np.floating[Any]]) -> pa.Table:
    return actions(np.random.default_rng(99).random(UNITS) < rate)


def run(variants: Mapping[str, Variants], **said: Any) -> InteractionsResult:
    made = {name: design(name) for name in variants} | said.pop("designs", {})
    done = said.pop("actions", None)
    return InteractionsAnalysis(
        list(made.values()), exposures=exposures(variants, **said), actions=done
    ).run()


A, B = drawn(1), drawn(2)


def test_two_experiments_that_know_nothing_of_each_other_are_independent() -> None:
    result = run({"A": A, "B": B}, actions=bought(0.1 + 0.02 * A + 0.02 * B))
    pair = result["A", "B"]
    assert pair.touch is Touch.INDEPENDENT
    assert pair.units == UNITS
    assert sum(pair.table.values()) == UNITS
    assert pair.corrected_p is not None
    assert pair.corrected_p > 0.01
    assert [(of.experiment, of.by) for of in pair.effects] == [("A", "B"), ("B", "A")]
    assert (result.independence_tests, result.effect_tests) == (1, 2)
    assert result["B", "A"] is pair


def test_an_effect_that_depends_on_the_other_experiment_is_found_from_both_sides() -> None:
    result = run({"A": A, "B": B}, actions=bought(np.where(A & B, 0.3, 0.1)))
    pair = result["A", "B"]
    assert pair.touch is Touch.INTERACTION
    assert all(of.differs for of in pair.effects)
    (test,) = pair.effects[0].tests
    effects = {of.value: of.difference for of in test.parts}
    assert effects["1"] == pytest.approx(0.2, abs=0.04)
    assert effects["0"] == pytest.approx(0.0, abs=0.04)


def test_the_effect_on_a_quantile_is_tested_too() -> None:
    slower = 20.0 * (A & B)
    times = np.random.default_rng(7).normal(100.0, 5.0, UNITS) + slower
    loads = actions(np.ones(UNITS, bool), action="load").append_column("ms", pa.array(times))
    slow = {"metrics": [Quantile("p90", action="load", property="ms", q=0.9)]}
    designs = {name: design(name, **slow) for name in ("A", "B")}
    pair = run({"A": A, "B": B}, actions=loads, designs=designs)["A", "B"]
    assert pair.touch is Touch.INTERACTION
    (test,) = pair.effects[0].tests
    effects = {of.value: of.difference for of in test.parts}
    assert effects["1"] == pytest.approx(20.0, abs=1.0)
    assert effects["0"] == pytest.approx(0.0, abs=1.0)


def test_variants_that_are_not_independent_are_found() -> None:
    leaking = np.where(drawn(3) & drawn(4), A, B)
    pair = run({"A": A, "B": leaking})["A", "B"]
    assert pair.touch is Touch.DEPENDENT


@pytest.mark.parametrize("teller", ["exposures", "lock"])
def test_a_ramp_of_both_on_one_day_is_no_dependence(
    teller: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    late = np.arange(UNITS) % 4_000 >= 2_000
    random = np.random.default_rng(5)
    one, other = (
        (random.random(UNITS) < np.where(late, 0.5, 0.1)).astype(np.int64) for _ in range(2)
    )
    told = ['{"0": 0.5, "1": 0.5}' if of else '{"0": 0.9, "1": 0.1}' for of in late.tolist()]
    variants = {"A": one, "B": other}
    assert run(variants)["A", "B"].touch is Touch.DEPENDENT
    weights: dict[str, Any] = {"A": told, "B": told}
    if teller == "lock":
        weights = {}
        ramp = [
            (START, {"0": 9, "1": 1}),
            (START + timedelta(minutes=2_000), {"0": 1, "1": 1}),
        ]
        write_phases(tmp_path, ramp, "A", "B")
    found = run(variants, weights=weights, actions=bought(0.1 + 0 * one))
    assert found["A", "B"].touch is Touch.INDEPENDENT


def test_experiments_of_one_layer_exclude_each_other_and_what_they_share_is_said() -> None:
    class First(UserExperiment):
        variants = ["0", "1"]
        layer = Layer("checkout", size=10)
        slots = range(5)

    class Second(UserExperiment):
        variants = ["0", "1"]
        layer = Layer("checkout", size=10)
        slots = range(5, 10)

    half = np.arange(UNITS) < UNITS // 2
    apart = {"First": np.where(half, A, -1), "Second": np.where(half, -1, B)}

    def touch(variants: Mapping[str, Variants]) -> Touch:
        table = exposures(variants)
        salts = pa.array(
            [
                {"First": First, "Second": Second}[name].declaration.salt
                for name in table["experiment"].to_pylist()
            ]
        )
        table = table.set_column(table.schema.get_field_index("salt"), "salt", salts)
        return InteractionsAnalysis([First, Second], exposures=table).run()["First", "Second"].touch

    assert touch(apart) is Touch.EXCLUSIVE
    assert touch({"First": A, "Second": B}) is Touch.OVERLAP


def test_experiments_without_common_units_or_with_few_are_not_tested() -> None:
    half = np.arange(UNITS) < UNITS // 2
    few = np.where(np.arange(UNITS) < UNITS // 2 + 5, B, -1)
    result = run({"A": np.where(half, A, -1), "B": np.where(half, -1, B), "C": few})
    assert result["A", "B"].touch is Touch.APART
    assert result["B", "C"].touch is Touch.FEW
    assert result["B", "C"].corrected_p is None


def test_where_all_have_one_variant_or_nobody_did_it_that_is_said() -> None:
    result = run({"A": 0 * A, "B": B}, actions=bought(0.3 + 0 * A))
    assert result["A", "B"].touch is Touch.FEW
    assert "? share too few units, or too few of their variants, to test" in result.to_text(
        width=None
    )
    result = run({"A": A, "B": B}, actions=bought(np.where(A & B, 0.3, 0)))
    (row,) = (
        line for line in result.to_text(width=None).splitlines() if line.startswith("A and B")
    )
    assert row.split()[-3:] == [figures.NOTHING, figures.NOTHING, "independent"]
    assert "A dash: not tested" in result.to_text(width=None)


def test_experiments_of_other_units_are_no_pair() -> None:
    result = run(
        {"A": A, "B": B, "C": drawn(6)},
        unit_type={"C": "org"},
        designs={"C": design("C", unit_type="org")},
    )
    assert [pair.experiments for pair in result.pairs] == [("A", "B")]
    with pytest.raises(UnknownNameError):
        result["A", "C"]
    assert result.notes == (
        "Experiments that randomize different units are not compared: A, B by user; C by org.",
        "No effects are compared, as there are no actions.",
    )


def test_where_no_two_randomize_the_same_units_that_is_said(tmp_path: Any) -> None:
    designs = {"B": design("B", unit_type="org")}
    result = run({"A": A, "B": B}, unit_type={"B": "org"}, designs=designs)
    shown = (result.to_text(width=None), result.to_html(tmp_path / "page.html").read_text())
    for text in shown:
        assert (
            "There is no pair to compare: all of the experiments randomize different units." in text
        )
        assert "not compared: A by user; B by org." in text
    assert "Matrix" not in shown[1]
    assert "Pairs that share units" not in shown[1]


def test_without_actions_no_effect_is_tested() -> None:
    result = run({"A": A, "B": B})
    assert (result.independence_tests, result.effect_tests) == (1, 0)
    assert result.notes == ("No effects are compared, as there are no actions.",)


def test_units_of_several_variants_are_left_out() -> None:
    table = pa.concat_tables([exposures({"A": A, "B": B}), exposures({"A": 1 - A[:100]})])
    result = InteractionsAnalysis([design("A"), design("B")], exposures=table).run()
    assert result["A", "B"].units == UNITS - 100
    assert [of.in_several for of in result.experiments] == [100, 0]


def test_every_plan_is_judged_by_the_test_that_holds_at_every_look() -> None:
    plan = AnalysisPlan(method="welch", sample_size=1_000_000, cuped=timedelta(days=7))
    designs = {"A": design("A", plan=plan), "B": design("B", plan=AnalysisPlan(segments=["x"]))}
    result = run({"A": A, "B": B}, designs=designs, actions=bought(np.where(A & B, 0.3, 0.1)))
    assert {t.method for of in result["A", "B"].effects for t in of.tests} == {"sequential"}
    assert result["A", "B"].touch is Touch.INTERACTION


def test_what_cannot_be_measured_is_a_note() -> None:
    result = run(
        {"A": A, "B": B},
        designs={
            "A": design("A", metrics=[Sum("bought", property="price")]),
            "B": design("B", metrics=[]),
        },
        actions=bought(0.1 + 0 * A),
    )
    without, note = result.notes
    assert without == "B has no metric, so its effects are not compared."
    assert note.startswith("The effects of A are not compared: ")
    assert result["A", "B"].touch is Touch.INDEPENDENT
    assert [of.metric for of in result.experiments] == ["bought", None]


def test_what_several_experiments_lack_is_said_once() -> None:
    price = [Sum("bought", property="price")]
    designs = {
        **{name: design(name, metrics=price) for name in ("A", "B")},
        **{name: design(name, metrics=[]) for name in ("C", "D")},
    }
    variants = {"A": A, "B": B, "C": drawn(3), "D": drawn(4)}
    without, note = run(variants, designs=designs, actions=bought(0.1 + 0 * A)).notes
    assert without == "C, D have no metrics, so their effects are not compared."
    assert note.startswith("The effects of A, B are not compared: ")


@pytest.mark.parametrize(
    ("names", "says"),
    [(["A"], "there is A"), (["A", "A"], "there is A, A"), ([], "there is none")],
)
def test_two_different_experiments_are_needed(names: list[str], says: str) -> None:
    with pytest.raises(AnalysisError, match=f"two experiments or more, each once; {says}$"):
        InteractionsAnalysis(list(map(design, names)), exposures=exposures({"A": A})).run()


def test_a_result_shows_itself_in_every_form(tmp_path: Any) -> None:
    result = run(
        {"A": A, "<b>": B, "C": np.full(UNITS, -1)}, actions=bought(np.where(A & B, 0.3, 0.1))
    )
    text = result.to_text()
    assert "1 pair of 3 shares units; 1 must be looked at." in text
    assert "The effect of A=1 on bought depends on <b>: " in text
    assert "1 A    EFF   ·" in text
    page = result.to_html(tmp_path / "page.html").read_text()
    assert "The effect of A=1 on bought depends on &lt;b&gt;: " in page
    assert "<b>" not in page.replace("<b>EFF</b>", "").replace("<b>·</b>", "")
    document: Any = result.to_dict()
    assert document["pairs"][0]["touch"] == "interaction"
    assert document["pairs"][0]["effects"][0]["tests"][0]["differs"] is True
    narrow = result.to_text(width=12)
    assert "1 A    EFF" not in narrow
    assert "matrix takes" in " ".join(narrow.split())


def test_a_database_says_the_same(connection: sqlite3.Connection) -> None:
    variants, done = {"A": A, "B": B}, bought(np.where(A & B, 0.3, 0.1))
    for name, table in {"exposures": exposures(variants), "actions": done}.items():
        times = [f"{time:%Y-%m-%d %H:%M:%S}" for time in table["time"].to_pylist()]
        columns = {**table.to_pydict(), "time": times}
        connection.execute(f"create table {name} ({', '.join(columns)})")
        marks = ", ".join("?" * len(columns))
        connection.executemany(
            f"insert into {name} values ({marks})",  # noqa: S608 - our own names
            zip(*columns.values(), strict=True),
        )
    designs = [design("A"), design("B")]
    there = InteractionsAnalysis(
        designs, exposures="exposures", actions="actions", engine=connection
    ).run()
    pair, expected = there["A", "B"], run(variants, actions=done)["A", "B"]
    assert (pair.touch, pair.table) == (expected.touch, expected.table)
    found, wanted = (
        [t.p_value for of in each.effects for t in of.tests] for each in (pair, expected)
    )
    assert found == pytest.approx(wanted)
