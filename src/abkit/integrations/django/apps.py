"""The application: it registers the experiments when Django starts."""

from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.core.checks import CheckMessage, register
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.db import router
from django.db.models.signals import post_migrate
from django.http import HttpRequest

from abkit.experiments.declaring.experiment import Experiment
from abkit.file_systems import is_url
from abkit.integrations.django.configuration import PERMISSION, Configuration, configuration_of
from abkit.integrations.django.registration import Registration, registered
from abkit.integrations.endpoint import LogExposureEndpoint
from abkit.integrations.per_request import RequestExperiments
from abkit.integrations.visitors import Visitors
from abkit.manager import ExperimentManager, expt_manager

if TYPE_CHECKING:
    from abkit.panel import Panel


class AbkitConfig(AppConfig):
    """Registers the experiments with `abkit.expt_manager`; it starts no thread.

    What is wrong does not stop Django here, so that `manage.py check` can say all of it; the
    middleware then refuses to be loaded.
    """

    name = "abkit.integrations.django"
    label = "abkit"
    verbose_name: str = "abkit"

    manager: ExperimentManager = expt_manager
    registration: Registration = Registration()

    def ready(self) -> None:
        """Find the experiments, and register them."""
        register(_check, "abkit")
        setting_changed.connect(self._forget, dispatch_uid="abkit")
        user_logged_in.connect(_forget_subjects, dispatch_uid="abkit")
        post_migrate.connect(_make_permission, sender=self, dispatch_uid="abkit")
        self.registration = registered(self.configuration, self.manager)

    @cached_property
    def configuration(self) -> Configuration:
        """The setting `ABKIT`, as it is now."""
        return configuration_of(getattr(settings, "ABKIT", None))

    @cached_property
    def endpoint(self) -> LogExposureEndpoint:
        """Its `stats` say what became of the exposures that browsers sent."""
        return LogExposureEndpoint(self.manager, check_origin=False)

    @cached_property
    def visitors(self) -> Visitors[HttpRequest]:
        """Its `stats` count the visitors."""
        configuration = self.configuration
        return Visitors(
            visitor=configuration.visitor,
            consent=configuration.consent,
            cookie=configuration.visitor_cookie,
            domain=configuration.visitor_cookie_domain,
            max_age=configuration.visitor_cookie_age,
        )

    @cached_property
    def panel(self) -> "Panel":
        """The panel of the experiments.

        Raises:
            ImproperlyConfigured: The setting does not say where the events are.
            ConfigError: What it reads cannot be kept where the setting says.
        """
        from abkit.experiments.changing.settings_writer import SettingsWriter
        from abkit.panel import Panel, StoredSource

        configuration = self.configuration
        events, tables = configuration.panel_events, configuration.panel_tables
        if events is None and tables is None:
            message = (
                'ABKIT needs PANEL_EVENTS, the folder or URL of the events, such as "data/events"; or '
                "PANEL_TABLES, which gives their tables"
            )
            raise ImproperlyConfigured(message)
        settings_file = configuration.settings
        return Panel(
            StoredSource(
                self.manager, events=None if events is None else str(events), tables=tables
            ),
            changes=None
            if settings_file is None or is_url(settings_file)  # What is at a URL is only read.
            else SettingsWriter(settings_file),
            keep=configuration.panel_keep,
            results=configuration.panel_results,
        )

    @property
    def experiments(self) -> tuple[type[Experiment], ...]:
        """The experiments that were found."""
        return self.registration.experiments

    @property
    def problems(self) -> tuple[str, ...]:
        """Why the application cannot serve; nothing if it can."""
        wrong = (f"{problem.what}. {problem.hint}" for problem in self.configuration.problems)
        return (*wrong, *self.registration.errors)

    def _forget(self, *, setting: str, **_: Any) -> None:
        """In a test, `override_settings(ABKIT=...)` counts, but for the experiments."""
        if setting == "ABKIT":
            self.__dict__.pop("configuration", None)
            self.__dict__.pop("visitors", None)
            self.__dict__.pop("panel", None)


def _check(**_: Any) -> list[CheckMessage]:
    """What `manage.py check` says."""
    from abkit.integrations.django.checks import check

    app = abkit_app()
    return check(
        app.configuration,
        app.registration,
        on_event=app.manager.on_event,
        has_sticky_store=app.manager.sticky is not None,
    )


def _make_permission(*, using: str, **_: Any) -> None:
    """Make the permission to act in the panel, where Django's permissions are."""
    if not apps.is_installed("django.contrib.auth"):
        return
    label, codename = PERMISSION.split(".")
    kinds: Any = apps.get_model("contenttypes", "ContentType")
    permissions: Any = apps.get_model("auth", "Permission")
    if not router.allow_migrate_model(using, permissions):  # They are in another database.
        return
    kind = kinds.objects.using(using).get_or_create(app_label=label, model="experiment")[0]
    permissions.objects.using(using).get_or_create(
        content_type=kind, codename=codename, defaults={"name": "Can act on experiments"}
    )


def _forget_subjects(*, request: HttpRequest | None, **_: Any) -> None:
    """A user has signed in: the request is about somebody else from here on."""
    experiments = getattr(request, "experiments", None)
    if isinstance(experiments, RequestExperiments):
        experiments.forget_subjects()


def abkit_app() -> AbkitConfig:
    """The application, once Django has started.

    Raises:
        LookupError: It is not in INSTALLED_APPS.
    """
    return cast("AbkitConfig", apps.get_app_config(AbkitConfig.label))
