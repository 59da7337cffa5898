"""The provider does what OpenFeature's specification and its scenarios describe.

Numbers such as 2.2.3 are those of the requirements in the specification's sections; "Scenario" names one
of its Gherkin suite (evaluation_v2.feature), with flags as in its test-flags.json.
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagEvaluationDetails, FlagEvaluationOptions
from openfeature.hook import Hook, HookContext, HookHints
from openfeature.provider import ProviderStatus
from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider
from openfeature.track import TrackingEventDetails

from abkit import (
    Experiment,
    ExperimentManager,
    ExposureLogger,
    Holdout,
    OrgExperiment,
    Params,
    UniformChoice,
    UserExperiment,
    VisitorExperiment,
    force,
)
from abkit.integrations.openfeature import AbkitProvider, ExposureHook
from abkit.sinks.memory import MemorySink
from abkit.testing import Captured

PICTURES = {"showImages": True, "title": "Check out these pics!", "imagesPerPage": 100}
USER = EvaluationContext(targeting_key="42")
VISITOR = "v-" + "0123456789abcdef" * 2


def flag(name: str, **declared: Any) -> type[Experiment]:
    return type("Flag", (UserExperiment,), {"name": name, **declared})


class ObjectFlag(UserExperiment):
    name = "object-flag"
    control = "template"

    def assign(self, params: Params, user: Any) -> None:
        params.variant = UniformChoice(choices=["template"], unit=user.id)
        for parameter, value in PICTURES.items():
            params[parameter] = value
        params.sizes = (1, 2)


class Failing(UserExperiment):
    name = "failing-flag"
    variants = ["a"]

    def assign(self, params: Params, user: Any) -> None:
        raise ZeroDivisionError


class Plugins(OrgExperiment):
    variants = ["0", "1"]

    def assign(self, params: Params, org: Any, actor: Any) -> None:
        if getattr(org, "slug", "") == "acme":
            params.variant = "1"
        else:
            params.variant = UniformChoice(choices=["0", "1"], unit=org.id)


ONE_OF_EACH = {
    "boolean": {True: 1, False: 0},
    "string": {"hi": 1, "bye": 0},
    "integer": {10: 1, 1: 0},
    "float": {0.5: 1, 0.1: 0},
}
ZEROS: dict[str, Any] = {"boolean": False, "string": "", "integer": 0, "float": 0.0}
DEFAULTS: dict[str, Any] = {"boolean": False, "string": "bye", "integer": 1, "float": 0.1}
VALUES: dict[str, Any] = {"boolean": True, "string": "hi", "integer": 10, "float": 0.5}
OBJECT_DEFAULT = {"a": 1}


@pytest.fixture
def captured() -> Captured:
    return Captured()


@pytest.fixture
def manager(captured: Captured) -> ExperimentManager:
    manager = ExperimentManager(on_event=captured, strict=False)
    for kind, variants in ONE_OF_EACH.items():
        manager.add(flag(f"{kind}-flag", variants=variants))
        manager.add(flag(f"{kind}-disabled-flag", variants=variants, enabled=False))
        both = {ZEROS[kind]: 0, VALUES[kind]: 1}
        manager.add(flag(f"{kind}-zero-flag", variants=both, winner=ZEROS[kind]))
        allowed = {ZEROS[kind]: ["ballmer"]}
        manager.add(flag(f"{kind}-targeted-zero-flag", variants=both, forced=allowed, rollout=0.0))
    for experiment in (ObjectFlag, Failing, Plugins):
        manager.add(experiment)
    return manager


@pytest.fixture
def provider(manager: ExperimentManager) -> AbkitProvider:
    return AbkitProvider(manager)


@pytest.fixture
def client(provider: AbkitProvider) -> Iterator[OpenFeatureClient]:
    api.set_provider_and_wait(provider, "tests")
    yield api.get_client("tests")
    api.shutdown()


def details(
    client: OpenFeatureClient, kind: str, key: str, default: Any, context: Any = USER
) -> FlagEvaluationDetails[Any]:
    found: FlagEvaluationDetails[Any] = getattr(client, f"get_{kind}_details")(
        key, default, context
    )
    return found


def test_2_1_1_the_provider_has_a_name(provider: AbkitProvider) -> None:
    assert provider.get_metadata().name == "abkit"


@pytest.mark.parametrize("kind", ONE_OF_EACH)
def test_2_2_3_to_2_2_6_and_2_3_2_values_resolve_with_variant_reason_and_no_error(
    client: OpenFeatureClient, kind: str
) -> None:
    """Scenario: Resolve values; a randomized value is a split."""
    found = details(client, kind, f"{kind}-flag", DEFAULTS[kind])
    assert found.value == VALUES[kind]
    assert type(found.value) is type(VALUES[kind])
    assert found.variant == str(VALUES[kind]).lower()
    assert (found.reason, found.error_code, found.error_message) == ("SPLIT", None, None)
    assert (
        getattr(client, f"get_{kind}_value")(f"{kind}-flag", DEFAULTS[kind], USER) == (VALUES[kind])
    )


def test_2_2_2_1_an_object_is_all_parameters(client: OpenFeatureClient) -> None:
    """Scenario: Resolve values, objects."""
    found = details(client, "object", "object-flag", {})
    assert found.value == {"variant": "template", **PICTURES, "sizes": (1, 2)}
    assert (found.variant, found.reason) == ("template", "SPLIT")
    assert details(client, "object", "string-flag", {}).value == {"variant": "hi"}


def test_a_parameter_is_a_flag_of_its_own(client: OpenFeatureClient) -> None:
    assert details(client, "boolean", "object-flag.showImages", default=False).value is True
    assert details(client, "integer", "object-flag.imagesPerPage", 1).value == 100
    assert details(client, "object", "object-flag.sizes", []).value == [1, 2]
    found = details(client, "string", "object-flag.title", "")
    assert (found.value, found.variant) == (PICTURES["title"], "template")
    missing = details(client, "string", "object-flag.colour", "red")
    assert (missing.value, missing.error_code) == ("red", ErrorCode.FLAG_NOT_FOUND)
    assert "It has: variant, showImages" in str(missing.error_message)


@pytest.mark.parametrize("kind", ONE_OF_EACH)
def test_1_4_7_what_is_concluded_is_static_zeros_too(client: OpenFeatureClient, kind: str) -> None:
    """Scenario: Resolves zero value."""
    found = details(client, kind, f"{kind}-zero-flag", VALUES[kind])
    assert (found.value, found.reason) == (ZEROS[kind], "STATIC")


@pytest.mark.parametrize("kind", ONE_OF_EACH)
def test_1_4_7_what_is_forced_is_a_match_and_what_is_not_enrolled_is_the_default(
    client: OpenFeatureClient, kind: str
) -> None:
    """Scenarios: Resolves zero value with targeting; ... using default."""
    key, default = f"{kind}-targeted-zero-flag", VALUES[kind]
    found = details(client, kind, key, default, EvaluationContext("ballmer"))
    assert (found.value, found.reason) == (ZEROS[kind], "TARGETING_MATCH")
    other = details(client, kind, key, default, EvaluationContext("nobody"))
    assert (other.value, other.reason, other.variant) == (default, "DEFAULT", None)
    assert other.error_code is None


@pytest.mark.parametrize("kind", ONE_OF_EACH)
def test_1_4_7_what_is_off_is_the_callers_default_and_disabled(
    client: OpenFeatureClient, kind: str
) -> None:
    """Scenario: DISABLED reason."""
    found = details(client, kind, f"{kind}-disabled-flag", DEFAULTS[kind])
    assert (found.value, found.reason) == (DEFAULTS[kind], "DISABLED")
    assert found.error_code is None


@pytest.mark.parametrize(
    "declared",
    [
        {"rollout": 0.0},
        {"eligible": lambda self, user: False},
        {"holdouts": [Holdout("all", share=1.0)]},
    ],
    ids=["rollout", "eligible", "holdout"],
)
def test_units_that_take_no_part_get_the_callers_default_not_the_control(
    manager: ExperimentManager, client: OpenFeatureClient, declared: dict[str, Any]
) -> None:
    manager.add(flag("closed", variants=["control", "treatment"], **declared))
    found = details(client, "string", "closed", "mine")
    assert (found.value, found.reason, found.variant) == ("mine", "DEFAULT", None)


def test_what_a_test_forces_is_a_match_also_where_parameters_are_unknown(
    client: OpenFeatureClient,
) -> None:
    with force("Plugins", "1"), force("object-flag", "template"):
        found = details(client, "string", "Plugins", "0")
        unknown = details(client, "string", "object-flag.title", "mine")
    assert (found.value, found.reason) == ("1", "TARGETING_MATCH")
    assert (unknown.value, unknown.reason, unknown.error_code) == ("mine", "DEFAULT", None)


@pytest.mark.parametrize("kind", [*ONE_OF_EACH, "object"])
def test_2_2_7_and_1_4_8_a_missing_flag_is_the_default_and_an_error(
    client: OpenFeatureClient, kind: str
) -> None:
    """Scenario: Flag not found error."""
    default = DEFAULTS.get(kind, OBJECT_DEFAULT)
    for key in ("non-existent-flag", "non-existent.flag", ""):
        found = details(client, kind, key, default)
        assert (found.value, found.reason) == (default, "ERROR")
        assert (found.error_code, found.variant) == (ErrorCode.FLAG_NOT_FOUND, None)
        assert "Registered: Plugins, boolean-disabled-flag" in str(found.error_message)


MISMATCHES = {
    ("boolean", "string-flag"),
    ("boolean", "integer-flag"),
    ("string", "boolean-flag"),
    ("integer", "boolean-flag"),
    ("integer", "float-flag"),
    ("float", "boolean-flag"),
    ("float", "string-flag"),
    ("object", "object-flag.title"),
}


@pytest.mark.parametrize(("kind", "key"), sorted(MISMATCHES))
def test_2_2_7_and_1_3_4_another_type_is_the_default_and_an_error(
    client: OpenFeatureClient, kind: str, key: str
) -> None:
    """Scenario: Type mismatch error."""
    default = DEFAULTS.get(kind, OBJECT_DEFAULT)
    found = details(client, kind, key, default)
    assert (found.value, found.reason) == (default, "ERROR")
    assert (found.error_code, found.variant) == (ErrorCode.TYPE_MISMATCH, None)


def test_1_3_3_1_a_whole_number_is_a_float_too(client: OpenFeatureClient) -> None:
    value = details(client, "float", "integer-flag", 0.1).value
    assert value == 10.0
    assert isinstance(value, float)


@pytest.mark.parametrize(
    "context",
    [
        None,
        EvaluationContext(attributes={"org": 7}),
        EvaluationContext(targeting_key=""),
        EvaluationContext("1", {"user": {"email": "a@b"}}),
    ],
    ids=["nothing", "another subject", "empty", "a subject without an id"],
)
def test_without_a_unit_the_targeting_key_is_missing(
    client: OpenFeatureClient, context: EvaluationContext | None
) -> None:
    found = details(client, "string", "string-flag", "bye", context)
    assert (found.value, found.reason) == ("bye", "ERROR")
    assert found.error_code is ErrorCode.TARGETING_KEY_MISSING
    assert "a targeting key, or an attribute 'user'" in str(found.error_message)


def test_1_4_10_an_assign_that_raises_is_the_default_and_a_general_error(
    client: OpenFeatureClient, manager: ExperimentManager
) -> None:
    found = details(client, "string", "failing-flag", "mine")
    assert (found.value, found.reason, found.error_code) == ("mine", "ERROR", ErrorCode.GENERAL)
    assert manager.errors == {("failing-flag", "ZeroDivisionError"): 1}


def test_1_4_10_also_where_the_manager_is_strict(client: OpenFeatureClient) -> None:
    strict = ExperimentManager(strict=True)
    strict.add(Failing)
    api.set_provider_and_wait(AbkitProvider(strict), "tests")
    found = details(client, "string", "failing-flag", "mine")
    assert (found.value, found.error_code) == ("mine", ErrorCode.GENERAL)


def test_2_2_9_and_2_2_10_the_metadata_tell_the_unit_and_abkits_own_reason(
    client: OpenFeatureClient,
) -> None:
    """Scenario: Returns metadata."""
    found = details(client, "string", "string-flag", "bye")
    assert found.flag_metadata == {
        "experiment": "string-flag",
        "unit_type": "user",
        "unit_id": "42",
        "reason": "assigned",
    }


def test_2_4_1_and_1_7_3_it_is_ready_and_another_one_takes_its_place(
    client: OpenFeatureClient,
) -> None:
    assert client.get_provider_status() is ProviderStatus.READY
    api.set_provider_and_wait(AbkitProvider(ExperimentManager()), "tests")
    assert client.get_provider_status() is ProviderStatus.READY
    assert details(client, "string", "string-flag", "x").error_code is ErrorCode.FLAG_NOT_FOUND


def test_2_5_3_and_2_7_1_shutting_down_delivers_and_may_be_done_again() -> None:
    sink = MemorySink()
    with ExposureLogger(sink) as logger:
        provider = AbkitProvider(ExperimentManager(on_event=logger))
        provider.track("clicked", USER)
        provider.shutdown()
        provider.shutdown()
        assert [action.name for action in sink.actions] == ["clicked"]


def test_1_1_5_domains_have_managers_of_their_own(client: OpenFeatureClient) -> None:
    other = ExperimentManager()
    other.add(flag("string-flag", variants=["other"]))
    api.set_provider_and_wait(AbkitProvider(other), "another")
    assert details(client, "string", "string-flag", "bye").value == "hi"
    assert details(api.get_client("another"), "string", "string-flag", "bye").value == "other"


@pytest.mark.parametrize("kind", [*ONE_OF_EACH, "object"])
def test_1_4_12_the_asynchronous_reads_are_the_same(client: OpenFeatureClient, kind: str) -> None:
    """Scenario: Asynchronous flag evaluation."""
    default = DEFAULTS.get(kind, OBJECT_DEFAULT)
    for key in (f"{kind}-flag", f"{kind}-disabled-flag", "non-existent-flag", "failing-flag"):
        found = asyncio.run(getattr(client, f"get_{kind}_details_async")(key, default, USER))
        assert found == details(client, kind, key, default)


def test_3_1_1_and_3_1_2_the_targeting_key_is_the_unit_unless_an_attribute_is(
    client: OpenFeatureClient, manager: ExperimentManager
) -> None:
    for unit in map(str, range(20)):
        expected = manager.get("Plugins", org=unit)
        for context in (
            EvaluationContext(unit),
            EvaluationContext("somebody", {"org": unit}),
            EvaluationContext("somebody", {"org": int(unit)}),
            EvaluationContext(attributes={"org": {"id": unit}, "actor": 3}),
        ):
            found = details(client, "string", "Plugins", "none", context)
            assert (found.value, found.flag_metadata["unit_id"]) == (expected, unit)


def test_3_1_2_a_structure_has_attributes_for_assign(client: OpenFeatureClient) -> None:
    acme = EvaluationContext(attributes={"org": {"id": 7, "slug": "acme"}})
    found = details(client, "string", "Plugins", "none", acme)
    assert (found.value, found.reason) == ("1", "TARGETING_MATCH")


def test_the_targeting_key_can_be_said_to_be_the_user(
    client: OpenFeatureClient, manager: ExperimentManager
) -> None:
    api.set_provider_and_wait(AbkitProvider(manager, targeting="user"), "tests")
    found = details(client, "string", "Plugins", "none")
    assert found.error_code is ErrorCode.TARGETING_KEY_MISSING
    assert str(found.error_message).endswith("the context needs an attribute 'org' with an id")
    assert details(client, "string", "string-flag", "bye").value == "hi"


def test_3_2_3_the_context_is_that_of_all_levels(
    client: OpenFeatureClient, manager: ExperimentManager
) -> None:
    api.set_evaluation_context(EvaluationContext("lowest", {"org": 1}))
    client.context = EvaluationContext(attributes={"org": 2})
    found = details(client, "string", "Plugins", "none", EvaluationContext("highest"))
    assert found.flag_metadata["unit_id"] == "2"


def test_reading_exposes_nothing(client: OpenFeatureClient, captured: Captured) -> None:
    details(client, "string", "string-flag", "bye")
    assert not captured.events


def test_the_hook_exposes_what_was_randomized_and_nothing_else(
    client: OpenFeatureClient, captured: Captured, provider: AbkitProvider
) -> None:
    client.add_hooks([ExposureHook(provider)])
    context = EvaluationContext("7", {"org": 42, "plan": "pro"})
    for _ in range(2):
        details(client, "string", "Plugins", "none", context)
    for key in ("string-disabled-flag", "string-zero-flag", "string-targeted-zero-flag"):
        details(client, "string", key, "none", EvaluationContext("ballmer"))
    details(client, "integer", "string-flag", 1)
    with force("string-flag", "bye"):
        details(client, "string", "string-flag", "none")
    (exposure,) = captured
    assert (exposure.experiment, exposure.unit_type, exposure.unit_id) == ("Plugins", "org", "42")
    assert (exposure.user_id, exposure.groups) == ("7", {"org": "42"})


@pytest.mark.parametrize(
    ("declared", "side"),
    [
        ({"holdouts": [Holdout("q3", 1)]}, "holdout"),
        ({"holdouts": [Holdout("q3", 1e-9)], "winner": "b"}, "shipped"),
    ],
)
def test_the_hook_exposes_to_the_holdout_whom_it_keeps_out_and_whom_it_is_compared_with(
    manager: ExperimentManager,
    client: OpenFeatureClient,
    captured: Captured,
    provider: AbkitProvider,
    declared: dict[str, Any],
    side: str,
) -> None:
    manager.add(flag("held-flag", variants=["a", "b"], **declared))
    client.add_hooks([ExposureHook(provider)])
    details(client, "string", "held-flag", "none")
    assert [(event.experiment, event.variant) for event in captured] == [("q3", side)]


def test_the_hook_of_one_evaluation_exposes_that_parameter_s_experiment(
    client: OpenFeatureClient, captured: Captured, provider: AbkitProvider
) -> None:
    options = FlagEvaluationOptions(hooks=[ExposureHook(provider)])
    client.get_string_value("object-flag.title", "", USER, options)
    client.get_string_value("object-flag.title", "", EvaluationContext("43"))
    assert [(event.experiment, event.unit_id) for event in captured] == [("object-flag", "42")]


def test_the_hook_exposes_the_unit_that_another_hook_chose(
    client: OpenFeatureClient, captured: Captured, provider: AbkitProvider
) -> None:
    class SomebodyElse(Hook):
        def before(self, hook_context: HookContext, hints: HookHints) -> EvaluationContext:
            return EvaluationContext("43")

    client.add_hooks([SomebodyElse(), ExposureHook(provider)])
    details(client, "string", "string-flag", "none")
    captured.assert_exposed("string-flag", user=43, times=1)
    captured.assert_not_exposed("string-flag", user=42)


def test_the_hook_of_the_api_leaves_other_providers_alone(
    client: OpenFeatureClient, captured: Captured, provider: AbkitProvider
) -> None:
    api.add_hooks([ExposureHook(provider)])
    memory = InMemoryProvider({"string-flag": InMemoryFlag("a", {"a": "hi"})})
    api.set_provider_and_wait(memory, "memory")
    details(api.get_client("memory"), "string", "string-flag", "none")
    assert not captured.events
    details(client, "string", "string-flag", "none")
    assert len(captured) == 1


def test_6_1_1_1_and_6_2_1_tracking_is_an_action_with_value_and_attributes(
    client: OpenFeatureClient, captured: Captured
) -> None:
    told = TrackingEventDetails(99.77).add("currency", "USD")
    client.track("bought", EvaluationContext("7", {"org": 42, "plan": "pro"}), told)
    client.track("seen", USER)
    bought, seen = captured.actions
    assert (bought.name, bought.user_id, bought.groups) == ("bought", "7", {"org": "42"})
    assert bought.properties == {"value": 99.77, "currency": "USD"}
    assert (seen.user_id, seen.properties) == ("42", {})


def test_6_1_3_tracking_merges_the_context_of_all_levels(
    client: OpenFeatureClient, captured: Captured
) -> None:
    api.set_evaluation_context(EvaluationContext("7", {"org": 1}))
    client.track("seen", EvaluationContext(attributes={"org": 2}))
    captured.assert_tracked("seen", user=7, org=2)


def test_tracking_nobody_is_counted_and_not_raised(
    client: OpenFeatureClient, captured: Captured, manager: ExperimentManager
) -> None:
    client.track("seen")
    assert not captured.events
    assert manager.errors == {("seen", "MissingSubjectError"): 1}


def test_units_of_another_kind_are_groups_of_actions(
    client: OpenFeatureClient, captured: Captured, manager: ExperimentManager
) -> None:
    manager.add(type("OnDevices", (Experiment,), {"unit_type": "device", "variants": ["a"]}))
    assert details(client, "string", "OnDevices", "none", EvaluationContext("d1")).value == "a"
    client.track("seen", EvaluationContext("7", {"device": "d1"}))
    captured.assert_tracked("seen", user=7, device="d1")


@pytest.mark.parametrize(
    ("targeting_key", "attributes", "user"),
    [(VISITOR, {}, None), ("7", {"visitor": VISITOR}, "7"), (VISITOR, {"user": "7"}, "7")],
)
def test_visitors_are_the_targeting_key_or_an_attribute(
    client: OpenFeatureClient,
    captured: Captured,
    manager: ExperimentManager,
    provider: AbkitProvider,
    targeting_key: str,
    attributes: dict[str, Any],
    user: str | None,
) -> None:
    class Signup(VisitorExperiment):
        variants = {"form": 0.5, "github": 0.5}

    manager.add(Signup)
    client.add_hooks([ExposureHook(provider)])
    context = EvaluationContext(targeting_key, attributes)
    value = details(client, "string", "Signup", "none", context).value
    assert value == manager.get(Signup, visitor=VISITOR)
    client.track("signed up", context)
    (exposure,), (action,) = captured.exposures, captured.actions
    assert (exposure.unit_type, exposure.unit_id, exposure.user_id) == ("visitor", VISITOR, user)
    assert (action.user_id, action.groups) == (user, {"visitor": VISITOR})


def test_without_the_sdk_the_import_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['openfeature'] = None\n"
        "try:\n    import abkit.integrations.openfeature\n"
        "except ImportError as error:\n    print(error)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "pip install 'abkit-sdk[openfeature]'" in ran.stdout
