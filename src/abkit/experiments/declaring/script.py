"""An experiment whose `assign()` is a PlanOut script: it can change while the code does not."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from pathlib import Path
from typing import Any, ClassVar

from abkit.assignment._planout import PlanOutOpRandom
from abkit.assignment.compiler import Operators
from abkit.assignment.hashing import sha1
from abkit.assignment.interpreter import Script, compile_script
from abkit.assignment.params import Params, mark_randomized
from abkit.errors import DeclarationError
from abkit.experiments.declaring.experiment import Experiment
from abkit.experiments.declaring.subjects import id_value_of

_KINDS = ("org", "user", "actor")


class ScriptExperiment(Experiment):
    """An experiment that a PlanOut script decides: `class Banner(ScriptExperiment, OrgExperiment)`.

    A class is an experiment once it has a `script`. As in code, a variant that the script sets without
    executing any of its random operators is forced.

    Raises:
        DeclarationError: When a class is defined whose script cannot be read or run; the message names
            the place in the script.
    """

    script: ClassVar[Mapping[str, Any] | str | os.PathLike[str] | None] = None
    """The script as its JSON's value, or the path of its JSON file from the folder of the module that
    declares it."""
    inputs: ClassVar[Mapping[str, str]] = {}
    """What the script's variables are: "user" for a subject's id, "user.country" for an attribute. The
    ids of all subjects are inputs under their own names too."""
    operators: ClassVar[Operators] = {}
    """Operators of one's own: PlanOutOp classes by the name that the script knows them by."""

    compiled: ClassVar[Script]
    """The script, ready to run."""
    fingerprint: ClassVar[str]
    """Changes with the script, and with what its inputs are."""

    _attributes: ClassVar[tuple[tuple[str, str, Callable[[Any], Any]], ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if cls.script is not None:
            name = cls.__dict__.get("name", cls.__name__)
            cls.compiled = compile_script(
                _code_of(cls, name), name=f"{name}.script", operators=cls.operators
            )
            cls._attributes = tuple(_attributes_of(name, cls.inputs))
            decides = json.dumps([cls.compiled.checksum, sorted(cls.inputs.items())])
            cls.fingerprint = sha1(decides.encode()).hexdigest()[:16]
            _check_variables(cls, name)
            if cls.assign is Experiment.assign:
                cls.assign = _assign_by_script
        super().__init_subclass__(**kwargs)


def _assign_by_script(experiment: ScriptExperiment, params: Params, **subjects: Any) -> bool | None:
    """Run the script; it is the `assign()` of each class that has one."""
    script = experiment.compiled
    values = {kind: id_value_of(subject) for kind, subject in subjects.items()}
    for variable, kind, attribute in experiment._attributes:
        subject = subjects.get(kind)
        values[variable] = None if subject is None else attribute(subject)
    # A script without random operators is the randomization itself: what it can do stands in it.
    if not script.uses(PlanOutOpRandom):
        mark_randomized(params)
    return script.run(params, values)


def _code_of(cls: type[ScriptExperiment], name: str) -> Any:
    """The script as its JSON's value."""
    if not isinstance(cls.script, str | os.PathLike):
        return cls.script
    declaring = next(base for base in cls.__mro__ if "script" in base.__dict__)
    module = sys.modules.get(declaring.__module__)
    path = Path(getattr(module, "__file__", None) or "").parent / cls.script
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DeclarationError(name, f"its script {path} cannot be read: {error}") from None
    except ValueError as error:
        raise DeclarationError(name, f"its script {path} is no JSON: {error}") from None


def _attributes_of(name: str, inputs: Any) -> Iterator[tuple[str, str, Callable[[Any], Any]]]:
    """Variable, kind of subject, and what is taken of the subject."""
    if not isinstance(inputs, Mapping):
        problem = f'`inputs` must look like {{"userid": "user"}}, not {inputs!r}'
        raise DeclarationError(name, problem)
    for variable, source in inputs.items():
        parts = source.split(".") if isinstance(source, str) else [""]
        if not isinstance(variable, str) or not all(part.isidentifier() for part in parts):
            problem = (
                f'`inputs` gives {variable!r} the source {source!r}; it must be a subject ("user") '
                'or an attribute of one ("user.country")'
            )
            raise DeclarationError(name, problem)
        kind, *attributes = parts
        yield variable, kind, attrgetter(".".join(attributes)) if attributes else id_value_of


def _check_variables(cls: type[ScriptExperiment], name: str) -> None:
    """Refuse a script that reads what nobody gives it, or never sets the variant.

    An unknown variable would be None for every unit: they would all get the same.
    """
    script = cls.compiled
    unknown = script.reads - {*cls.inputs, *_KINDS, cls.unit_type, "experiment_salt"}
    if unknown:
        variable = min(unknown)
        problem = (
            f'its script reads {variable!r}: say what that is, inputs = {{"{variable}": "user"}}'
        )
        raise DeclarationError(name, problem)
    if cls.param_name not in script.sets and not cls.operators:
        sets = ", ".join(map(repr, sorted(script.sets))) or "nothing"
        problem = (
            f"its script sets {sets}: one of these must be the `param_name`, not {cls.param_name!r}"
        )
        raise DeclarationError(name, problem)
