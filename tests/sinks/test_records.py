"""Events as plain records, and the ids of exposures."""

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit.events import (
    ACTION_COLUMNS,
    EXPOSURE_COLUMNS,
    IDENTITY_COLUMNS,
    Event,
    Identity,
    Variant,
)
from abkit.sinks.records import (
    action_record,
    by_kind,
    exposure_record,
    insert_id,
    json_line,
    json_object,
    kind_of,
    record,
)

from .contract import ODD_PROPERTIES, TIME, action, exposure


def test_records_have_exactly_the_columns_of_the_schema() -> None:
    assert list(exposure_record(exposure())) == list(EXPOSURE_COLUMNS)
    assert list(action_record(action())) == list(ACTION_COLUMNS)


def test_the_time_is_utc_with_microseconds() -> None:
    assert exposure_record(exposure())["time"] == datetime(
        2024, 5, 17, 12, 30, 15, 123456, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("variant", "text"), [("a", "a"), (1, "1"), (0.5, "0.5"), (True, "true"), (False, "false")]
)
def test_a_variant_is_text(variant: Variant, text: str) -> None:
    assert exposure_record(exposure()._replace(variant=variant))["variant"] == text


def test_no_properties_are_none() -> None:
    assert exposure_record(exposure())["properties"] is None


def test_what_json_cannot_say_becomes_text() -> None:
    text = json_object(ODD_PROPERTIES)
    assert text is not None
    properties = json.loads(text)
    assert properties["nan"] == "nan"
    assert properties["price"] == "9.50"
    assert properties["odd"] == "an odd object"
    assert properties["nested"] == {"list": [1, None, {"x": "nan"}], "3": "a number as a key"}
    assert properties["circle"] == {"n": 1, "self": "(dict)"}
    assert properties["surrogate"] == "?"


def test_a_value_that_is_nested_too_deeply_is_cut() -> None:
    value: object = "bottom"
    for _ in range(100_000):
        value = [value]
    text = json_object({"deep": value})
    assert text is not None
    assert "(list)" in text


@given(
    st.dictionaries(
        st.text(),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=5,
        ),
    )
)
def test_properties_are_always_a_json_object(properties: dict[str, object]) -> None:
    text = json_object(properties)
    if not properties:
        assert text is None
    else:
        assert text is not None
        text.encode("utf-8")
        assert isinstance(json.loads(text, parse_constant=pytest.fail), dict)


def test_events_are_sorted_by_their_kind() -> None:
    signed_up = Identity("visitor", "v1", "user", "7", TIME, "i")
    events: list[Event] = [exposure("1"), action("x"), signed_up, exposure("2"), action("y")]
    assert [*map(kind_of, events)] == ["exposure", "action", "identity", "exposure", "action"]
    exposures, actions, identities = by_kind((event, record(event)) for event in events)
    assert [row["unit_id"] for row in exposures] == ["1", "2"]
    assert [row["action"] for row in actions] == ["x", "y"]
    assert [[*row] for row in identities] == [[*IDENTITY_COLUMNS]]


def test_a_line_of_json_is_one_line() -> None:
    line = json_line(action_record(action("two\nlines\u2028", time=TIME)))
    assert "\n" not in line
    assert json.loads(line)["time"].endswith("15.123456Z")


def test_the_insert_id_is_what_it_always_was() -> None:
    """The id must not change with a release: destinations remember it."""
    assert (
        insert_id(exposure("42", "a"), window=19_860, ordinal=0)
        == "02a07abf428fd041405ac9040c2bdf00"
    )


def test_the_insert_id_is_the_same_in_another_process() -> None:
    program = (
        "from abkit.events import Exposure; from abkit.sinks.records import insert_id;"
        "print(insert_id(Exposure(experiment='Zoë', salt='s', unit_type='org', unit_id='42',"
        "variant=True, time=0.0), window=1, ordinal=2))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "7", "PYTHONPATH": ":".join(sys.path)},
    )
    event = exposure("42", True)._replace(experiment="Zoë", salt="s")
    assert ran.stdout.strip() == insert_id(event, window=1, ordinal=2)


def test_the_time_and_the_properties_do_not_change_the_insert_id() -> None:
    one = exposure(time=1.0, properties={"a": 1})
    other = exposure(time=2.0)
    assert insert_id(one, window=0, ordinal=0) == insert_id(other, window=0, ordinal=0)


texts = st.text(max_size=3)
identities = st.tuples(
    texts,
    texts,
    texts,
    texts,
    texts | st.integers(0, 3) | st.booleans() | st.floats(0, 3),
    st.integers(0, 20),
    st.integers(0, 20),
)


def id_of(identity: tuple[str, str, str, str, Variant, int, int]) -> str:
    experiment, salt, unit_type, unit_id, variant, window, ordinal = identity
    event = exposure(unit_id, variant)._replace(
        experiment=experiment, salt=salt, unit_type=unit_type
    )
    return insert_id(event, window=window, ordinal=ordinal)


@given(identities, identities)
def test_insert_ids_are_equal_exactly_when_the_identities_are(
    one: tuple[str, str, str, str, Variant, int, int],
    other: tuple[str, str, str, str, Variant, int, int],
) -> None:
    same = one == other and type(one[4]) is type(other[4])
    assert (id_of(one) == id_of(other)) is same


def test_parts_that_read_the_same_when_joined_have_different_insert_ids() -> None:
    assert id_of(("a", "b:c", "org", "1", "x", 1, 11)) != id_of(
        ("a:b", "c", "org", "1", "x", 1, 11)
    )
    assert id_of(("a", "b", "org", "1", "x", 1, 11)) != id_of(("a", "b", "org", "1", "x", 11, 1))
    assert id_of(("a", "b", "org", "1", "1", 0, 0)) != id_of(("a", "b", "org", "1", 1, 0, 0))
    assert id_of(("a", "b", "org", "1", True, 0, 0)) != id_of(("a", "b", "org", "1", 1, 0, 0))


@pytest.mark.parametrize("time", [1e15, 1e18, -1e18, 1e300, float("inf"), float("nan")])
def test_a_time_beyond_all_dates_never_looks_like_a_destination_that_is_down(time: float) -> None:
    for event in (exposure(time=time), action(time=time)):
        with pytest.raises(ValueError):  # noqa: PT011 - whatever it says, it is no OSError
            record(event)
