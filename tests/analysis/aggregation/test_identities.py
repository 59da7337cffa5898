"""Whose an action is that names no unit, and which visitors are one unit."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abkit.analysis import Analysis, AnalysisPlan, Design, Table
from abkit.analysis.aggregation.exposures import find_exposed_units
from abkit.analysis.aggregation.identities import find_links
from abkit.analysis.aggregation.measures import measure_events
from abkit.analysis.aggregation.session import QuerySession, silent
from abkit.analysis.engines.base import integer
from abkit.analysis.engines.choose import opened
from abkit.analysis.presentation.report import render
from abkit.analysis.query.events import EventQueries
from abkit.analysis.query.layout import Layout
from abkit.analysis.query.units import UnitQueries
from abkit.analysis.reading.sources import table
from abkit.analysis.result import Result
from abkit.errors import AnalysisError, EmptyDataError, MissingColumnError, TooFewVariantsError
from abkit.experiments.declaring.analysis_words import Several
from abkit.experiments.declaring.exclusion import Exclusion
from abkit.experiments.declaring.metrics import Total

from .identified import COLUMNS, Expected, Log, expected, frames, in_sqlite

SECOND = 1_000_000

VISITORS = st.sampled_from(["v0", "v1", "v2", "v3"])
USERS = st.sampled_from([f"u{number}" for number in range(13)])
ORGS = st.sampled_from(["o0", "o1"])
IDS = {"visitor": VISITORS, "user": USERS, "org": ORGS, "team": st.sampled_from(["t0", "t1"])}
TIMES = st.integers(0, 9)
EVERYBODY = [({"user": f"u{number}"}, 8) for number in range(13)] + [({"visitor": "v0"}, 8)]
"""So that each link that there should not be is one action too many."""


def identities(one: str, other: str, *, at_most: int) -> Any:
    """Identities of two types, in either order."""

    def turned(pair: tuple[str, str, bool, int | None]) -> Any:
        first, second = (one, pair[0]), (other, pair[1])
        return (*second, *first, pair[3]) if pair[2] else (*first, *second, pair[3])

    pairs = st.tuples(IDS[one], IDS[other], st.booleans(), st.none() | TIMES)
    return st.lists(pairs.map(turned), max_size=at_most)


def crowds() -> st.SearchStrategy[list[Any]]:
    """The users of a visitor that is a shared computer now and then."""
    order = st.permutations([f"u{number}" for number in range(13)])
    return st.tuples(order, st.sampled_from([0, 9, 10, 11, 13])).map(
        lambda crowd: [
            ("visitor", "v0", "user", user, place // 2)
            for place, user in enumerate(crowd[0][: crowd[1]])
        ]
    )


def logs(unit_type: str) -> st.SearchStrategy[Log]:
    incomplete = [
        (None, "v0", "user", "u0", 1),
        ("user", "u0", "user", "u1", 1),
        ("visitor", "", "user", "u0", 0),
    ]
    subjects = st.fixed_dictionaries({}, optional=IDS)
    return st.builds(
        lambda exposures, actions, *found: Log(
            exposures, [*actions, *EVERYBODY], sum(found, incomplete)
        ),
        st.lists(st.tuples(IDS[unit_type], st.sampled_from("ab"), TIMES), min_size=1, max_size=9),
        st.lists(st.tuples(subjects, TIMES), max_size=9),
        crowds(),
        identities("visitor", "user", at_most=6),
        identities("user", "org", at_most=3),
        identities("visitor", "org", at_most=2),
        identities("team", "org", at_most=2),
    )


def measured(
    tables: Mapping[str, Any], unit_type: str, several: str, engine: object = None
) -> Expected:
    """The first exposure and the number of actions, by unit and variant, as an engine finds them."""
    design = design_of(unit_type)
    with opened(engine) as where:
        session = QuerySession(where, progress=silent, steps=9)
        links = find_links(session, unit_type, table(tables["identities"]))
        who = UnitQueries(design=design, several=Several(several))
        find_exposed_units(session, who, table(tables["exposures"]), length=SECOND, links=links)
        what = EventQueries(
            layout=Layout.of_events(design.metrics, cuped=False),
            unit_type=unit_type,
            in_several=several == "include",
        )
        actions = table(tables["actions"])
        measure_events(session, what, actions, segments=(), new_units=None, links=links)
        rows = session.rows(
            "each unit",
            "select unit_id, variant, first_exposure, m0 from measured join units using (unit_id, variant)",
        )
    return {
        (str(row["unit_id"]), str(row["variant"])): (
            integer(row, "first_exposure") // SECOND,
            integer(row, "m0"),
        )
        for row in rows
    }


CASES = st.sampled_from(["visitor", "user", "org"]).flatmap(
    lambda unit_type: st.tuples(
        st.just(unit_type), st.sampled_from(["exclude", "first", "include"]), logs(unit_type)
    )
)


@settings(max_examples=30)
@given(CASES)
def test_units_and_their_actions_are_those_of_the_rules(case: tuple[str, str, Log]) -> None:
    unit_type, several, log = case
    found = measured(frames(log.rows(unit_type)), unit_type, several)
    assert found == expected(log, unit_type, several)


@settings(max_examples=10)
@given(CASES)
def test_in_sqlite_too(case: tuple[str, str, Log]) -> None:
    unit_type, several, log = case
    with closing(sqlite3.connect(":memory:")) as connection:
        tables = in_sqlite(connection, log.rows(unit_type))
        found = measured(tables, unit_type, several, connection)
    assert found == expected(log, unit_type, several)


LINK = ("visitor", "v1", "user", "u1", 5)


def design_of(unit_type: str = "visitor") -> Design:
    return Design(name="Exp", salt="s", unit_type=unit_type, control="a", metrics=[Total("buy")])


def run(
    identities: Sequence[Any] | None,
    *,
    exposures: Sequence[tuple[str, str, int]] = (("v1", "a", 1), ("v2", "b", 1), ("v3", "b", 2)),
    actions: Sequence[Any] = (({"user": "u1"}, 3),),
    unit_type: str = "visitor",
    several: str = "exclude",
    exclude: Sequence[Exclusion] = (),
) -> Result:
    """The analysis of a small log."""
    rows = Log(exposures, actions, identities or ()).rows(unit_type)
    tables = frames(rows)
    if identities is None:
        del tables["identities"]
    plan = AnalysisPlan(several=several, exclude=exclude)
    return Analysis(design_of(unit_type), **tables, plan=plan).run()


def totals(result: Result) -> list[float]:
    """How many actions count, of the control and of the treatment."""
    (found,) = result.metrics
    arms = [found.control, *(treatment.arm for treatment in found.treatments)]
    return [round(arm.moments.mean * arm.moments.n) for arm in arms]


def test_without_identities_an_action_of_a_user_is_no_visitors_which_is_said() -> None:
    result = run(None)
    assert totals(result) == [0, 0]
    assert any("No action reaches a visitor" in warning for warning in result.warnings)
    assert result.identities is None
    assert "Identities" not in result.to_text()
    assert "identit" not in "".join(result.queries.values())


def test_two_devices_are_one_unit_and_what_became_of_them_is_said() -> None:
    result = run(
        [LINK, ("user", "u1", "visitor", "v0", 6)],
        exposures=(("v0", "a", 4), ("v1", "a", 1), ("v2", "b", 1)),
    )
    assert result.units == 2
    assert totals(result) == [1, 0]
    found = result.identities
    assert found is not None
    assert (found.read, found.linking, found.merged, found.people) == (2, 2, 2, 1)
    said = (
        "2 identities read; all of them link somebody to a visitor. 2 visitors count as 1 unit, as several "
        "belong to one user."
    )
    assert said in result.to_text(width=None)
    assert said in render(result)
    exported = result.to_dict()["exposures"]
    assert isinstance(exported, dict)
    assert exported["identities"]["merged"] == 2


@pytest.mark.parametrize(
    ("several", "units"), [("exclude", [1, 1]), ("first", [2, 1]), ("include", [2, 2])]
)
def test_two_devices_in_two_variants_are_a_unit_in_several(several: str, units: list[int]) -> None:
    pairs = [LINK, ("visitor", "v2", "user", "u1", 5)]
    exposures = (("v1", "a", 1), ("v2", "b", 2), ("v3", "b", 1), ("v4", "a", 1))
    result = run(pairs, exposures=exposures, several=several)
    assert [count.units for count in result.counts] == units
    assert result.in_several == 1
    assert any(
        "1 unit saw several variants because one person has several visitors" in warning
        for warning in result.warnings
    )


@pytest.mark.parametrize("visitor", ["v1", "v2"])
def test_a_tester_is_left_out_by_the_id_of_any_device(visitor: str) -> None:
    result = run(
        [LINK, ("visitor", "v2", "user", "u1", 5)],
        exposures=(("v1", "a", 1), ("v2", "b", 2), ("v3", "b", 1), ("v4", "a", 1)),
        exclude=[Exclusion(name="testers", units=[visitor])],
    )
    assert (result.units, dict(result.exclusions)) == (2, {"testers": 1})
    assert result.identities is not None
    assert (result.identities.merged, result.identities.in_several) == (0, 0)
    assert not any("several" in warning for warning in result.warnings)


def test_two_devices_of_the_only_person_are_nothing_to_compare_which_is_said() -> None:
    pairs = [LINK, ("visitor", "v2", "user", "u1", 5)]
    with pytest.raises(
        TooFewVariantsError,
        match="1 unit is left out as it saw several variants, and there are no",
    ):
        run(pairs, exposures=[("v1", "a", 1), ("v2", "b", 2)])


def test_people_with_two_devices_are_not_those_of_whom_a_cause_is_to_be_found() -> None:
    result = run(
        [LINK, ("visitor", "v2", "user", "u1", 5)],
        exposures=(
            *(("v1", "a", 1), ("v2", "b", 2)),
            *(("v3", "b", 1), ("v3", "a", 2)),
            *(("v4", "a", 1), ("v5", "b", 1)),
        ),
    )
    (said,) = (
        warning for warning in result.warnings if "Find out" in warning or "find out" in warning
    )
    assert said.startswith("2 of 4 units (50.0%) were exposed to several variants; ")
    assert said.endswith(
        "1 of these is a person with several visitors: find out why the others change their variant."
    )


def test_a_shared_computer_links_its_first_users_and_the_others_are_counted() -> None:
    pairs = [("visitor", "v1", "user", f"u{number:02}", number) for number in range(13)]
    actions = [({"user": f"u{number:02}"}, 20) for number in range(13)]
    result = run(pairs, actions=actions)
    assert totals(result) == [10, 0]
    assert any(
        "1 visitor has more than 10 users, as shared computers do: the first 10 are linked, 3 further "
        "links are ignored." in warning
        for warning in result.warnings
    )


@pytest.mark.parametrize(("visitors", "units"), [(100, 2), (101, 102)])
def test_a_user_of_too_many_visitors_is_nobody(visitors: int, units: int) -> None:
    result = run(
        [("visitor", f"v{number}", "user", "anonymous", 1) for number in range(visitors)]
        + [("visitor", "v0", "user", "u1", 2)],
        exposures=[*((f"v{number}", "a", 2) for number in range(visitors)), ("w", "b", 2)],
        actions=[({"user": "anonymous"}, 3), ({"user": "u1"}, 3)],
    )
    crowded = visitors > 100
    assert (result.units, totals(result)) == (units, [1 if crowded else 2, 0])
    assert result.identities is not None
    assert (result.identities.crowded, result.identities.crowd) == (1, 101) if crowded else (0, 0)
    said = (
        "1 user has more than 100 visitors, as ids do that stand for nobody in particular, such as "
        "'anonymous': its 101 links are ignored."
    )
    assert (said in result.warnings) is crowded


def test_swapped_ids_link_nothing_and_are_said() -> None:
    result = run([("visitor", "u1", "user", "v1", 1), ("visitor", "u2", "user", "v2", 1)])
    assert totals(result) == [0, 0]
    assert any("The ids of 2 identities look swapped" in warning for warning in result.warnings)


def test_there_may_be_identities_before_anything_was_done() -> None:
    tables = frames(Log((("v1", "a", 1), ("v2", "b", 1)), (), [LINK]).rows("visitor"))
    result = Analysis(design_of(), **{**tables, "actions": None}).run()
    assert totals(result) == [0, 0]
    assert any("There are no actions yet" in warning for warning in result.warnings)


def test_a_user_who_was_deleted_leaves_the_visitors_as_they_were() -> None:
    result = run([("visitor", "v1", "user", None, 1), ("visitor", "v2", None, None, 1)])
    assert result.units == 3
    assert totals(result) == [0, 0]
    assert any("2 identities have not two ids of two types" in w for w in result.warnings)


@pytest.mark.parametrize("identities", [[], [("user", "u1", "org", "o1", 1)]])
def test_identities_that_link_nobody_change_nothing(identities: list[Any]) -> None:
    actions = [({"visitor": "v1"}, 3), ({"user": "u1"}, 3)]
    result = run(identities, actions=actions)
    assert totals(result) == [1, 0]
    said = [w for w in result.warnings if "none is of a visitor and a user" in w]
    assert len(said) == len(identities)


def test_an_organization_is_reached_by_what_a_visitor_did_before_it_was_there() -> None:
    pairs = [LINK, ("user", "u1", "org", "o1", 9)]
    exposures = (("o1", "a", 1), ("o2", "b", 1))
    actions = [
        ({"visitor": "v1"}, 3),
        ({"user": "u1", "visitor": "v1"}, 4),
        ({"org": "o2", "user": "u1"}, 4),
    ]
    assert totals(run(pairs, exposures=exposures, actions=actions, unit_type="org")) == [2, 1]


def test_assigned_visitors_of_one_person_are_one_unit_too() -> None:
    rows = Log((("v1", "a", 1), ("v3", "b", 1)), (), [LINK, ("visitor", "v0", "user", "u1", 1)])
    tables = frames(rows.rows("visitor"))
    assigned = Log((("v0", "a", 0), ("v1", "a", 0), ("v3", "b", 0)), (), ())
    assignments = frames(assigned.rows("visitor"))["exposures"]
    found = Analysis(design_of(), **tables, assignments=assignments).run().unassigned
    assert found is not None
    assert dict(found.assigned) == dict(found.exposed) == {"a": 1, "b": 1}


def test_ids_of_users_may_be_numbers_and_columns_have_other_names() -> None:
    import polars as pl

    tables = frames(Log((("v1", "a", 1), ("v2", "b", 1)), (), ()).rows("visitor"))
    tables["actions"] = pl.DataFrame({"action": ["buy"], "user_id": [7], "time": [3.0]})
    linked = {
        "from_type": ["visitor"],
        "from_id": ["v1"],
        "to_type": ["user"],
        "account": [7.0],
        "time": [4],
    }
    tables["identities"] = Table(pl.DataFrame(linked), columns={"to_id": "account"})
    assert totals(Analysis(design_of(), **tables).run()) == [1, 0]


@pytest.mark.parametrize("column", COLUMNS["identities"])
def test_identities_without_a_column_are_refused(column: str) -> None:
    rows = Log((("v1", "a", 1), ("v2", "b", 1)), [({"user": "u1"}, 3)], [LINK]).rows("visitor")
    tables = frames(rows)
    tables["identities"] = tables["identities"].drop(column)
    with pytest.raises(MissingColumnError, match=column):
        Analysis(design_of(), **tables).run()


def test_a_column_of_ids_is_no_column_of_types() -> None:
    pairs = [(f"v{number}", "v1", "user", "u1", 1) for number in range(101)]
    with pytest.raises(
        AnalysisError, match="more than 100 different pairs of from_type and to_type"
    ):
        run(pairs)


@pytest.mark.parametrize("linked", [[], [("Visitor", "v1", "User", "u1", 5)]])
def test_actions_may_name_nobody_but_users_who_are_not_linked_yet(linked: list[Any]) -> None:
    rows = Log((("v1", "a", 1), ("v2", "b", 1)), [({"user": "u1"}, 3)], linked).rows("visitor")
    tables = frames(rows)
    tables["actions"] = tables["actions"].drop("groups")
    result = Analysis(design_of(), **tables).run()
    assert (result.units, totals(result)) == (2, [0, 0])
    said = [warning for warning in result.warnings if "none is of a visitor and a user" in warning]
    assert ["(but of 'Visitor' and 'User')" in warning for warning in said] == [True] * len(linked)


def test_actions_that_name_nobody_at_all_are_refused() -> None:
    rows = Log((("v1", "a", 1), ("v2", "b", 1)), [({}, 3)], [LINK]).rows("visitor")
    tables = frames(rows)
    tables["actions"] = tables["actions"].drop("user_id", "groups")
    with pytest.raises(MissingColumnError):
        Analysis(design_of(), **tables).run()


def test_an_empty_file_of_identities_is_refused(tmp_path: Any) -> None:
    tables = frames(Log((("v1", "a", 1), ("v2", "b", 1)), (), ()).rows("visitor"))
    tables["identities"] = tmp_path / "identities.csv"
    tables["identities"].write_text("")
    with pytest.raises(EmptyDataError, match="identities.csv"):
        Analysis(design_of(), **tables).run()
