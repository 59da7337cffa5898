"""The errors of abkit: one tree, and each carries its data.

AbkitError
    DeclarationError            the declaration of an experiment, a metric or a layer is wrong
        DuplicateExperimentError    a name is registered twice
        OperatorError               a random operator has an invalid argument
    UnknownExperimentError      no experiment with this name is registered
    MissingSubjectError         a call lacks the subject that it needs, or the subject has no id
    IdentityError               two ids cannot be said to belong together
    SubjectMismatchError        an assign() needs something that the call does not pass
    UnitsError                  a column of units cannot be assigned
    ConfigError                 a module, a file or a setting cannot be used
        MissingExtraError           an optional dependency is not installed
        SettingsChangedError        the settings are not what a change of them was decided upon
    DeliveryError               a sink or a logger cannot be used like this
    AnalysisError               the data do not allow the analysis
        ArgumentError               a call has an unknown argument
        MissingColumnError          a table lacks a column
        UnknownNameError            a result has no metric or variant with this name
        EmptyDataError              there are no rows to analyze
            OutsideFrameError           there are rows, but none in the time range
        TooFewVariantsError         there is no control, or nothing to compare it with
    NotificationError           a notification was not delivered
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datetime as dt


def suggestion(name: str, known: Sequence[str]) -> str:
    """Suggest a name that may have been meant: a sentence with a space before it, or nothing."""
    from difflib import get_close_matches  # only when something is wrong: importing it takes time

    close = get_close_matches(name, known, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def with_article(kind: type) -> str:
    """The name of a type with its article, as "an int"."""
    article = "an" if kind.__name__[:1].lower() in {*"aeio"} else "a"  # a UserProxy
    return f"{article} {kind.__name__}"


class AbkitError(Exception):
    """The base class of all errors that abkit raises."""


class DeclarationError(AbkitError, ValueError):
    """The declaration of an experiment, a metric or a layer is wrong.

    Attributes:
        declared: The name of the object with the wrong declaration.
        problem: What is wrong, and how to fix it.
    """

    def __init__(self, declared: str, problem: str) -> None:
        super().__init__(declared, problem)
        self.declared = declared
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.declared}: {self.problem}"


class OperatorError(DeclarationError):
    """A random operator has an invalid argument."""


class DuplicateExperimentError(DeclarationError):
    """Two experiments have the same name."""

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
    """No experiment with this name is registered.

    Attributes:
        name: The requested name.
        known: The registered names.
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
    """A call lacks the subject that it needs, or the subject has no id.

    Attributes:
        experiment: The name of the experiment or the action.
        needed: The name of the keyword argument, such as "org".
        given: The names of the subjects that were passed.
        problem: What is wrong with the subject that was passed; empty if none was.
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


class IdentityError(AbkitError, TypeError):
    """Two ids cannot be said to belong together; the message says why."""


class SubjectMismatchError(AbkitError, TypeError):
    """An `assign()` or `eligible()` needs something that the call does not pass.

    Attributes:
        experiment: The experiment's name.
        hook: "assign" or "eligible".
        asked: What it needs: a subject, or a subject's attribute, such as "org.slug".
        given: The names of the subjects that were passed.
        problem: What was passed, and how to fix it.
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
        problem: What is wrong, and how to fix it.
        position: The position in the column, from 0; None if the column itself is wrong.
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
        package: The package that is missing, as it is imported; of a database's driver, with the URL for it.
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


class SettingsChangedError(ConfigError):
    """The settings of an experiment are not what a change of them was decided upon.

    Attributes:
        experiment: The experiment's name.
        seen: The settings that the change was decided upon.
        present: The settings now.
        since: What is known of the change in between, as a sentence, or nothing.
    """

    def __init__(
        self,
        experiment: str,
        seen: Mapping[str, Any],
        present: Mapping[str, Any],
        *,
        since: str = "",
    ) -> None:
        super().__init__(experiment, seen, present)
        self.experiment = experiment
        self.seen = seen
        self.present = present
        self.since = since

    def __str__(self) -> str:
        different = [
            f"{key} was {_set(self.seen, key)} and is {_set(self.present, key)}"
            for key in {**self.seen, **self.present}
            if self.seen.get(key) != self.present.get(key)
        ]
        since = f" {self.since}" if self.since else ""
        return (
            f"The settings of {self.experiment} have been changed meanwhile: {'; '.join(different)}.{since} "
            "Nothing is written. Look at them, and decide again."
        )


def _set(keys: Mapping[str, Any], key: str) -> str:
    return repr(keys[key]) if key in keys else "not set"


class DeliveryError(AbkitError):
    """A sink or a logger cannot be used like this; the message says why."""


class CompactionError(AbkitError):
    """Stored events cannot be merged; the message says why. They are all still there."""


class AnalysisError(AbkitError):
    """The data do not allow the analysis; the message says how to fix it."""


class ArgumentError(AnalysisError, TypeError):
    """A call has an unknown argument.

    Attributes:
        called: What was called.
        problem: What is wrong, and how to fix it.
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
        column: The requested column.
        source: The file or table.
        available: The columns of the table.
        advice: An alternative, as a sentence, or nothing.
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
    """A result has no metric or variant with this name.

    Attributes:
        what: What was requested: "metric" or "variant".
        name: The requested name.
        known: The existing names.
        note: An additional sentence with a space before it, or nothing.
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
    """There are no rows to analyze.

    Attributes:
        source: The file or table, or what was searched in it.
        problem: What is missing, and how to fix it.
    """

    def __init__(self, source: str, problem: str) -> None:
        super().__init__(source, problem)
        self.source = source
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.source} {self.problem}"


class OutsideFrameError(EmptyDataError):
    """There are exposures of the experiment, but none in the time range.

    Attributes:
        source: The file or table.
        problem: The requested range, and the time of the exposures.
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
        control: The requested control.
        found: The variants in the data.
        left_out: Units that are left out as they saw several variants, where that is the cause.
    """

    def __init__(self, control: str, found: Sequence[str], *, left_out: int = 0) -> None:
        self.control = control
        self.found: tuple[str, ...] = tuple(found)
        self.left_out = left_out
        super().__init__(control, self.found)

    def __str__(self) -> str:
        found = ", ".join(map(repr, self.found)) or "none"
        if self.left_out:
            one = self.left_out == 1
            jumped = (
                "1 unit is left out as it"
                if one
                else f"{self.left_out:,} units are left out as they"
            )
            others = f"the others saw only {found}" if self.found else "there are no others"
            return (
                f"There is nothing to compare with the control {self.control!r} yet: {jumped} saw "
                f"several variants, and {others}. Wait for more units, or count those for the variant that "
                "they saw first: AnalysisPlan(several='first')."
            )
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
        destination: The name of the destination.
        problem: What is wrong, without any secret of the destination.
    """

    def __init__(self, destination: str, problem: str) -> None:
        super().__init__(destination, problem)
        self.destination = destination
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.destination}: {self.problem}"
