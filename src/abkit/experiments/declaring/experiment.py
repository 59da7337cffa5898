"""The class that users write; it is checked when it is defined."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeGuard

from abkit.errors import DeclarationError
from abkit.events import Variant
from abkit.experiments.declaring.declaration import Bucketing, Declaration
from abkit.experiments.declaring.declared_class import declaration_of
from abkit.experiments.declaring.names import ARGUMENTS_OF_CALLS
from abkit.experiments.declaring.spelling import check_spelling

if TYPE_CHECKING:
    from datetime import date

    from abkit.assignment.params import Params
    from abkit.experiments.declaring.analysis_plan import AnalysisPlan
    from abkit.experiments.declaring.holdout import Holdout
    from abkit.experiments.declaring.layer import Layer
    from abkit.experiments.declaring.metrics import Metric


class Experiment:
    """An experiment on any unit. Subclass it, or one of the three for orgs, users and visitors.

    A class that declares `variants`, or overrides `assign`, is an experiment; one that only sets
    `unit_type` is a base for others. All of it is checked when the class is defined; `declaration`
    then has it as one frozen value, whose attributes say what each of these means.

    Raises:
        DeclarationError: When a class is defined that cannot be an experiment.
    """

    unit_type: ClassVar[str] = ""
    """The keyword under which the randomized subject is passed, such as "org"."""
    name: ClassVar[str]
    """Defaults to the name of the class."""
    salt: ClassVar[str]
    """Defaults to `name`. Set it when the name changes, so that no unit changes its variant."""
    param_name: ClassVar[str] = "variant"
    control: ClassVar[Any] = None
    bucketing: ClassVar[str] = Bucketing.PLANOUT
    rollout: ClassVar[float] = 1.0
    starts: "ClassVar[date | str | None]" = None
    ends: "ClassVar[date | str | None]" = None
    enabled: ClassVar[bool] = True
    own_randomization: ClassVar[bool] = False
    """Whether `assign()` randomizes by other means than random operators: what it writes without one is then
    assigned. Otherwise that is forced, and no exposure."""
    winner: ClassVar[Any] = None
    forced: ClassVar[Mapping[Any, Iterable[str | int]]] = {}
    """An allow-list: the ids of the units that get a variant whatever the randomization says."""
    layer: "ClassVar[Layer | None]" = None
    slots: ClassVar[Iterable[int] | None] = None
    holdouts: "ClassVar[Sequence[Holdout]]" = ()
    metrics: "ClassVar[Sequence[Metric | str]]" = ()
    """What success means: metrics, or the names of those in the project's catalogue (METRICS)."""
    plan: "ClassVar[AnalysisPlan | None]" = None
    """How the experiment will be judged; None: as the project says, or by default."""
    sticky: ClassVar[bool] = False
    frozen: ClassVar[bool] = False
    hypothesis: ClassVar[str] = ""
    owner: ClassVar[str] = ""

    declaration: ClassVar[Declaration]
    """What the class declares, checked."""

    if TYPE_CHECKING:
        # The subjects are the subclass's own: `assign(self, params, org, actor)`.
        assign: Any
        eligible: Any
        # `variants` is not declared for the type checker, which so sees each class's own type of them.
    else:
        variants = None
        """The variants with their weights, or a list of equally likely ones; the first is the control."""

        def assign(self, params: "Params", **subjects: object) -> bool | None:
            """Write the parameters of one unit. Override it to decide in code.

            Take the subjects that the code needs by name: `def assign(self, params, org, actor)`.
            Write random operators into `params`; return False to leave the unit out.
            """
            from abkit.assignment._planout import WeightedChoice
            from abkit.experiments.declaring.subjects import missing_subject, subject_of, unit_id_of

            cls = type(self)
            weights = cls.declaration.weights
            unit = unit_id_of(subject_of(cls.unit_type, subjects))
            if unit is None:
                raise missing_subject(cls.name, cls.unit_type, subjects)
            params[cls.param_name] = WeightedChoice(
                choices=[*weights], weights=[*weights.values()], unit=unit
            )

        def eligible(self, **subjects: object) -> bool:  # noqa: ARG002 - for those who override it
            """Whether the experiment is for this unit at all. Override it as you do `assign`."""
            return True

    def default_value(self) -> Variant:
        """What units get that are not enrolled, and everybody when something fails: the control."""
        control = self.declaration.control
        if control is None:
            raise DeclarationError(self.name, "declares no variants: override default_value()")
        return control

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # A name or a salt is one class's own: a subclass is another experiment.
        cls.name = cls.__dict__.get("name", cls.__name__)
        cls.salt = cls.__dict__.get("salt", cls.name)
        check_spelling(cls, str(cls.name), in_code=decides_in_code(cls))
        if is_experiment(cls):
            cls.declaration = declaration_of(cls, name=cls.name, salt=cls.salt)
            _check_hooks(cls)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} by {self.unit_type}>"


def is_experiment(cls: type[Experiment]) -> bool:
    """Whether a class is an experiment itself, rather than a base for experiments."""
    return getattr(cls, "variants", None) is not None or decides_in_code(cls)


def declares(found: object) -> TypeGuard[type[Experiment]]:
    """Whether something that stands in a list of experiments, which may be anything, is an experiment."""
    return isinstance(found, type) and issubclass(found, Experiment) and is_experiment(found)


def decides_in_code(cls: type[Experiment]) -> bool:
    """Whether a class has an `assign()` of its own."""
    return cls.assign is not Experiment.assign


def control_of(experiment: type[Experiment]) -> Variant:
    """The variant that the others are compared with: as declared, else what `default_value()` gives."""
    control = experiment.declaration.control
    return experiment().default_value() if control is None else control


def _check_hooks(cls: type[Experiment]) -> None:
    """Refuse what would fail, or give nonsense, at the first request."""
    shapes = {
        "assign": "assign(self, params, ...)",
        "eligible": "eligible(self, ...)",
        "default_value": "default_value(self)",
    }
    for hook, shape in shapes.items():
        if getattr(cls, hook) is getattr(Experiment, hook):
            continue
        import inspect  # Who only declares need not wait for it.

        function = inspect.getattr_static(cls, hook)
        if not inspect.isfunction(function) or inspect.iscoroutinefunction(function):
            raise DeclarationError(cls.name, f"{hook} must be a plain method: def {shape}")
        if len(inspect.signature(function).parameters) < shape.count(",") + 1 - shape.count("..."):
            raise DeclarationError(cls.name, f"{hook} must take its arguments: def {shape}")
        _check_arguments(cls, hook, function, behind=shape.count(",") + 1 - shape.count("..."))
    has_default = cls.default_value is not Experiment.default_value
    if getattr(cls, "variants", None) is None and cls.control is None and not has_default:
        problem = "declare `variants` or `control`, or override default_value()"
        raise DeclarationError(cls.name, problem)
    if decides_in_code(cls) and cls.bucketing != Bucketing.PLANOUT:
        raise DeclarationError(cls.name, "assign() in code hashes as PlanOut; remove `bucketing`")


def _check_arguments(cls: type[Experiment], hook: str, function: Any, *, behind: int) -> None:
    """Refuse a hook that asks for a subject which no call can pass, behind its first arguments."""
    import inspect

    for parameter in [*inspect.signature(function).parameters.values()][behind:]:
        if parameter.default is not parameter.empty:
            continue
        if parameter.kind is parameter.POSITIONAL_ONLY:
            problem = f"takes {parameter.name!r} by position, and subjects are passed by name: move the `/`"
        elif parameter.name == "params":
            problem = "must take `params` first: def assign(self, params, ...)"
        elif parameter.name in ARGUMENTS_OF_CALLS:
            problem = (
                f"cannot ask for a subject called {parameter.name!r}: that is an argument of get() or "
                "log_exposure() itself"
            )
        else:
            continue
        raise DeclarationError(cls.name, f"{hook} {problem}")


class OrgExperiment(Experiment):
    """An experiment on organizations: everybody in one gets the same variant."""

    unit_type = "org"


class UserExperiment(Experiment):
    """An experiment on users."""

    unit_type = "user"


class VisitorExperiment(Experiment):
    """An experiment on visitors, signed in or not: each browser gets its variant."""

    unit_type = "visitor"
