"""`request.experiments`."""

from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest

from abkit.integrations.django.apps import abkit_app
from abkit.integrations.per_request import RequestExperiments


class DjangoExperiments(RequestExperiments):
    """The experiments of a request."""

    async def aload(self) -> "DjangoExperiments":
        """Look the subjects up where the database may be asked; in an async view, await this first."""
        await sync_to_async(lambda: self.subjects)()
        return self


def experiments_of(request: HttpRequest) -> DjangoExperiments:
    """The experiments of a request; the same object at each call."""
    carrier: Any = request
    found = getattr(carrier, "experiments", None)
    if not isinstance(found, DjangoExperiments):
        app = abkit_app()
        subjects = app.configuration.subjects
        found = DjangoExperiments(app.manager, lambda: subjects(request), source=subjects)
        carrier.experiments = found
    return found
