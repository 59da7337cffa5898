"""Declared experiments of all kinds, and units of all kinds, for what assigns in bulk."""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from abkit import Experiment, Holdout, Layer

UNICODE = st.characters(exclude_categories=["Cs"])
NO_NUL = st.characters(exclude_categories=["Cs"], exclude_characters="\0")

SALTS = st.one_of(
    st.text(NO_NUL, min_size=1, max_size=12).filter(str.strip),
    st.sampled_from(["it's", 'a "b" `c`', "back\\slash\\", "50% off\nnow", "${env:HOME}", "é日本"]),
)
SHARES = st.one_of(st.sampled_from([0, 1, 0.5, 1 / 3, 1e-12]), st.floats(0, 1))
UNIT_IDS = st.one_of(
    st.text(UNICODE, min_size=1, max_size=12),
    st.integers(0, 2**63 - 1).map(str),
    st.sampled_from(["o'neill", 'the "best"', "c:\\temp", "100%\n", "${x}", "naïve-日本-🎈"]),
)
WRITABLE_IDS = UNIT_IDS.filter(lambda unit_id: "\0" not in unit_id)
"""No SQL text can hold a NUL character."""

VARIANTS = st.one_of(
    st.lists(SALTS, min_size=2, max_size=10, unique=True),
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=2, max_size=10, unique=True),
    st.lists(st.floats(allow_nan=False), min_size=2, max_size=4, unique=True),
    st.just([False, True]),
)


def differences(found: Sequence[Any], expected: Sequence[Any]) -> list[tuple[int, Any, Any]]:
    """Where two long columns differ, and how: pytest would compare them for hours."""
    assert len(found) == len(expected)
    pairs = enumerate(zip(found, expected, strict=True))
    return [(position, one, other) for position, (one, other) in pairs if one != other][:5]


def declare(**attributes: Any) -> type[Experiment]:
    """An experiment on users."""
    unit = {"unit_type": "user", "variants": {"0": 0.5, "1": 0.5}}
    return type("Declared", (Experiment,), {**unit, **attributes})


@st.composite
def layers(draw: st.DrawFn) -> dict[str, Any]:
    """A layer and an experiment's slots in it."""
    size = draw(st.sampled_from([1, 7, 100, 10_000]))
    start, step = draw(st.integers(0, size - 1)), draw(st.integers(1, 3))
    slots = draw(
        st.one_of(
            st.just(range(start, size, step)),
            st.frozensets(st.integers(0, size - 1), min_size=1, max_size=80),
        )
    )
    return {"layer": Layer(draw(SALTS), size=size), "slots": slots}


@st.composite
def experiments(draw: st.DrawFn) -> type[Experiment]:
    """A declared experiment: any split, behind any gates, with an allow-list."""
    variants = draw(VARIANTS)
    weights = draw(
        st.lists(
            st.one_of(st.just(0.0), st.floats(0.01, 100)),
            min_size=len(variants),
            max_size=len(variants),
        ).filter(any)
    )
    allowed = draw(st.dictionaries(WRITABLE_IDS, st.sampled_from(variants), max_size=4))
    return declare(
        variants=dict(zip(variants, weights, strict=True)),
        salt=draw(SALTS),
        param_name=draw(st.sampled_from(["variant", "colour"])),
        rollout=draw(st.one_of(st.just(1), SHARES)),
        holdouts=[
            Holdout(name, draw(SHARES)) for name in draw(st.lists(SALTS, max_size=2, unique=True))
        ],
        forced={
            variant: [unit for unit, given in allowed.items() if given == variant]
            for variant in variants
        },
        **draw(st.one_of(st.just({}), layers())),
    )
