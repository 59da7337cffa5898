"""Bulk assignment is `get`, unit by unit, in a column of the kind that was passed."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit import (
    Conversion,
    DeclarationError,
    Experiment,
    ExperimentManager,
    Holdout,
    Layer,
    OrgExperiment,
    Params,
    Reason,
    UserExperiment,
    WeightedChoice,
    force,
)
from abkit.errors import UnitsError
from abkit.experiments.in_bulk.assign import assign_many, reasons_many

from ..declared import UNIT_IDS, declare, differences, experiments

STRETCH = 1_000
MANY = 2_200
"""More than two stretches."""
IDS = [f"user-{number}" for number in range(MANY)]
AT_1000 = 1_000.0


class Half(UserExperiment):
    variants = {"0": 0.5, "1": 0.5}


class InCode(UserExperiment):
    variants = {"0": 0.5, "1": 0.5}

    def assign(self, params: Params, user: Any) -> bool:
        if str(user.id).endswith("7"):
            return False
        if str(user.id).endswith("3"):
            params.variant = "1"
        else:
            params.variant = WeightedChoice(choices=["0", "1"], weights=[3, 1], unit=user.id)
        return True


class ForEven(UserExperiment):
    variants = {"0": 0.5, "1": 0.5}

    def eligible(self, user: Any) -> bool:
        return int(user.id) % 2 == 0


GATED = declare(
    variants=["a", "b", "c"],
    rollout=0.6,
    holdouts=[Holdout("h1", 0.2), Holdout("h2", 0.1)],
    layer=Layer("l", size=100),
    slots=range(10, 90),
    forced={"c": ["user-7", 8]},
)
EACH_WAY = [Half, InCode, ForEven, GATED, declare(variants=["a", "b"], bucketing="amplitude")]


@pytest.fixture(scope="module", autouse=True)
def short_stretches() -> Iterator[None]:
    """Where a stretch ends is what matters, not after how many units: 65,536 take a second each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("abkit.experiments.in_bulk.assign._STRETCH", STRETCH)
        yield


def one_by_one(
    experiment: type[Experiment], units: Sequence[Any], *, now: float = AT_1000
) -> tuple[list[Any], list[Reason]]:
    """What the manager gives."""
    manager = ExperimentManager(strict=True, clock=lambda: now)
    manager.add(experiment)
    kind = experiment.unit_type
    return (
        [manager.get(experiment, **{kind: unit}) for unit in units],
        [manager.assign(experiment, **{kind: unit}).reason for unit in units],
    )


def in_bulk(
    experiment: type[Experiment], units: Any, *, now: float = AT_1000
) -> tuple[list[Any], list[Reason]]:
    return assign_many(experiment, units, now=now), reasons_many(experiment, units, now=now)


@given(experiments(), st.lists(UNIT_IDS, min_size=1, max_size=60))
def test_each_declared_experiment_gives_what_get_gives(
    experiment: type[Experiment], units: list[str]
) -> None:
    units += experiment.declaration.forced
    assert in_bulk(experiment, units) == one_by_one(experiment, units)


@given(
    st.dictionaries(st.text(min_size=1), st.floats(0.01, 1), min_size=2, max_size=10),
    st.lists(UNIT_IDS, min_size=1, max_size=60),
)
def test_a_mere_split_gives_what_get_gives(weights: dict[str, float], units: list[str]) -> None:
    experiment = declare(variants=weights)
    assert in_bulk(experiment, units) == one_by_one(experiment, units)


@pytest.mark.parametrize("experiment", EACH_WAY)
def test_a_long_list_is_assigned_unit_by_unit(experiment: type[Experiment]) -> None:
    units: list[Any] = [*range(MANY)]
    for found, expected in zip(
        in_bulk(experiment, units), one_by_one(experiment, units), strict=True
    ):
        assert differences(found, expected) == []


@pytest.mark.parametrize("experiment", EACH_WAY)
def test_a_number_is_the_unit_of_its_decimal_text(experiment: type[Experiment]) -> None:
    numbers = [0, 1, 7, 8, 10**12, *range(100, 300)]
    expected = in_bulk(experiment, [*map(str, numbers)])
    assert in_bulk(experiment, numbers) == expected
    assert in_bulk(experiment, [*np.array(numbers)]) == expected


@pytest.mark.parametrize("experiment", EACH_WAY)
def test_units_may_be_objects_with_an_id(experiment: type[Experiment]) -> None:
    units = [SimpleNamespace(id=number) for number in range(300)]
    assert in_bulk(experiment, units) == one_by_one(experiment, units)


def test_any_iterable_gives_a_list() -> None:
    assert assign_many(Half, (f"user-{n}" for n in range(9))) == assign_many(Half, IDS[:9])
    assert (
        assign_many(Half, range(3)) == assign_many(Half, (0, 1, 2)) == assign_many(Half, [0, 1, 2])
    )
    assert assign_many(Half, []) == []


@pytest.fixture(scope="module", params=[Half, GATED], ids=["half", "gated"])
def listed(request: pytest.FixtureRequest) -> tuple[type[Experiment], list[Any], list[Reason]]:
    """An experiment, and what the units get as a list, which is compared with `get` above."""
    return request.param, *in_bulk(request.param, IDS)


def chunked(ids: list[str]) -> Any:
    return pa.chunked_array([ids[:1], [], ids[1:1_700], ids[1_700:]], type=pa.string())


COLUMNS: dict[str, tuple[Callable[[list[str]], Any], Callable[[Any], list[Any]]]] = {
    "numpy": (np.array, lambda found: found.tolist()),
    "numpy objects": (lambda ids: np.array(ids, dtype=object), lambda found: found.tolist()),
    "pandas": (pd.Series, lambda found: found.tolist()),
    "pandas categories": (
        lambda ids: pd.Series(ids, dtype="category"),
        lambda found: found.tolist(),
    ),
    "polars": (pl.Series, lambda found: found.to_list()),
    "arrow": (pa.array, lambda found: found.to_pylist()),
    "arrow, large": (lambda ids: pa.array(ids, pa.large_string()), lambda found: found.to_pylist()),
    "arrow, encoded": (
        lambda ids: pa.array(ids).dictionary_encode(),
        lambda found: found.to_pylist(),
    ),
    "arrow, chunked": (chunked, lambda found: found.to_pylist()),
}
"""Makes the column; and reads the answer."""


@pytest.mark.parametrize("column", COLUMNS)
def test_a_long_column_gets_what_the_list_gets(
    column: str, listed: tuple[type[Experiment], list[Any], list[Reason]]
) -> None:
    experiment, variants, reasons = listed
    make, read = COLUMNS[column]
    units = make(IDS)
    assert len(units) == MANY
    assert differences(read(assign_many(experiment, units)), variants) == []
    assert differences(read(reasons_many(experiment, units)), reasons) == []


def test_a_column_of_whole_numbers_is_read_as_such() -> None:
    expected = assign_many(Half, [*range(500)])
    assert assign_many(Half, np.arange(500, dtype=np.uint16)).tolist() == expected
    assert assign_many(Half, pd.Series(range(500), dtype="Int64")).tolist() == expected
    assert assign_many(Half, pl.Series(range(500), dtype=pl.Int32)).to_list() == expected
    assert assign_many(Half, pa.array(range(500), pa.int16())).to_pylist() == expected


def test_pandas_keeps_the_index_and_frames_get_a_column_by_its_name() -> None:
    frame = pd.DataFrame({"user": ["a", "b", "c"]}, index=[30, 10, 20])
    found = assign_many(declare(param_name="colour"), frame["user"])
    assert [*found.index] == [30, 10, 20]
    assert found.name == "colour"
    assert reasons_many(Half, frame["user"]).name == "reason"
    added = pl.DataFrame({"user": ["a"]}).with_columns(assign_many(Half, pl.Series("user", ["a"])))
    assert added.columns == ["user", "variant"]


def test_arrow_keeps_the_chunks() -> None:
    units = chunked(IDS)
    found = assign_many(Half, units)
    assert [len(chunk) for chunk in found.chunks] == [len(chunk) for chunk in units.chunks]
    assert pa.table({"user": units, "variant": found}).num_rows == MANY


@pytest.mark.parametrize(
    ("variants", "numpy", "pandas", "polars", "arrow"),
    [
        (["a", "bcd"], "<U", pd.Series([""]).dtype, pl.String, pa.string()),
        ([1, -2], "int64", "int64", pl.Int64, pa.int64()),
        ([1, 2.5], "float64", "float64", pl.Float64, pa.float64()),
        ([True, False], "bool", "bool", pl.Boolean, pa.bool_()),
        ([2, "a", True], "object", "object", pl.String, pa.string()),
        ([1, 2**70], "object", "object", pl.String, pa.string()),
    ],
)
def test_variants_keep_their_type_also_where_there_is_no_unit(
    variants: list[Any], numpy: str, pandas: Any, polars: Any, arrow: Any
) -> None:
    experiment = declare(variants=variants)
    for ids in ([f"u{n}" for n in range(40)], []):
        expected = assign_many(experiment, ids)
        texts = [str(v).lower() if v is True else str(v) for v in expected]
        in_arrays = assign_many(experiment, np.array(ids, dtype=object))
        assert str(in_arrays.dtype).startswith(numpy)
        in_pandas = assign_many(experiment, pd.Series(ids, dtype=object))
        assert in_pandas.dtype == pandas
        assert in_arrays.tolist() == in_pandas.tolist() == expected
        in_polars = assign_many(experiment, pl.Series(ids, dtype=pl.String))
        assert in_polars.dtype == polars
        in_arrow = assign_many(experiment, pa.array(ids, pa.string()))
        assert in_arrow.type == arrow
        mixed = numpy == "object"
        assert in_polars.to_list() == in_arrow.to_pylist() == (texts if mixed else expected)


def test_reasons_are_texts_of_reason() -> None:
    found = reasons_many(GATED, IDS[:2000])
    assert {type(reason) for reason in found} == {Reason}
    assert set(found) == {
        Reason.FORCED,
        Reason.EXCLUDED,
        Reason.HOLDOUT,
        Reason.NOT_ENROLLED,
        Reason.ASSIGNED,
    }
    assert reasons_many(GATED, pa.array(IDS[:2000])).to_pylist() == [*map(str, found)]


@pytest.mark.parametrize("experiment", EACH_WAY)
@pytest.mark.parametrize(
    "missing", [None, "", float("nan"), pd.NA, pd.NaT, 42.5, True, b"user", ()]
)
@pytest.mark.parametrize("bulk", [assign_many, reasons_many])
def test_a_unit_without_an_id_is_an_error_that_says_where(
    experiment: type[Experiment], missing: Any, bulk: Callable[..., Any]
) -> None:
    with pytest.raises(UnitsError, match="at position 2 has .* whole number") as caught:
        bulk(experiment, [1, 2, missing, 5])
    assert (caught.value.experiment, caught.value.position) == (experiment.name, 2)


def test_the_position_is_counted_from_the_beginning_of_the_column() -> None:
    with pytest.raises(UnitsError) as caught:
        assign_many(Half, chunked([*IDS[:2_100], "", *IDS]))
    assert caught.value.position == 2_100


@pytest.mark.parametrize(
    "units",
    [
        np.array([float("nan"), 1.0]),
        np.ma.masked_array([3, 1], mask=[True, False]),
        pd.Series([None, "a"]),
        pd.Series([pd.NA, 1], dtype="Int64"),
        pl.Series([None, "a"]),
        pa.array([None, "a"]),
        pa.chunked_array([pa.array([None], pa.string()), pa.array(["a"])]),
    ],
)
def test_a_null_in_a_column_is_an_error_that_says_where(units: Any) -> None:
    with pytest.raises(UnitsError, match="position 0 "):
        assign_many(Half, units)


@pytest.mark.parametrize(
    ("units", "says"),
    [
        (pd.DataFrame({"user": ["a"]}), "is a DataFrame; pass one column"),
        (pl.DataFrame({"user": ["a"]}), "is a DataFrame; pass one column"),
        (pl.LazyFrame({"user": ["a"]}), "is a LazyFrame; pass one column"),
        (pa.table({"user": ["a"]}), "is a Table; pass one column"),
        (np.zeros((2, 2), dtype=int), "has 2 dimensions"),
        ("user-1", "is a str; pass one column of ids, or a list"),
        (7, "is an int, which cannot be iterated"),
    ],
)
def test_what_is_no_column_is_refused(units: Any, says: str) -> None:
    with pytest.raises(UnitsError, match=says) as caught:
        assign_many(Half, units)
    assert caught.value.position is None


@pytest.mark.parametrize(
    ("attributes", "times"),
    [
        ({"enabled": False}, [0.0]),
        ({"winner": "1"}, [0.0]),
        ({"winner": "1", "holdouts": [Holdout("h", 0.3)]}, [0.0]),
        ({"winner": "1", "enabled": False}, [0.0]),
        ({"starts": "1970-01-02"}, [86_399.0, 86_400.0]),
        ({"ends": "1970-01-02"}, [86_399.0, 86_400.0]),
    ],
)
@pytest.mark.parametrize("base", [Half, InCode, GATED])
def test_an_inactive_experiment_is_inactive_for_the_whole_column(
    base: type[Experiment], attributes: dict[str, Any], times: list[float]
) -> None:
    variants = {"0": 1, "1": 3}
    experiment: Any = type("Timed", (base,), {**attributes, "variants": variants, "forced": {}})
    for now in times:
        assert in_bulk(experiment, IDS[:300], now=now) == one_by_one(experiment, IDS[:300], now=now)


def test_without_a_time_it_is_now() -> None:
    year = datetime.now(UTC).year
    running = declare(starts=f"{year - 1}-01-01", ends=f"{year + 2}-01-01")
    assert set(reasons_many(running, IDS[:50])) == {Reason.ASSIGNED}
    assert set(reasons_many(declare(ends=f"{year - 1}-01-01"), IDS[:50])) == {Reason.INACTIVE}


@pytest.mark.parametrize("experiment", EACH_WAY)
def test_what_is_forced_here_is_forced_for_the_column(experiment: type[Experiment]) -> None:
    variant = experiment.declaration.variants[1]
    with force(experiment, variant):
        assert in_bulk(experiment, [1, 2]) == ([variant] * 2, [Reason.FORCED] * 2)
    assert set(reasons_many(experiment, [*range(50)])) != {Reason.FORCED}


def test_a_declaration_under_settings_can_be_given() -> None:
    manager = ExperimentManager(strict=True, settings={"Half": {"rollout": 0.25}})
    manager.add(Half)
    in_force = manager.declaration("Half")
    found = reasons_many(Half, IDS[:2000], declaration=in_force)
    expected = [manager.assign("Half", user=unit).reason for unit in IDS[:2000]]
    assert differences(found, expected) == []
    assert 400 < found.count(Reason.ASSIGNED) < 600
    with pytest.raises(DeclarationError, match="was given the declaration of Half"):
        assign_many(InCode, IDS, declaration=in_force)


@pytest.mark.parametrize("wrong", ["Half", Half.declaration, int, OrgExperiment, Conversion("x")])
def test_only_an_experiment_class_can_be_assigned(wrong: Any) -> None:
    with pytest.raises(DeclarationError, match="takes an Experiment class|is a base class"):
        assign_many(wrong, IDS)


def test_a_default_value_of_ones_own_is_what_the_others_get() -> None:
    class Own(UserExperiment):
        variants = ["a", "b"]
        rollout = 0.5

        def default_value(self) -> str:
            return "none"

    found = in_bulk(Own, IDS[:500])
    assert found == one_by_one(Own, IDS[:500])
    assert set(found[0]) == {"a", "b", "none"}


def test_code_that_fails_says_at_which_unit() -> None:
    class Failing(UserExperiment):
        variants = ["a"]

        def assign(self, params: Params, user: Any) -> None:
            params.variant = "a" if user.id != 70_001 else "oops"

    with pytest.raises(DeclarationError, match="gave 'oops'") as caught:
        assign_many(Failing, range(80_000))
    assert caught.value.__notes__ == ["This is the unit at position 70001 of the column."]
