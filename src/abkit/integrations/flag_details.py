"""An assignment as OpenFeature tells it: value, variant and reason."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

from openfeature import flag_evaluation
from openfeature.exception import ErrorCode, FlagNotFoundError, TypeMismatchError
from openfeature.flag_evaluation import FlagMetadata, FlagResolutionDetails, FlagValueType

from abkit.assignment.assignment import Assignment, Reason
from abkit.events import variant_text
from abkit.experiments.declaring.declaration import Declaration

Structure: TypeAlias = Sequence[FlagValueType] | Mapping[str, FlagValueType]

_REASONS: Mapping[Reason, flag_evaluation.Reason] = MappingProxyType(
    {
        Reason.ASSIGNED: flag_evaluation.Reason.SPLIT,
        Reason.FORCED: flag_evaluation.Reason.TARGETING_MATCH,
        Reason.INELIGIBLE: flag_evaluation.Reason.DEFAULT,
        Reason.NOT_ENROLLED: flag_evaluation.Reason.DEFAULT,
        Reason.EXCLUDED: flag_evaluation.Reason.DEFAULT,
        Reason.HOLDOUT: flag_evaluation.Reason.DEFAULT,
        Reason.INACTIVE: flag_evaluation.Reason.DISABLED,
        Reason.ERROR: flag_evaluation.Reason.ERROR,
    }
)

_WITH_A_VALUE = {
    flag_evaluation.Reason.SPLIT,
    flag_evaluation.Reason.TARGETING_MATCH,
    flag_evaluation.Reason.STATIC,
}


def details(
    assignment: Assignment,
    declaration: Declaration,
    parameter: str | None,
    default: Any,
    converted: Callable[[object], Any],
) -> FlagResolutionDetails[Any]:
    """The details of an assignment; the caller's default where the experiment leaves it to that.

    Args:
        assignment: What the unit gets.
        declaration: The experiment's, as it is in force.
        parameter: The parameter that is read; None: the variant, or all parameters as a structure.
        default: The caller's.
        converted: One of the functions below: the value as the type that the caller wants.

    Raises:
        TypeMismatchError: The value is of another type.
        FlagNotFoundError: The experiment gave its parameters, and this is none of them.
    """
    reason = _reason(assignment, declaration)
    params = assignment.params
    if reason not in _WITH_A_VALUE:
        return _left_to_the_caller(assignment, default, reason)
    if parameter is not None and parameter not in params:
        if assignment.reason is Reason.ASSIGNED:
            known = ", ".join(params)
            message = f"{assignment.experiment} has no such parameter. It has: {known}"
            raise FlagNotFoundError(message)
        # A variant that is forced, or has won, comes without the parameters that assign() would write.
        return _left_to_the_caller(assignment, default, flag_evaluation.Reason.DEFAULT)
    if parameter is not None:
        value = params[parameter]
    else:
        value = dict(params) if converted is structure else assignment.variant
    return FlagResolutionDetails(
        converted(value),
        reason=reason,
        variant=variant_text(assignment.variant),
        flag_metadata=_metadata(assignment),
    )


def _reason(assignment: Assignment, declaration: Declaration) -> flag_evaluation.Reason:
    if (
        assignment.reason is Reason.INACTIVE
        and declaration.enabled
        and declaration.winner is not None
    ):
        return flag_evaluation.Reason.STATIC
    return _REASONS[assignment.reason]


def _left_to_the_caller(
    assignment: Assignment, default: Any, reason: flag_evaluation.Reason
) -> FlagResolutionDetails[Any]:
    failed = reason is flag_evaluation.Reason.ERROR
    return FlagResolutionDetails(
        default,
        reason=reason,
        error_code=ErrorCode.GENERAL if failed else None,
        error_message=f"{assignment.experiment} failed; see the log" if failed else None,
        flag_metadata=_metadata(assignment),
    )


def _metadata(assignment: Assignment) -> FlagMetadata:
    return {
        "experiment": assignment.experiment,
        "unit_type": assignment.unit_type,
        "unit_id": assignment.unit_id,
        "reason": str(assignment.reason),
    }


def _mismatch(value: object, wanted: str) -> TypeMismatchError:
    return TypeMismatchError(f"the value {value!r} is not {wanted}")


def boolean(value: object) -> bool:
    """A boolean as it is; another value is a TypeMismatchError."""
    if isinstance(value, bool):
        return value
    raise _mismatch(value, "a boolean")


def string(value: object) -> str:
    """A text as it is; another value is a TypeMismatchError."""
    if isinstance(value, str):
        return value
    raise _mismatch(value, "a string")


def integer(value: object) -> int:
    """A whole number as it is; another value is a TypeMismatchError."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise _mismatch(value, "an integer")


def number(value: object) -> float:
    """A number as a float; another value is a TypeMismatchError."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise _mismatch(value, "a number")


def structure(value: object) -> Structure:
    """A mapping or a list, as a dict or a list; another value is a TypeMismatchError."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return list(value)
    raise _mismatch(value, "a structure or a list")
