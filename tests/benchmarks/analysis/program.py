"""One measured program: `python -m tests.benchmarks.analysis.program WHAT FOLDER` prints what it took."""

import sys
from collections.abc import Callable
from datetime import timedelta

from ..taken import measure
from . import by_hand

IMPORTS = (
    "duckdb",
    "abkit.analysis",
    "abkit.analysis.inference.sequential",
    "abkit.analysis.inference.srm",
)
"""What both need, or one of them: an import is no part of the work."""

WHERE = sys.argv[2] if len(sys.argv) > 2 else ""


def _query(text: str, actions: str = "") -> None:
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(text.replace("{actions}", actions).format(where=WHERE)).fetchall()


def _analysis(
    actions: str, *, cuped: bool, over_time: str | None, of_visitors: bool = False
) -> None:
    from abkit.analysis import Analysis, AnalysisPlan, Design
    from abkit.experiments.declaring.metrics import Conversion, Ratio, Sum, Total

    design = Design(
        name="Bench",
        salt="Bench",
        unit_type="visitor" if of_visitors else "user",
        control="0",
        metrics=(
            Conversion("bought", action="purchase"),
            Sum("revenue", action="purchase", property="price"),
            Ratio("per session", numerator=Total("click"), denominator=Total("session")),
            Total("session"),
        ),
    )
    Analysis(
        design,
        exposures=f"{WHERE}/{'visitors' if of_visitors else 'exposures'}.parquet",
        actions=f"{WHERE}/{actions}.parquet",
        identities=f"{WHERE}/identities.parquet" if of_visitors else None,
        plan=AnalysisPlan(
            cuped=timedelta(days=14) if cuped else None,
            window=timedelta(days=7),
            over_time=over_time,
        ),
    ).run()


def _loads(kind: str) -> None:
    from abkit.analysis import Analysis, Design
    from abkit.experiments.declaring.metrics import Quantile, Sum

    metric = (
        Sum("time", action="load", property="ms")
        if kind == "sum"
        else Quantile("p95", action="load", property="ms", q=0.95)
    )
    design = Design(name="Bench", salt="Bench", unit_type="user", control="0", metrics=(metric,))
    Analysis(design, exposures=f"{WHERE}/exposures.parquet", actions=f"{WHERE}/loads.parquet").run()


def _rehearsal() -> None:
    from abkit import Conversion, Ratio, Sum, Total, UserExperiment
    from abkit.analysis.rehearsal.rehearse import rehearse

    class Bench(UserExperiment):
        variants = {"0": 0.5, "1": 0.5}
        metrics = [
            Conversion("bought", action="purchase"),
            Sum("revenue", action="purchase", property="price"),
            Ratio("per session", numerator=Total("click"), denominator=Total("session")),
            Total("session"),
        ]

    rehearse(Bench, actions=f"{WHERE}/actions.parquet")


def _units() -> None:
    from abkit.analysis import UnitsAnalysis
    from abkit.experiments.declaring.metrics import Conversion, Mean, Ratio

    UnitsAnalysis(
        f"{WHERE}/units.parquet",
        unit="id",
        variant="variant",
        control="0",
        metrics=[
            Conversion("bought"),
            Mean("revenue"),
            Ratio("per session", numerator=Mean("orders"), denominator=Mean("sessions")),
            Mean("sessions"),
        ],
    ).run()


PROGRAMS: dict[str, Callable[[], None]] = {
    "final by hand": lambda: _query(by_hand.FINAL, by_hand.ONCE),
    "final": lambda: _analysis("actions", cuped=True, over_time=None),
    "visitors": lambda: _analysis("actions", cuped=True, over_time=None, of_visitors=True),
    "final, unnamed, by hand": lambda: _query(by_hand.FINAL, by_hand.PLAIN),
    "final, unnamed": lambda: _analysis("unnamed", cuped=True, over_time=None),
    "over time by hand": lambda: _query(by_hand.OVER_TIME, by_hand.ONCE),
    "over time": lambda: _analysis("actions", cuped=False, over_time="day"),
    "over time, unnamed, by hand": lambda: _query(by_hand.OVER_TIME, by_hand.PLAIN),
    "over time, unnamed": lambda: _analysis("unnamed", cuped=False, over_time="day"),
    "sum": lambda: _loads("sum"),
    "quantile": lambda: _loads("quantile"),
    "rehearsal": _rehearsal,
    "units by hand": lambda: _query(by_hand.UNITS),
    "units": _units,
}


def main() -> None:
    """Run one program and tell what it took."""
    measure(PROGRAMS[sys.argv[1]], imports=IMPORTS)


if __name__ == "__main__":
    main()
