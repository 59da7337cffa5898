"""What `manage.py check` says: what keeps the application from serving, and what `abkit check` says."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from django.conf import settings
from django.core.checks import CheckMessage, Error, Info
from django.core.checks import Warning as CheckWarning

from abkit.errors import ConfigError
from abkit.experiments.checking.check import notices, problems, settings_problems, sticky_problems
from abkit.experiments.checking.lock import LOCK_FILE, compare, read_lock
from abkit.experiments.deciding.settings_place import settings_at
from abkit.experiments.declaring.experiment import Experiment
from abkit.experiments.declaring.identities import VISITOR
from abkit.handler import EventHandler
from abkit.integrations.django.configuration import Configuration
from abkit.integrations.django.registration import Registration

MIDDLEWARE = "abkit.integrations.django.middleware.AbkitMiddleware"
AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"
_PLACE = f"Add it to MIDDLEWARE, below {AUTHENTICATION}."


def check(
    configuration: Configuration,
    registration: Registration,
    *,
    on_event: EventHandler | None,
    has_sticky_store: bool = False,
) -> list[CheckMessage]:
    """Check the setting ABKIT, the experiments, their settings, and the lock.

    abkit.E001: the setting ABKIT; abkit.E002: the experiments cannot be registered; abkit.W001: what
    `abkit check` calls wrong; abkit.W002: what differs from the lock; abkit.W003: an `experiments`
    module without ACTIVE_EXPERIMENTS; abkit.W004: the events go nowhere; abkit.W005: the middleware;
    abkit.I001: there is no lock yet; abkit.I002: what `abkit check` gives notice of, such as an end that
    has passed, which makes no build fail.
    """
    return [
        *_errors(configuration, registration),
        *_wrong(configuration, registration, has_sticky_store=has_sticky_store),
        *_lock(registration),
        *_unused(configuration, registration, on_event),
    ]


def _errors(configuration: Configuration, registration: Registration) -> Iterator[CheckMessage]:
    for problem in configuration.problems:
        yield Error(problem.what, hint=problem.hint, id="abkit.E001")
    for error in registration.errors:
        yield Error(error, id="abkit.E002")


def _wrong(
    configuration: Configuration, registration: Registration, *, has_sticky_store: bool
) -> Iterator[CheckMessage]:
    wrong = problems(registration.experiments)
    if configuration.settings is not None:
        try:
            read = settings_at(configuration.settings).read() or {}
            wrong += settings_problems(registration.experiments, read)
        except ConfigError as error:
            wrong += (str(error),)
    if not has_sticky_store:
        without_cookie = [each for each in registration.experiments if not _is_on_visitors(each)]
        wrong += sticky_problems(without_cookie, where='in ABKIT["STICKY_STORE"]')
    for problem in wrong:
        yield CheckWarning(problem, id="abkit.W001")
    for notice in notices(registration.experiments, now=time.time()):
        yield Info(notice, id="abkit.I002")


def _lock(registration: Registration) -> Iterator[CheckMessage]:
    update, lock = "manage.py abkit check --update", Path(LOCK_FILE)
    if registration.errors or not registration.experiments:
        return
    if not lock.exists():
        what = f"There is no {lock} yet, which says what decides the assignments."
        yield Info(what, hint=f"Write it, and commit it, with: {update}", id="abkit.I001")
        return
    try:
        changes = compare(read_lock(lock), registration.experiments)
    except ConfigError as error:
        yield CheckWarning(str(error), id="abkit.W002")
        return
    for change in changes:
        yield CheckWarning(str(change), hint=f"If this is meant: {update}", id="abkit.W002")


def _unused(
    configuration: Configuration, registration: Registration, on_event: EventHandler | None
) -> Iterator[CheckMessage]:
    for module in registration.without_list:
        yield CheckWarning(
            f"{module} has no ACTIVE_EXPERIMENTS: nothing of it is registered.",
            hint='Add the list, or name your module in ABKIT["EXPERIMENTS"].',
            id="abkit.W003",
        )
    if registration.experiments and on_event is None:
        yield CheckWarning(
            "Exposures and actions go nowhere: abkit.expt_manager has no on_event.",
            hint='Set ABKIT["ON_EVENT"] to an ExposureLogger, or to the path to one.',
            id="abkit.W004",
        )
    on_visitors = [each.name for each in registration.experiments if _is_on_visitors(each)]
    if on_visitors and MIDDLEWARE not in settings.MIDDLEWARE:
        yield CheckWarning(
            f"{', '.join(on_visitors)}: no visitor is enrolled, because {MIDDLEWARE} is missing, which "
            "writes the visitor's cookie.",
            hint=_PLACE,
            id="abkit.W005",
        )
    if configuration.allow_forcing is not None:
        yield from _misplaced(settings.MIDDLEWARE)


def _is_on_visitors(experiment: type[Experiment]) -> bool:
    return experiment.declaration.unit_type == VISITOR


def _misplaced(middleware: Sequence[str]) -> Iterator[CheckMessage]:
    if MIDDLEWARE not in middleware:
        yield CheckWarning(
            f'ABKIT["ALLOW_FORCING"] does nothing without {MIDDLEWARE}.',
            hint=_PLACE,
            id="abkit.W005",
        )
    elif AUTHENTICATION in middleware and (
        middleware.index(MIDDLEWARE) < middleware.index(AUTHENTICATION)
    ):
        yield CheckWarning(
            f"{MIDDLEWARE} is above {AUTHENTICATION}: it cannot know who asks.",
            hint="Move it below.",
            id="abkit.W005",
        )
