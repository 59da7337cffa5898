"""Classes and functions whose names were changed are found under the former ones, with a warning."""

from importlib import import_module

import pytest

NAMES = [
    ("abkit.analysis.notifications.alerts", "Condition", "Alert"),
    ("abkit.analysis.notifications.alerts", "Kind", "AlertKind"),
    ("abkit.analysis.notifications.alerts", "Observed", "Evaluation"),
    ("abkit.analysis.notifications.alerts", "observe", "evaluate_alerts"),
    ("abkit.analysis.notifications.alert_state", "Onset", "FiringAlert"),
    ("abkit.analysis.notifications.alert_state", "Run", "ExperimentRun"),
    ("abkit.analysis.notifications.notify", "Told", "NotifyResult"),
    ("abkit.analysis.notifications.notify", "tell", "notify"),
    ("abkit.analysis.notifications.rules", "Rules", "AlertRules"),
]


@pytest.mark.parametrize(("module", "former", "now"), NAMES)
def test_a_former_name_warns_and_works(module: str, former: str, now: str) -> None:
    found = import_module(module)
    with pytest.warns(DeprecationWarning, match=rf"{former} is now {now}; .* abkit 0\.2") as caught:
        assert getattr(found, former) is getattr(found, now)
    assert caught[0].filename == __file__


def test_a_name_that_never_was_is_not_found() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        import_module("abkit.analysis.notifications.alerts").nothing  # noqa: B018


def test_a_former_attribute_warns_and_works() -> None:
    alerts = import_module("abkit.analysis.notifications.alerts")
    evaluation = alerts.Evaluation(alerts=(), evaluated=alerts.DATED)
    with pytest.warns(DeprecationWarning, match="Evaluation.judged is now evaluated"):
        assert evaluation.judged == alerts.DATED
