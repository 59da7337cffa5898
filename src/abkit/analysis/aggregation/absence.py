"""What is not in the data though metrics want it, in sentences: why a number is lower than it should be."""

from collections.abc import Iterable, Mapping, Sequence

from abkit.analysis.aggregation.measured_sums import MeasuredSums
from abkit.analysis.aggregation.session import QuerySession
from abkit.analysis.aggregation.unfulfilled import unfulfilled
from abkit.analysis.amounts import amount, have
from abkit.analysis.engines.base import Row, integer
from abkit.analysis.query import absence, distinct
from abkit.analysis.query.counted_time import has_own_time
from abkit.analysis.query.layout import Layout, actions_of
from abkit.analysis.reading.sources import Table
from abkit.analysis.statistics.estimands import measured, waits
from abkit.errors import suggestion
from abkit.experiments.declaring.metrics import Average, Distinct, Metric, Quantile, Sum

_SHOWN = 8


def absences(
    session: QuerySession,
    measured_sums: MeasuredSums,
    actions: Table | None,
    *,
    lacking: bool = True,
) -> tuple[str, ...]:
    """What was noticed of the actions, after `measure_events`.

    Args:
        session: The engine.
        measured_sums: What was measured.
        actions: The table of the actions; None if nothing was done yet.
        lacking: Whether some may lack a property whose values metrics tell apart.
    """
    if actions is None:
        return ("There are no actions yet: whatever they measure is 0 for every unit.",)
    return (
        *_without_number(session, measured_sums, actions),
        *(_without_value(session, measured_sums.layout) if lacking else ()),
        *unfulfilled(session, measured_sums.layout, actions),
        *_nobody(session, measured_sums),
        *limited_to_zero(measured_sums),
    )


def unreached_visitors(measured_sums: MeasuredSums) -> Iterable[str]:
    """That actions of users are nobody's, if no action reaches a visitor and no identities were given."""
    metrics = (estimand.metric for estimand in measured_sums.layout.estimands)
    if all(_is_empty(measured_sums, metric) for metric in metrics):
        yield (
            "No action reaches a visitor. Those of users do only through identities, which were not given: "
            "call identify(visitor=..., user=...) at sign-up and sign-in, and give identities=."
        )


def limited_to_zero(measured_sums: MeasuredSums) -> Iterable[str]:
    """Of each metric of which nothing is left within its limits, that it is so.

    Of a metric that fewer than 1% of the units have, the 99th percentile is 0.
    """
    for estimand in measured_sums.layout.estimands:
        changed = sum(estimand.capped_units(sums) or 0 for sums in measured_sums.sums.values())
        if changed and _is_empty(measured_sums, estimand.metric):
            yield (
                f"{estimand.metric.name!r} is 0 for every unit within its limits, though "
                f"{amount(changed, 'unit')} {have(changed)} another value: a percentile of mostly 0 is "
                "0. Give a limit in the metric's unit, such as winsorize=Winsorize(upper=500)."
            )


def _without_number(
    session: QuerySession, measured_sums: MeasuredSums, actions: Table
) -> Iterable[str]:
    """Of each property that metrics add up, how many actions lack it; asked only if some do."""
    layout = measured_sums.layout
    if not layout.values or measured_sums.valueless == 0:
        return
    rows = session.rows("values that are missing", absence.without_number(layout))
    lacking = [
        (i, pair)
        for i, pair in enumerate(layout.values)
        if sum(integer(row, f"without_{i}") for row in rows)
    ]
    if not lacking:
        return
    pairs = [pair for _, pair in lacking]
    session.engine.open("actions_as_written", actions, absence.columns_of_texts(pairs))
    examples = session.row("values that are no numbers", absence.texts(pairs))
    for place, (i, (action, key)) in enumerate(lacking):
        found = {str(row["variant"]): integer(row, f"found_{i}") for row in rows}
        without = {str(row["variant"]): integer(row, f"without_{i}") for row in rows}
        some, example = sum(without.values()), examples[f"example_{place}"]
        such = "" if example is None else f" (some have a text, such as {str(example)[:40]!r})"
        shares = "; ".join(f"{v}: {without[v]:,} of {found[v]:,}" for v in found)
        yield (
            f"{some:,} of {sum(found.values()):,} {action!r} that count {have(some)} no number "
            f"{key!r}{such}. {' '.join(_left_out(layout, action, key))} By variant: {shares}."
        )


def _without_value(session: QuerySession, layout: Layout) -> Iterable[str]:
    """Of each property whose different values metrics count, how many actions lack it."""
    if not layout.texts:
        return
    rows = session.rows("properties that are missing", distinct.without_value(layout))
    for i, (action, key) in enumerate(layout.texts):
        found = {str(row["variant"]): integer(row, f"found_{i}") for row in rows}
        without = {str(row["variant"]): integer(row, f"without_{i}") for row in rows}
        some, names = sum(without.values()), _names(layout, Distinct, action, key)
        if not some:
            continue
        counts = "counts" if len(names) == 1 else "count"
        shares = "; ".join(f"{v}: {without[v]:,} of {found[v]:,}" for v in found)
        yield (
            f"{some:,} of {sum(found.values()):,} {action!r} that count {have(some)} no {key!r}: "
            f"{' and '.join(names)} {counts} none of them. By variant: {shares}."
        )


def _left_out(layout: Layout, action: str, key: str) -> Iterable[str]:
    """What that does to the metrics."""
    summed, averaged, of_quantiles = (
        _names(layout, kind, action, key) for kind in (Sum, Average, Quantile)
    )
    if summed:
        count = "counts" if len(summed) == 1 else "count"
        yield f"{' and '.join(summed)} {count} them as 0: the mean is nearer to 0 than it was."
    if averaged:
        leave, count = ("leaves", "counts") if len(averaged) == 1 else ("leave", "count")
        yield (
            f"{' and '.join(averaged)} {leave} them out, and {count} a unit that has no other as 0."
        )
    if of_quantiles:
        leave = "leaves" if len(of_quantiles) == 1 else "leave"
        yield f"{' and '.join(of_quantiles)} {leave} them out."


def _names(
    layout: Layout, kind: type[Sum | Average | Distinct | Quantile], action: str, key: str
) -> Sequence[str]:
    """The metrics that have such a part, and those that others are adjusted by."""
    parts = {estimand.metric.name: (*estimand.places,) for estimand in layout.estimands}
    return [
        repr(name)
        for name, made_of in (parts | {part.name: (part,) for part in layout.covariates}).items()
        if any(
            isinstance(part, kind) and (part.action, part.property) == (action, key)
            for part in made_of
        )
    ]


def _nobody(session: QuerySession, measured_sums: MeasuredSums) -> Iterable[str]:
    """Of each metric that is 0 for all, why."""
    empty = [
        estimand.metric
        for estimand in measured_sums.layout.estimands
        if _is_empty(measured_sums, estimand.metric)
        and not any(estimand.capped_units(sums) for sums in measured_sums.sums.values())
    ]
    wanted = sorted({action for metric in empty for action in _actions(measured_sums, metric)})
    if not wanted:
        return
    rows = session.rows("actions that nobody did", absence.reached(wanted))
    found = {str(row["action"]): row for row in rows}
    if len(found) < len(wanted):
        called = [str(row["action"]) for row in session.rows("actions", absence.names())]
    else:
        called = []
    some_unit = str(session.row("a unit", absence.a_unit())["unit_id"])
    for metric in empty:
        whys = [
            _why(action, found.get(action), called=called, some_unit=some_unit)
            for action in _actions(measured_sums, metric)
        ]
        reasons = " ".join(dict.fromkeys(why for why in whys if why is not None))
        timed = any(map(has_own_time, measured(metric)))
        when = "in the time that counts for it" if timed else "after its exposure"
        yield f"No unit has any {metric.name!r} {when}. {reasons}".rstrip()


def _is_empty(measured_sums: MeasuredSums, metric: Metric) -> bool:
    """Whether a metric is 0 for all units; not if none counts yet."""
    (of,) = (e for e in measured_sums.layout.estimands if e.metric == metric)
    sums = measured_sums.sums.values()
    return all(each.mean(place) == 0 for each in sums for place in of.places.values()) and not (
        waits(metric) and not any(map(of.units, sums))
    )


def _actions(measured_sums: MeasuredSums, metric: Metric) -> Sequence[str]:
    (parts,) = (e.places for e in measured_sums.layout.estimands if e.metric == metric)
    return tuple(dict.fromkeys(action for part in parts for action in actions_of(part)))


def _why(action: str, row: Row | None, *, called: Sequence[str], some_unit: str) -> str | None:
    """Why an action counts for nobody; None where some count."""
    if row is None:
        return _unknown(action, called)
    counts = {name: integer(row, name) for name in ("in_table", "with_unit", "of_units", "before")}
    return _stopped(action, counts, example=str(row["example"]), some_unit=some_unit)


def _unknown(action: str, called: Sequence[str]) -> str:
    if not called:
        return "The table of actions has no rows with an action."
    hint = suggestion(action, called) or " Is the name the one that the application tracks?"
    names = ", ".join(map(repr, called[:_SHOWN])) + (", ..." if len(called) > _SHOWN else "")
    return f"No action is called {action!r}.{hint} There are {names}."


def _stopped(action: str, counts: Mapping[str, int], *, example: str, some_unit: str) -> str | None:
    some = amount(counts["in_table"], "action")
    if not counts["with_unit"]:
        return f"{some} {have(counts['in_table'])} the name {action!r}, and none a unit's id."
    if not counts["of_units"]:
        return (
            f"{some} {have(counts['in_table'])} the name {action!r}, and none the id of a unit that "
            f"was exposed: actions have ids such as {example!r}, exposures such as {some_unit!r}."
        )
    if counts["before"] == counts["of_units"]:
        return (
            f"All {counts['of_units']:,} {action!r} of exposed units were before the first exposure. "
            "Are the times in one time zone?"
        )
    return None
