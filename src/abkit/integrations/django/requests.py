"""`request.experiments`."""

from collections.abc import Callable, Mapping
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest

from abkit.integrations.django.apps import abkit_app
from abkit.integrations.django.visitors import DjangoVisitor
from abkit.integrations.per_request import RequestExperiments
from abkit.manager import ExperimentManager


class DjangoExperiments(RequestExperiments):
    """The experiments of a request."""

    def __init__(
        self,
        manager: ExperimentManager,
        subjects: Callable[[], Mapping[str, object] | None],
        *,
        source: Callable[..., object] | None = None,
        visitor: DjangoVisitor | None = None,
    ) -> None:
        super().__init__(manager, subjects, source=source, visitor=visitor)
        self.visitor = visitor

    async def aload(self) -> "DjangoExperiments":
        """Look the subjects and the visitor up where the database may be asked.

        In an async view, await this first.
        """
        await sync_to_async(self._load)()
        return self

    def _load(self) -> None:
        _ = self.subjects
        if self.visitor is not None:
            self.visitor.recognize()


def experiments_of(request: HttpRequest) -> DjangoExperiments:
    """The experiments of a request; the same object at each call."""
    found = getattr(request, "experiments", None)
    if isinstance(found, DjangoExperiments):
        return found
    experiments, visitor = begin_experiments(request)
    visitor.begin_response()  # Without the middleware, no response can carry the cookie.
    return experiments


def begin_experiments(request: HttpRequest) -> tuple[DjangoExperiments, DjangoVisitor]:
    """Give a request its experiments, and the visitor whom its response is about."""
    app = abkit_app()
    subjects = app.configuration.subjects
    visitor = DjangoVisitor(app.visitors, request)
    experiments = DjangoExperiments(
        app.manager, lambda: subjects(request), source=subjects, visitor=visitor
    )
    carrier: Any = request
    carrier.experiments = experiments
    return experiments, visitor
