"""What every template knows."""

from django.http import HttpRequest

from abkit.integrations.django.requests import DjangoExperiments, experiments_of


def experiments(request: HttpRequest) -> dict[str, DjangoExperiments]:
    """`{{ experiments.ShowPlugins }}` is the variant; evaluated once, if at all."""
    return {"experiments": experiments_of(request)}
