"""`{% load abkit %}`: variants, exposures, and what the front end needs to know."""

from typing import Any

from django import template
from django.http import HttpRequest
from django.template import Context, TemplateSyntaxError
from django.utils.html import json_script
from django.utils.safestring import SafeString

from abkit.experiments.deciding.only import Only
from abkit.integrations.django.requests import DjangoExperiments, experiments_of

register: template.Library = template.Library()


@register.simple_tag(takes_context=True)
def experiment(context: Context, name: str) -> Any:
    """The variant: `{% experiment "ShowPlugins" as variant %}`. Nothing is exposed."""
    return _experiments(context)[name]


@register.simple_tag(takes_context=True)
def log_exposure(context: Context, name: str) -> str:
    """Log the exposure, where the variants differ: `{% log_exposure "ShowPlugins" %}`."""
    _experiments(context).log_exposure(name)
    return ""


@register.simple_tag(takes_context=True)
def experiments_json(
    context: Context, element_id: str = "abkit-experiments", only: Only | None = None
) -> SafeString:
    """The variants of the request as JSON in a script element, escaped: `{% experiments_json %}`.

    Those that the page uses: `{% experiments_json only="ShowPlugins, Checkout" %}`, or a list of the context.
    """
    if isinstance(only, str):
        only = [*filter(None, map(str.strip, only.split(",")))]
        if not only:  # As a variable is that the context does not have.
            message = (
                "experiments_json: only= is empty; it takes a list of experiments, or their names as in "
                '{% experiments_json only="ShowPlugins, Checkout" %}'
            )
            raise TemplateSyntaxError(message)
    return json_script(_experiments(context).payload(only=only), element_id)


def _experiments(context: Context) -> DjangoExperiments:
    request = context.get("request")
    if not isinstance(request, HttpRequest):
        message = (
            "abkit's tags need the request: render(request, ...), and "
            '"django.template.context_processors.request" in the context processors'
        )
        raise TemplateSyntaxError(message)
    return experiments_of(request)
