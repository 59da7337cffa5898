"""The errors of abkit: one tree, and each carries its data.

AbkitError
    DeclarationError            an experiment, a metric or a layer is declared wrongly
        DuplicateExperimentError    a name is registered twice
        OperatorError               a random operator has an argument that it cannot use
    UnknownExperimentError      no experiment of that name is registered
    MissingSubjectError         a call lacks the subject that it is about, or that has no id
    SubjectMismatchError        an assign() asks for what the call does not give
    UnitsError                  a column of units cannot be assigned
    ConfigError                 a module, a file or a setting cannot be used
        MissingExtraError           an optional dependency is not installed
    DeliveryError               a sink or the delivery cannot be used like this
    AnalysisError               the data do not allow the analysis
        ArgumentError               a call has an argument that there is not
        MissingColumnError          a table lacks a column
        UnknownNameError            a result has no metric or variant of a name
        EmptyDataError              there is no row to analyze
            OutsideFrameError           there are some, but none in the time frame
        TooFewVariantsError         there is no control, or nothing to compare it with
    NotificationError           a notification was not delivered
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datetime as dt


def suggestion(name: str, known: Sequence[str]) -> str:
    """What may have been meant: a sentence with a space before it, or nothing."""
    from difflib import get_close_matches  # only when something is wrong: importing it takes time

    close = get_close_matches(name, known, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


class AbkitError(Exception):
    """The root of all errors that abkit raises."""


class DeclarationError(AbkitError, ValueError):
    """An experiment, a metric or a layer is declared wrongly.

    Attributes:
        declared: The name of what is declared wrongly.
        problem: What is wrong, and what would be right.
    """

    def __init__(self, declared: str, problem: str) -> None:
        super().__init__(declared, problem)
        self.declared = declared
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.declared}: {self.problem}"


class OperatorError(DeclarationError):
    """A random operator has an argument that it cannot use."""


class DuplicateExperimentError(DeclarationError):
    """Two experiments share one name."""

    def __init__(self, name: str, first: str, second: str) -> None:
        problem = (
            f"is registered already by {first}; {second} needs a name of its own "
            f'(set `name = "..."` in the class)'
        )
        super().__init__(name, problem)
        self.args: tuple[Any, ...] = (name, first, second)
        self.name = name
        self.first = first
        self.second = second


class UnknownExperimentError(AbkitError, LookupError):
    """No experiment of that name is registered.

    Attributes:
        name: The name that was asked for.
        known: The names that are registered.
    """

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        self.known: tuple[str, ...] = tuple(sorted(known))
        super().__init__(name, self.known)

    def __str__(self) -> str:
        if not self.known:
            return (
                f"No experiment named {self.name!r}: none is registered yet. "
                "Call expt_manager.load('your.config.module') or expt_manager.add(YourExperiment)."
            )
        hint = suggestion(self.name, self.known)
        return f"No experiment named {self.name!r}.{hint} Registered: {', '.join(self.known)}."


class MissingSubjectError(AbkitError, TypeError):
    """A call lacks the subject that it is about, or that subject has no id.

    Attributes:
        experiment: The experiment's name, or the action's.
        needed: The name of the keyword argument, such as "org".
        given: The names of the subjects that were passed.
        problem: What is wrong with the one that was passed; empty if none was.
    """

    def __init__(
        self, experiment: str, needed: str, given: Iterable[str], problem: str = ""
    ) -> None:
        self.experiment = experiment
        self.needed = needed
        self.given: tuple[str, ...] = tuple(given)
        self.problem = problem
        super().__init__(experiment, needed, self.given, problem)

    def __str__(self) -> str:
        given = ", ".join(f"{kind}=" for kind in self.given) or "nothing"
        wrong = f"{self.experiment} randomizes by {self.needed}:"
        if self.problem:
            wrong = f"{self.experiment}: {self.needed}= {self.problem};"
        return (
            f"{wrong} pass {self.needed}= (an object with an `id` or a `pk`, or the id itself: "
            f"a text or a whole number). Got {given}."
        )


class SubjectMismatchError(AbkitError, TypeError):
    """An `assign()` or `eligible()` asks for what the call does not give.

    Attributes:
        experiment: The experiment's name.
        hook: "assign" or "eligible".
        asked: What it asks for: a subject, or a subject's attribute, such as "org.slug".
        given: The names of the subjects that were passed.
        problem: What was given, and what would be right.
    """

    def __init__(
        self, experiment: str, hook: str, asked: str, given: Iterable[str], problem: str
    ) -> None:
        self.experiment = experiment
        self.hook = hook
        self.asked = asked
        self.given: tuple[str, ...] = tuple(given)
        self.problem = problem
        super().__init__(experiment, hook, asked, self.given, problem)

    def __str__(self) -> str:
        return f"{self.experiment}: {self.hook}() asks for {self.asked}, and {self.problem}"


class UnitsError(AbkitError, ValueError):
    """A column of units cannot be assigned.

    Attributes:
        experiment: The experiment's name.
        problem: What is wrong, and what would be right.
        position: Where in the column, from 0; None if it is the column itself.
    """

    def __init__(self, experiment: str, problem: str, position: int | None = None) -> None:
        super().__init__(experiment, problem, position)
        self.experiment = experiment
        self.problem = problem
        self.position = position

    def __str__(self) -> str:
        where = "" if self.position is None else f" at position {self.position}"
        return f"{self.experiment}: the column of units{where} {self.problem}"


class ConfigError(AbkitError):
    """A module, a file or a setting cannot be used; the message says which and why."""


class MissingExtraError(ConfigError, ImportError):
    """An optional dependency is not installed.

    Attributes:
        package: The package that is missing, as it is imported.
        extra: The extra of abkit that installs it.
    """

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(package, extra)
        self.package = package
        self.extra = extra

    def __str__(self) -> str:
        from abkit.distribution import install, intruder  # only when something is wrong

        advice = f"This needs {self.package}. Install it with: {install(self.extra)}"
        return f"{advice}. {wrong}" if (wrong := intruder()) else advice


class DeliveryError(AbkitError):
    """A sink or the delivery cannot be used like this; the message says why."""


class AnalysisError(AbkitError):
    """The data do not allow the analysis; the message says what would."""


class ArgumentError(AnalysisError, TypeError):
    """A call has an argument that there is not.

    Attributes:
        called: What was called.
        problem: What is wrong, and what would be right.
    """

    def __init__(self, called: str, problem: str) -> None:
        super().__init__(called, problem)
        self.called = called
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.called} {self.problem}"


class MissingColumnError(AnalysisError, LookupError):
    """A table lacks a column.

    Attributes:
        column: The column that was asked for.
        source: The file or table.
        available: The columns that it has.
        advice: What else would do; a sentence, or nothing.
    """

    def __init__(
        self, column: str, source: str, available: Sequence[str], *, advice: str = ""
    ) -> None:
        self.column = column
        self.source = source
        self.available: tuple[str, ...] = tuple(available)
        self.advice = advice
        super().__init__(column, source, self.available)

    def __str__(self) -> str:
        hint = suggestion(self.column, self.available)
        columns = ", ".join(self.available) or "none"
        advice = f" {self.advice}" if self.advice else ""
        return f"{self.source} has no column {self.column!r}.{hint}{advice} Its columns: {columns}."


class UnknownNameError(AnalysisError, KeyError):
    """A result has no metric or variant of a name.

    Attributes:
        what: What was asked for: "metric" or "variant".
        name: By which name.
        known: The names that there are.
        note: What else is to be said; a sentence with a space before it, or nothing.
    """

    def __init__(self, what: str, name: object, known: Sequence[str], *, note: str = "") -> None:
        self.what = what
        self.name = name
        self.known: tuple[str, ...] = tuple(known)
        self.note = note
        super().__init__(what, name, self.known)

    def __str__(self) -> str:
        hint = self.note or suggestion(str(self.name), self.known)
        names = ", ".join(map(repr, self.known)) or "none"
        return f"There is no {self.what} {self.name!r}.{hint} The {self.what}s are {names}."


class EmptyDataError(AnalysisError):
    """There is no row to analyze.

    Attributes:
        source: The file or table, or what was looked for in it.
        problem: What is missing, and what would be right.
    """

    def __init__(self, source: str, problem: str) -> None:
        super().__init__(source, problem)
        self.source = source
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.source} {self.problem}"


class OutsideFrameError(EmptyDataError):
    """There are exposures of the experiment, but none in the time frame.

    Attributes:
        source: The file or table.
        problem: Which frame was asked for, and when the exposures are.
        first: The first exposure, UTC.
        last: The last exposure, UTC.
    """

    def __init__(
        self, source: str, problem: str, *, first: "dt.datetime", last: "dt.datetime"
    ) -> None:
        super().__init__(source, problem)
        self.first = first
        self.last = last


class TooFewVariantsError(AnalysisError):
    """There is no control, or nothing to compare it with.

    Attributes:
        control: The control that was asked for.
        found: The variants in the data.
    """

    def __init__(self, control: str, found: Sequence[str]) -> None:
        self.control = control
        self.found: tuple[str, ...] = tuple(found)
        super().__init__(control, self.found)

    def __str__(self) -> str:
        found = ", ".join(map(repr, self.found)) or "none"
        if self.control not in self.found:
            return (
                f"The data have no units in the control {self.control!r}. Variants found: {found}. "
                "Name another control, or check the column of the variants."
            )
        return (
            f"The data have units of the control {self.control!r} only; "
            "an analysis needs the control and at least one other variant."
        )


class NotificationError(AbkitError):
    """A notification was not delivered.

    Attributes:
        destination: The name of who was to be told.
        problem: What is wrong; without any secret of the destination.
    """

    def __init__(self, destination: str, problem: str) -> None:
        super().__init__(destination, problem)
        self.destination = destination
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.destination}: {self.problem}"
