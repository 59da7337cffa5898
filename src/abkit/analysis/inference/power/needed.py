"""How many units a test needs: the answer of every method."""

from attrs import frozen


@frozen(kw_only=True)
class Look:
    """A planned look of a group sequential test.

    Attributes:
        units: The units of both arms together at this look.
        bound: The |z| at which to stop.
        power: The probability to have found the effect by then.
    """

    units: float
    bound: float
    power: float


@frozen(kw_only=True)
class Needed:
    """How many units of both arms together a test needs.

    Attributes:
        units: With so many, it finds the effect with the power that was asked for. That is the size to
            plan, and the most that it takes.
        mean: The mean number of units at which it stops, if it is there, and at the latest at `units`;
            None for a test of one look, which takes all of them.
        mean_until_found: The same of a test that goes on until it finds the effect; None where that is
            not an option.
        mean_without_effect: The same as `mean` where there is no difference at all.
        looks: The planned looks; empty where it may be looked at any time, or only once.
        error: The standard error of `units`, relative to it, if these were simulated: 0.004 is 0.4%.
    """

    units: int
    mean: float | None = None
    mean_until_found: float | None = None
    mean_without_effect: float | None = None
    looks: tuple[Look, ...] = ()
    error: float | None = None
