"""Django: the template tags and the context processor."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from django.http import HttpRequest
from django.template import Context, Template, TemplateSyntaxError
from django.test import Client

from abkit import UnknownExperimentError, expt_manager
from abkit.events import Event
from abkit.integrations.django.requests import DjangoExperiments


def request_of(subjects: Mapping[str, object]) -> HttpRequest:
    request: Any = HttpRequest()
    request.experiments = DjangoExperiments(expt_manager, lambda: subjects)
    found: HttpRequest = request
    return found


def test_a_template_has_variants_exposures_and_the_payload(events: list[Event]) -> None:
    client = Client()
    client.get("/sign-in/member/42/")
    text = client.get("/template/").text
    variant = expt_manager.get("ShowPlugins", org="42")
    assert text.startswith(f"{variant} {variant}")
    found = re.search(r'<script id="abkit-experiments" type="application/json">(.*)</script>', text)
    assert found is not None
    assert json.loads(found[1])["ShowPlugins"]["variant"] == variant
    assert len(events) == 1


@pytest.mark.parametrize("only", ['only="ShowPlugins, "', "only=used", "only=used.0"])
def test_a_page_may_have_the_experiments_that_it_uses_only(only: str, events: list[Event]) -> None:
    request = request_of({"org": "42"})
    template = Template(f"{{% load abkit %}}{{% experiments_json {only} %}}")
    text = template.render(Context({"request": request, "used": ["ShowPlugins"]}))
    found = json.loads(text.partition(">")[2].rpartition("<")[0])
    assert [*found] == ["ShowPlugins", "$only"]


def test_a_list_that_the_context_does_not_have_is_an_error(events: list[Event]) -> None:
    template = Template("{% load abkit %}{% experiments_json only=usde %}")
    with pytest.raises(TemplateSyntaxError, match="only= is empty; it takes a list"):
        template.render(Context({"request": request_of({"org": "42"})}))


def test_what_the_payload_says_cannot_end_its_script(events: list[Event]) -> None:
    request = request_of({"org": "</script><script>"})
    template = Template("{% load abkit %}{% experiments_json 'its-id' %}")
    text = template.render(Context({"request": request}))
    assert text.startswith('<script id="its-id" type="application/json">')
    assert text.count("<script") == text.count("</script") == 1


def test_a_tag_without_the_request_says_what_it_needs(events: list[Event]) -> None:
    template = Template("{% load abkit %}{% experiment 'ShowPlugins' %}")
    with pytest.raises(TemplateSyntaxError, match="tags need the request"):
        template.render(Context())


def test_an_unknown_experiment_is_an_error_in_a_template_too(events: list[Event]) -> None:
    template = Template("{% load abkit %}{% experiment 'ShowPlugin' as variant %}")
    with pytest.raises(UnknownExperimentError, match="Did you mean 'ShowPlugins'"):
        template.render(Context({"request": request_of({"org": "42"})}))
