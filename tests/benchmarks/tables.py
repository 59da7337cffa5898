"""The figures as tables, also without a terminal."""

from collections.abc import Iterable, Mapping

from rich.console import RenderableType
from rich.table import Table

from .delivery import Outcome
from .ratio import Figure
from .row import Row
from .servers import ServerRow


def cost_table(rows: Iterable[Row]) -> Table:
    """What each call takes, the peers beside."""
    table = Table(
        show_lines=True,
        caption=(
            "xF: times as long as the bare PlanOut hash, in turns in the same process; processor time; "
            "median (range).\nBelow it, or last: exposures that came to the sink / that should."
        ),
    )
    table.add_column("what", min_width=24)
    table.add_column("abkit, by id", no_wrap=True)
    table.add_column("abkit, by object", no_wrap=True)
    table.add_column("target", justify="right", no_wrap=True)
    table.add_column("peers in the same run", no_wrap=True)
    for row in rows:
        table.add_row(
            f"{row.what} [{row.unit}]".replace("[", r"\["),
            _cell(row.by_id),
            "" if row.by_object is None else _cell(row.by_object),
            _target(row),
            _peers(row.peers) if row.peers else row.note,
        )
    return table


def delivery_table(outcomes: Iterable[Outcome]) -> Table:
    """What arrives."""
    table = Table(
        caption="Each line is a program of its own that posts to an HTTP server on the loopback."
    )
    table.add_column("what happens")
    table.add_column("delivered", justify="right")
    table.add_column("twice", justify="right")
    table.add_column("program, s", justify="right")
    table.add_column("besides")
    for outcome in outcomes:
        is_sent = outcome.produced > 0
        table.add_row(
            outcome.scene,
            _counts(outcome.delivered, outcome.produced) if is_sent else "",
            f"{outcome.repeated:,}" if is_sent else "",
            f"{outcome.seconds:.1f}",
            outcome.remark,
        )
    return table


def server_table(rows: Iterable[ServerRow]) -> Table:
    """What real servers deliver, and what their end takes."""
    table = Table(
        caption="Seconds from the signal to the end of the last process; without: abkit delivers nothing."
    )
    table.add_column("server")
    for name in ("served", "delivered", "end, s", "without, s"):
        table.add_column(name, justify="right")
    for row in rows:
        outcome = row.outcome
        table.add_row(
            row.name,
            _counts(outcome.served, outcome.asked),
            _counts(outcome.delivered, outcome.asked),
            f"{outcome.seconds:.1f}",
            f"{row.without:.1f}",
        )
    return table


def _cell(figure: Figure) -> str:
    return "\n".join(filter(None, [f"{_number(figure.median)} {_range(figure)}", _sink(figure)]))


def _target(row: Row) -> str:
    if row.aim is None:
        return ""
    return f"{_number(row.aim.most)}\n" + ("[green]met[/]" if row.aim.is_met else "[red]missed[/]")


def _peers(peers: Mapping[str, Figure]) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    for name, figure in sorted(peers.items(), key=lambda peer: peer[1].median):
        grid.add_row(name, _number(figure.median), _range(figure), _sink(figure))
    return grid


def _range(figure: Figure) -> str:
    return f"({_number(min(figure.values))}-{_number(max(figure.values))})"


def _number(value: float) -> str:
    return f"{value:.2f}" if value < 9.995 else f"{value:.1f}" if value < 99.95 else f"{value:.0f}"


def _sink(figure: Figure) -> str:
    if figure.received is None or figure.due is None:
        return ""
    return _counts(figure.received, figure.due)


def _counts(received: int, due: int) -> str:
    counts = f"{received:,}/{due:,}"
    return counts if received == due else f"[red]{counts}[/]"
