"""The experiments of an application, ready to answer, under the settings that are in force."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from abkit.errors import (
    DeclarationError,
    DuplicateExperimentError,
    UnknownExperimentError,
)
from abkit.events import system_time
from abkit.experiments.deciding.active import active_experiments
from abkit.experiments.deciding.answer import Clock, Decide
from abkit.experiments.deciding.apart import check_apart
from abkit.experiments.deciding.weights_drawn_with import Weigh, weigher_of
from abkit.experiments.declaring.declaration import Declaration
from abkit.experiments.declaring.experiment import Experiment, decides_in_code, is_experiment
from abkit.experiments.declaring.identities import VISITOR

if TYPE_CHECKING:
    from abkit.experiments.deciding.held_out import HeldOut
    from abkit.experiments.deciding.settings import SettingsSource, Watch
    from abkit.experiments.deciding.sticky import Kept, StickyVariantSource


_NOBODY: tuple[object, Callable[..., object]] = object(), lambda *_: None


class Registered:
    """An experiment, ready to answer. It is not changed, but replaced.

    Attributes:
        experiment: Its hooks are asked.
        declared: What its class says.
        declaration: What is in force: the class, and the settings.
        decide: From the subjects of a request to what their unit gets.
        kept: The variants that its units keep; None if it is not sticky, or nothing keeps them.
        identity: Name, salt and unit type: what all exposures of the experiment share.
        weigh: From the parameters of a decision to the weights with which it was drawn.
        exposer: The handler that its units were last exposed to, and what exposes them to that one. Who
            exposes them to another replaces both, as one tuple.
        held_out: Its holdouts; None if it has none.
        holdout_exposer: As `exposer`, of what exposes units to the holdouts that are not exposed to the
            experiment.
    """

    # No tuple: reading an attribute of one takes longer, and this is read at each request.
    __slots__ = (
        "decide",
        "declaration",
        "declared",
        "experiment",
        "exposer",
        "held_out",
        "holdout_exposer",
        "identity",
        "kept",
        "weigh",
    )

    experiment: Experiment
    declared: Declaration
    declaration: Declaration
    decide: Decide
    identity: tuple[str, str, str]
    exposer: tuple[object, Callable[..., object]]
    holdout_exposer: tuple[object, Callable[..., object]]

    def __init__(
        self,
        experiment: Experiment,
        declared: Declaration,
        declaration: Declaration,
        decide: Decide,
        kept: "Kept | None" = None,
        held_out: "HeldOut | None" = None,
    ) -> None:
        self.experiment = experiment
        self.declared = declared
        self.declaration = declaration
        self.decide = decide
        self.kept: Kept | None = kept
        self.identity = (declaration.name, declaration.salt, declaration.unit_type)
        self.weigh: Weigh = weigher_of(declaration, in_code=decides_in_code(type(experiment)))
        self.held_out: HeldOut | None = held_out
        self.exposer = self.holdout_exposer = _NOBODY


class Registry:
    """Experiments by name and by class.

    Args:
        clock: Gives the seconds since the epoch; None: the system's.
    """

    def __init__(self, *, clock: Clock | None) -> None:
        self._clock = clock or system_time
        self.entries: dict[str | type[Experiment], Registered] = {}
        """By name and by class. It is the same object for ever; whoever serves requests keeps it."""
        self.watch: Watch | None = None
        """Looks at the settings; None if there are none."""
        self.sticky_variants: StickyVariantSource | None = None
        """Where sticky experiments keep their variants; None: nowhere."""
        self.visitor_variants: StickyVariantSource | None = None
        """Where those on visitors keep them, if there is no other place."""

    def add(self, experiment: type[Experiment], param_name: str | None = None) -> None:
        """As `ExperimentManager.add`."""
        if not (isinstance(experiment, type) and issubclass(experiment, Experiment)):
            raise DeclarationError("add", f"takes an Experiment class, not {experiment!r}")
        if not is_experiment(experiment):
            problem = "is a base class: an experiment declares `variants` or overrides assign()"
            raise DeclarationError(experiment.__name__, problem)
        declared = experiment.declaration
        if param_name is not None and param_name != declared.param_name:
            declared = declared._replace(param_name=param_name)
        replaced = self._replaced_by(experiment, declared.name)
        for other in self.experiments():
            if other is not replaced:
                check_apart(declared, other.declared)
        if replaced is not None:
            del self.entries[type(replaced.experiment)]
        self._put(experiment(), declared, declared)
        if self.watch is not None:
            self._put_under_settings(self.watch, self.entries[declared.name])

    def load(self, module: str) -> tuple[str, ...]:
        """As `ExperimentManager.load`."""
        experiments = active_experiments(module)
        for experiment in experiments:
            if experiment not in self.entries:  # a module may be loaded twice
                self.add(experiment)
        return tuple(experiment.name for experiment in experiments)

    def find(self, experiment: str | type[Experiment]) -> Registered:
        """The experiment of that name or class.

        Raises:
            UnknownExperimentError: There is none.
        """
        try:
            return self.entries[experiment]
        except (KeyError, TypeError):
            pass
        if not (isinstance(experiment, type) and issubclass(experiment, Experiment)):
            raise UnknownExperimentError(str(experiment), self)
        entry = self.entries.get(experiment.name)
        # Who imported a class before its module was reloaded has the class that was replaced.
        if entry is not None and _is_redefined(experiment, type(entry.experiment)):
            return entry
        raise UnknownExperimentError(experiment.__name__, self)

    def experiments(self) -> Iterator[Registered]:
        """All of them, in the order in which they were registered."""
        return (entry for key, entry in [*self.entries.items()] if isinstance(key, str))

    def use_settings(
        self,
        source: "Mapping[str, Any] | str | os.PathLike[str] | SettingsSource",
        *,
        interval: float,
        strict: bool,
        failed: Callable[[Exception], object],
    ) -> None:
        """Put settings in force now, and look for changes once per interval.

        Args:
            source: As `ExperimentManager.use_settings` takes it.
            interval: Seconds between two looks.
            strict: Look within the request, however long it takes, so that `failed` can raise into it.
            failed: Is told of each error.
        """
        from abkit.experiments.deciding.settings import SettingsFile, SettingsMapping, Watch
        from abkit.experiments.deciding.settings_place import settings_at

        found: SettingsSource
        if isinstance(source, str | os.PathLike):
            found = settings_at(source)
        else:
            found = SettingsMapping(source) if isinstance(source, Mapping) else source
        is_at_hand = isinstance(found, SettingsFile) or isinstance(source, dict)
        watch = Watch(
            found, interval=interval, in_background=not (strict or is_at_hand), failed=failed
        )
        self.watch = watch
        if watch.begin(time.monotonic()):
            self._look(watch)

    def use_sticky_variants(self, sticky_variants: "StickyVariantSource | None") -> None:
        """Take the variants of sticky experiments from there, those of experiments added later too."""
        self.sticky_variants = sticky_variants
        self._put_sticky()

    def use_visitor_variants(self, visitor_variants: "StickyVariantSource | None") -> None:
        """As `use_sticky_variants`, of experiments on visitors; where both are given, the other counts."""
        self.visitor_variants = visitor_variants
        self._put_sticky()

    def _put_sticky(self) -> None:
        for entry in [*self.experiments()]:
            if entry.declaration.sticky:
                self._put(entry.experiment, entry.declared, entry.declaration)

    def refresh(self) -> None:
        """Have the settings looked at if it is time to, and what has changed put into force."""
        watch, now = self.watch, time.monotonic()
        if watch is None or not watch.is_due(now) or not watch.begin(now):
            return
        if watch.in_background:
            self._look_meanwhile(watch)
        else:
            self._look(watch)

    def _look_meanwhile(self, watch: "Watch") -> None:
        from threading import Thread

        try:
            Thread(target=self._look, args=(watch,), name="abkit-settings", daemon=True).start()
        except RuntimeError:  # There are no new threads at the end of the program.
            watch.end()

    def _look(self, watch: "Watch") -> None:
        try:
            if watch.look():
                for entry in [*self.experiments()]:
                    self._put_under_settings(watch, entry)
        finally:
            watch.end()

    def _put_under_settings(self, watch: "Watch", entry: Registered) -> None:
        try:
            declaration = self._under_settings(entry.declared)
            if declaration != entry.declaration:
                self._put(entry.experiment, entry.declared, declaration)
        except Exception as error:  # noqa: BLE001 - settings may be anything; a request must not care
            watch.complain(error)

    def _under_settings(self, declared: Declaration) -> Declaration:
        """What is in force by the settings.

        Raises:
            Exception: The experiment cannot have them; whatever their values raise.
        """
        if self.watch is None:
            return declared
        from abkit.experiments.deciding.settings import apply

        return apply(declared, self.watch.settings.get(declared.name, {}))

    def _put(self, experiment: Experiment, declared: Declaration, declaration: Declaration) -> None:
        # With the first experiment, rather than with abkit: it loads all that decides.
        from abkit.experiments.deciding.decision import compile_decision

        source = self.sticky_variants
        if source is None and declaration.unit_type == VISITOR:
            source = self.visitor_variants
        kept = source.of(declaration) if declaration.sticky and source is not None else None
        recall = None if kept is None else kept.recall
        decide = compile_decision(experiment, declaration, clock=self._clock, recall=recall)
        held_out = None
        if declaration.holdouts:
            from abkit.experiments.deciding.held_out import HeldOut

            held_out = HeldOut(experiment, declaration, clock=self._clock, recall=recall)
        entry = Registered(experiment, declared, declaration, decide, kept, held_out)
        self.entries[declaration.name] = self.entries[type(experiment)] = entry

    def _replaced_by(self, experiment: type[Experiment], name: str) -> Registered | None:
        """The experiment that has the name, if the class is that one defined anew.

        Raises:
            DuplicateExperimentError: It is another one.
        """
        known = self.entries.get(name)
        if known is None or _is_redefined(type(known.experiment), experiment):
            return known
        classes = (type(known.experiment), experiment)
        names = [f"{cls.__module__}.{cls.__qualname__}" for cls in classes]
        raise DuplicateExperimentError(name, *names)

    def __iter__(self) -> Iterator[str]:
        return (key for key in self.entries if isinstance(key, str))


def _is_redefined(old: type[Experiment], new: type[Experiment]) -> bool:
    """Whether a class is the other one defined anew, by a reloaded module or a notebook's cell."""
    # A class that was made without a module has none.
    place, name = getattr(old, "__module__", ""), old.__qualname__
    same = (getattr(new, "__module__", None), new.__qualname__) == (place, name)
    if old is new or not same or "<locals>" in name:
        return False
    # If the old one can still be found where it was defined, there are two.
    found: Any = sys.modules.get(place)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found is not old
