"""`abkit watch`: what it tells, prints and writes down, and its exit codes."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from abkit.cli.group import abkit
from abkit.cli.watch import watch
from abkit.events import Action, Exposure
from abkit.sinks.files import FileSink

from ..sinks.loopback import Loopback, Reply, Request
from .conftest import StandIn

# Apprise imports all its services, and one of them what Python 3.13 has not any more.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

MODULE = """
from abkit import Conversion, UserExperiment

class Buttons(UserExperiment):
    variants = {"grey": 0.5, "green": 0.5}
    metrics = [Conversion("clicked", goal=0.2)]
    ends = "2026-03-16"

class Colours(UserExperiment):
    variants = ["red", "blue"]
    metrics = [Conversion("clicked")]
    starts = "2026-03-15"

class Flag(UserExperiment):
    variants = ["off", "on"]

class Old(UserExperiment):
    variants = ["a", "b"]
    metrics = [Conversion("clicked")]
    ends = "2020-01-01"
    winner = "b"

ACTIVE_EXPERIMENTS = [Buttons, Colours, Flag, Old]
"""

FIRST = 1_772_600_400.0  # 2026-03-04 05:00 UTC
DURING = "2026-03-10"
AFTER = "2026-03-20"
SECRET = "hunter22secret"  # noqa: S105 - to be looked for in what is shown


class Service(Loopback):
    """A webhook that answers `status`."""

    def __init__(self) -> None:
        self.status = 200
        super().__init__(self._answer)

    def _answer(self, _request: Request) -> Reply:
        return Reply(status=self.status)

    def hook(self, path: str = "hook") -> str:
        return self.url.replace("http://", f"json://me:{SECRET}@") + f"/{path}"

    @property
    def titles(self) -> list[str]:
        return [json.loads(request.body)["title"] for request in self.requests]


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as service:
        yield service


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The events of Buttons, written once."""
    folder = tmp_path_factory.mktemp("written") / "events"
    exposures = [
        Exposure(
            experiment="Buttons",
            salt="Buttons",
            unit_type="user",
            unit_id=str(i),
            variant=("grey", "green")[i % 2],
            time=FIRST,
            insert_id=f"e{i}",
        )
        for i in range(8000)
    ]
    actions = [
        Action(name="clicked", time=FIRST + 60, user_id=str(i), insert_id=f"a{i}")
        for i in range(8000)
        if i // 2 % 20 < (5 if i % 2 else 4)
    ]
    FileSink(folder, format="jsonl").send([*exposures, *actions])
    return folder


@pytest.fixture(autouse=True)
def project(tmp_path: Path, stand_in: StandIn, events: Path) -> Path:
    """A folder with a module of experiments, which is the current one, and the events of Buttons."""
    stand_in("watched_config", MODULE)
    shutil.copytree(events, tmp_path / "events")
    return tmp_path


def call(*arguments: object) -> Result:
    always = ["--events", "events", "--config", "watched_config", "--now", DURING]
    runner = CliRunner()
    result = runner.invoke(watch, [*always, *map(str, arguments)])
    assert SECRET not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def test_each_experiment_has_a_line_and_what_is_new_is_sent_once(service: Service) -> None:
    arguments = ["--notify", service.hook(), "--state", "state.json"]
    first = call(*arguments)
    assert first.exit_code == 0
    told, *others = first.output.splitlines()
    assert told.startswith("Buttons: 8,000 units; sent significance to json-")
    assert others == [
        "Colours: no exposures yet; nothing new",
        "Flag: no metrics, only its dates are watched; nothing new",
        "Old: concluded: b; not watched",
    ]
    assert service.titles == ["Buttons: green is significantly better in clicked"]
    second = call(*arguments)
    assert second.exit_code == 0
    assert "Buttons: 8,000 units; nothing new\n" in second.output
    assert len(service.requests) == 1


def test_the_message_says_what_to_do(service: Service) -> None:
    call("--notify", service.hook(), "--state", "state.json")
    message = json.loads(service.requests[0].body)["message"]
    assert "abkit rollout Buttons --variant green" in message
    assert "abkit analyze Buttons --events events --config watched_config" in message


def test_the_dates_are_told_without_exposures_too(service: Service) -> None:
    arguments = ["--notify", service.hook(), "--state", "state.json"]
    call("Colours", *arguments, "--now", "2026-03-14T12:00+01:00")
    call("Colours", *arguments, "--now", "2026-03-15T12:00")
    call("Buttons", *arguments, "--now", AFTER)
    assert service.titles == [
        "Colours: about to start",
        "Colours: started",
        "Buttons: end reached",
        "Buttons: green is significantly better in clicked",
    ]


def test_quiet_prints_nothing_while_all_is_well(service: Service) -> None:
    result = call("--notify", service.hook(), "--state", "state.json", "--quiet")
    assert (result.exit_code, result.output) == (0, "")
    assert len(service.requests) == 1


def test_a_message_that_was_not_delivered_fails_the_call_and_is_sent_by_the_next(
    service: Service,
) -> None:
    arguments = ["Buttons", "--notify", service.hook(), "--state", "state.json"]
    service.status = 500
    failed = call(*arguments)
    assert failed.exit_code == 1
    assert failed.stdout == "Buttons: 8,000 units; nothing new\n"
    assert failed.stderr.startswith("Buttons: FAILED: json-")
    assert "500" in failed.stderr
    service.status = 200
    assert call(*arguments).exit_code == 0
    assert len(service.requests) == 2


def test_urls_and_state_may_come_from_the_environment(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ABKIT_NOTIFY", f"{service.hook('a')} {service.hook('b')}")
    monkeypatch.setenv("ABKIT_STATE", "sqlite:///state.db")
    assert call("Buttons").exit_code == 0
    assert call("Buttons").exit_code == 0
    assert sorted(request.path for request in service.requests) == ["/a", "/b"]


def test_a_dry_run_prints_the_messages_and_leaves_no_trace(service: Service, project: Path) -> None:
    before = sorted(project.iterdir())
    result = call("--dry-run", "--notify", service.hook(), "--state", "state.json")
    assert result.exit_code == 0
    assert "would send significance" in result.output
    assert "abkit rollout Buttons --variant green" in result.output
    assert service.requests == []
    assert sorted(set(project.iterdir()) - {project / "__pycache__"}) == before


def test_a_dry_run_needs_neither_audience_nor_state() -> None:
    result = call("Buttons", "--dry-run")
    assert result.exit_code == 0
    assert "would send significance" in result.output


def test_a_dry_run_knows_what_was_told(service: Service) -> None:
    arguments = ["Buttons", "--notify", service.hook(), "--state", "state.json"]
    call(*arguments)
    assert call(*arguments, "--dry-run").output == "Buttons: 8,000 units; nothing new\n"


def test_an_experiment_that_cannot_be_analyzed_does_not_stop_the_others(
    service: Service, project: Path
) -> None:
    (project / "watched_config.py").write_text(
        MODULE.replace(
            "class Colours",
            "class Broken(UserExperiment):\n"
            "    variants = ['x', 'y']\n"
            "    metrics = [Conversion('clicked')]\n"
            "    ends = '2026-03-01'\n\n"
            "class Colours",
        ).replace("[Buttons,", "[Broken, Buttons,")
    )
    alone = Exposure(
        experiment="Broken",
        salt="Broken",
        unit_type="user",
        unit_id="1",
        variant="x",
        time=FIRST,
        insert_id="x1",
    )
    FileSink(project / "events", format="jsonl").send([alone])
    result = call("--notify", service.hook(), "--state", "state.json")
    assert result.exit_code == 1
    assert "Broken: not analyzed, only its dates are watched; sent end reached" in result.stdout
    assert "Broken: FAILED: " in result.stderr
    assert "control 'x' only" in result.stderr
    assert service.titles == [
        "Broken: end reached",
        "Buttons: green is significantly better in clicked",
    ]


def test_settings_conclude_an_experiment_for_the_watch_too(service: Service, project: Path) -> None:
    (project / "live.toml").write_text("[Buttons]\nenabled = false\n")
    arguments = ["--notify", service.hook(), "--state", "state.json", "--settings", "live.toml"]
    assert "Buttons: switched off; not watched" in call(*arguments).output
    assert service.requests == []


@pytest.mark.parametrize("arguments", [["--min-units", 8001], ["--min-days", 6]])
def test_the_minimums_are_passed_on(arguments: list[object]) -> None:
    assert call("Buttons", "--dry-run", *arguments).output.endswith("nothing new\n")


def test_the_confidence_is_passed_on() -> None:
    assert "(95% interval" in call("Buttons", "--dry-run").output
    assert "(90% interval" in call("Buttons", "--dry-run", "--confidence", 0.9).output


def test_long_running_and_overdue_are_passed_on() -> None:
    result = call("Buttons", "--dry-run", "--now", AFTER, "--overdue", 4)
    assert "end reached, long-running, significance" in result.output
    result = call("Buttons", "--dry-run", "--now", AFTER, "--overdue", 5)
    assert "long-running" not in result.output


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--state", "s"], ["no destination", "ABKIT_NOTIFY"]),
        (["--notify", "json://127.0.0.1/x"], ["--state FILE"]),
        (["--dry-run", "--now", "soon"], ["--now", "'soon'"]),
        (
            ["--dry-run", "--min-days", "-1"],
            ["minimum_days must be a number of days from 0 to 36,500"],
        ),
        (
            ["--dry-run", "--long-running", "nan"],
            ["long_running must be a number of days from 0 to 36,500"],
        ),
        (
            ["--dry-run", "--overdue", "1e300"],
            ["overdue must be a number of days from 0 to 36,500"],
        ),
        (["--dry-run", "Button"], ["Did you mean 'Buttons'?"]),
        (["--dry-run", "--config", "no_such_config"], ["no_such_config"]),
        (["--dry-run", "--notify", f"slack://{SECRET}"], ["slack:// URL"]),
        (["--dry-run", "--notify", SECRET], ["must be a URL of Apprise"]),
        (["--dry-run", "--state", f"oracle://u:{SECRET}@h/d"], ["MySQL or MariaDB, not in oracle"]),
        (["--dry-run", "--state", f"://{SECRET}"], ["URL of the state cannot be used"]),
    ],
)
def test_wrong_options_say_what_is_needed(arguments: list[str], parts: list[str]) -> None:
    result = call(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    line = result.stderr.strip().splitlines()[-1]
    assert line.startswith("Error: ")
    for part in parts:
        assert part in line


def test_a_state_that_cannot_be_used_is_one_line_and_nothing_is_sent(
    service: Service, project: Path
) -> None:
    (project / "state.json").write_text("[]")
    result = call("Buttons", "--notify", service.hook(), "--state", "state.json")
    assert result.exit_code == 1
    assert result.stdout == "Buttons: 8,000 units; nothing sent\n"
    assert "state.json is not a state of notifications" in result.stderr
    assert service.requests == []


def test_events_that_do_not_exist_fail_the_call() -> None:
    result = call("Buttons", "--dry-run", "--events", "nowhere")
    assert result.exit_code == 1
    assert "does not exist" in result.stderr


def test_the_project_says_where_the_events_are(project: Path) -> None:
    said = '[tool.abkit]\nconfig = "watched_config"\nevents = "events"\n'
    (project / "pyproject.toml").write_text(said)
    watched = CliRunner().invoke(watch, ["Buttons", "--dry-run", "--now", DURING])
    assert watched.output.startswith("Buttons: 8,000 units; would send significance")
    analyzed = CliRunner().invoke(abkit, ["analyze", "Buttons"])
    assert "Recommendation: " in analyzed.output


def test_without_events_the_call_says_how_to_name_them() -> None:
    refused = CliRunner().invoke(watch, ["--dry-run", "--config", "watched_config"])
    assert refused.exit_code == 2
    assert "Pass --events DIR, or set ABKIT_EVENTS" in refused.output


def test_what_was_read_is_kept_for_the_next_run(service: Service, tmp_path: Path) -> None:
    kept = tmp_path / "kept.duckdb"
    first = call("--dry-run", "--now", DURING)
    assert call("--dry-run", "--now", DURING, "--store", kept).output == first.output
    assert kept.exists()
    assert call("--dry-run", "--now", DURING, "--store", kept).output == first.output
