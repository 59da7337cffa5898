"""Settings in a file that a URL names: as in a file of this machine."""

from uuid import uuid4

import fsspec  # type: ignore[import-untyped]
import pytest

from abkit import ExperimentManager, UserExperiment
from abkit.errors import ConfigError
from abkit.experiments.changing.settings_writer import SettingsWriter
from abkit.experiments.deciding.remote_settings import RemoteSettings


class Buttons(UserExperiment):
    variants = ["grey", "green"]


@pytest.mark.parametrize("place", ["memory", "s3"])
def test_settings_at_a_url_are_read_again_when_they_change(
    place: str, request: pytest.FixtureRequest
) -> None:
    folder = f"memory://{uuid4().hex}" if place == "memory" else request.getfixturevalue("s3")
    url, system = f"{folder}/experiments.toml", fsspec.filesystem(place)
    settings = RemoteSettings(url)
    assert settings.read() == {}
    assert settings.read() is None
    system.pipe_file(url, b"[Buttons]\nenabled = false\n")
    assert settings.read() == {"Buttons": {"enabled": False}}
    assert settings.read() is None
    system.pipe_file(url, b"[Buttons]\nenabled = tr")
    for _ in range(2):
        with pytest.raises(ConfigError, match=r"experiments\.toml is no TOML"):
            settings.read()
    system.rm_file(url)
    assert settings.read() == {}


def test_a_manager_takes_the_url() -> None:
    url = f"memory://{uuid4().hex}/experiments.json"
    fsspec.filesystem("memory").pipe_file(url, b'{"Buttons": {"winner": "green"}}')
    manager = ExperimentManager(strict=True)
    manager.add(Buttons)
    manager.use_settings(url, interval=0)
    assert manager.get(Buttons, user=1) == "green"


def test_what_cannot_be_settings_is_told() -> None:
    with pytest.raises(ConfigError, match=r"called \.toml or \.json, not 'experiments\.yaml'"):
        RemoteSettings("memory://x/experiments.yaml")
    with pytest.raises(ConfigError, match="unheard://x/a.toml cannot be read"):
        RemoteSettings("unheard://x/a.toml")
    with pytest.raises(ConfigError, match="cannot be changed by abkit, which locks a file"):
        SettingsWriter("s3://bucket/experiments.toml")


def test_no_bucket_and_no_rights_are_told(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert RemoteSettings(f"s3://no-{uuid4().hex}/a.toml").read() == {}
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    fsspec.filesystem("s3").clear_instance_cache()
    with pytest.raises(ConfigError, match="(?i)credentials"):
        RemoteSettings(f"{s3}/a.toml").read()
