"""Settings: parsing, error messages and masked secrets."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
import tomllib
from pathlib import Path

import pytest

from blogapp import create_app, setting_values
from blogapp import settings as settings_module
from blogapp.settings import (
    LEAST_CONNECTIONS,
    SERVER_CONNECTIONS,
    SETTINGS,
    VERSION,
    SettingsError,
    environment,
    parse_settings,
    read_settings,
)
from tests.conftest import dispose
from tests.harness.server import ROOT


def test_every_setting_has_a_default(tmp_path: Path) -> None:
    settings = read_settings({}, tmp_path / "data")
    assert settings.database_url == f"sqlite:///{tmp_path / 'data' / 'blog.sqlite3'}"
    assert len(settings.secret_key) >= 43
    assert read_settings({}, tmp_path / "data").secret_key == settings.secret_key
    assert stat.S_IMODE((tmp_path / "data" / "secret-key").stat().st_mode) == 0o600


def test_parsing_the_settings_starts_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[threading.Thread] = []
    monkeypatch.setattr(threading.Thread, "start", lambda thread: started.append(thread))
    parse_settings({})
    assert started == []


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PORT", "http", "PORT must be a whole number from 1 to 65535."),
        ("TRUSTED_PROXIES", "-1", "TRUSTED_PROXIES must be a whole number from 0 to 10."),
        ("DATABASE_URL", "mysql://x", "DATABASE_URL must begin with postgresql:// or sqlite:///."),
        ("SITE_LOCALE", "xx", "SITE_LOCALE must be one of"),
        ("SITE_URL", "blog.example.org", "SITE_URL must be an address such as"),
        ("SITE_URL", "https://example.org/../blog", "SITE_URL must be an address such as"),
        ("SITE_URL", "https://example.org/blog?a=b", "SITE_URL must be an address such as"),
        ("SITE_URL", "https://user:secret@example.org", "SITE_URL must be an address such as"),
        ("SITE_URL", "https://example.org:port", "SITE_URL must be an address such as"),
        ("SITE_URL", "https://[example.org", "SITE_URL must be an address such as"),
        ("SITE_URL", "javascript://example.org", "SITE_URL must be an address such as"),
        ("WEBSUB_HUB", "hub.example.org", "WEBSUB_HUB must be an address such as https://hub.example.org/."),
        ("HOST", "everywhere", "HOST must be an IP address such as 127.0.0.1 or 0.0.0.0."),
        ("WEB_CONCURRENCY", "0", "WEB_CONCURRENCY must be a whole number from 1 to 64, or auto."),
        ("COMMENT_MODERATION", "maybe", "COMMENT_MODERATION must be one of open, first, all."),
        ("RATELIMIT_ENABLED", "maybe", "RATELIMIT_ENABLED must be on or off."),
        ("RATELIMIT_STORAGE_URI", "nonsense", "RATELIMIT_STORAGE_URI must be memory:// or the address of a store"),
        ("RATELIMIT_STORAGE_URI", "memcached://localhost:11211", "and an address that begins with redis://."),
        ("RATELIMIT_STORAGE_URI", "redis://localhost:abc", "RATELIMIT_STORAGE_URI must be memory:// or the address"),
        ("RATELIMIT_STORAGE_URI", "redis://[::1", "RATELIMIT_STORAGE_URI must be memory:// or the address"),
        ("RATELIMIT_STORAGE_URI", "redis://localhost?db=abc", "RATELIMIT_STORAGE_URI must be memory:// or the address"),
        ("RATELIMIT_STORAGE_URI", "async+memory://", "RATELIMIT_STORAGE_URI must be memory:// or the address"),
        ("RATELIMIT_STORAGE_URI", "mongodb://localhost", "RATELIMIT_STORAGE_URI must be memory:// or the address"),
        (
            "RATELIMIT_STORAGE_URI",
            "redis+cluster://127.0.0.1:1",
            "RATELIMIT_STORAGE_URI names a cluster that cannot be",
        ),
        ("DATA_DIR", "~no-such-user/blog", "DATA_DIR must be a folder; it names a user who does not exist"),
        ("DATA_DIR", f"/tmp/{'x' * 300}", "DATA_DIR must be a folder that can be used (File name too long)."),
        ("DATABASE_URL", f"sqlite:////{'x' * 300}/blog", "which cannot be used (File name too long)."),
        ("METRICS_TOKEN", "short", "METRICS_TOKEN must have at least 16 characters."),
        ("METRICS_TOKEN", "é" * 20, "METRICS_TOKEN must have ASCII characters only."),
        ("SECRET_KEY", "short", "SECRET_KEY must have at least 16 characters."),
    ],
)
def test_invalid_setting_stops_the_start_with_a_message(tmp_path: Path, name: str, value: str, sentence: str) -> None:
    with pytest.raises(SettingsError, match=r"^blogapp cannot start: ") as error:
        create_app({name: value}, tmp_path)
    assert sentence in str(error.value)
    assert "secret@" not in str(error.value)


@pytest.mark.parametrize("name", SETTINGS)
def test_setting_that_is_not_utf_8_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} must be text in UTF-8"):
        create_app({name: os.fsdecode(b"\xe9 is Latin-1")}, tmp_path)


def test_all_invalid_settings_are_reported_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as error:
        read_settings(WRONG, tmp_path)
    assert_all_are_reported(str(error.value))


@pytest.mark.parametrize("module", ["blogapp.pages.serve", "blogapp.web.server"])
def test_server_reports_all_invalid_settings_at_once(module: str) -> None:
    environ = {**os.environ, **WRONG}
    command = [sys.executable, "-m", module]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert_all_are_reported(done.stderr)


WRONG = {
    "PORT": "http",
    "SITE_LOCALE": "xx",
    "SECRET_KEY": "short",
    "DATABASE_URL": "mysql://x",
    "RATELIMIT_STORAGE_URI": "nonsense",
}


def assert_all_are_reported(output: str) -> None:
    """Check that there is a line for each of WRONG."""
    lines = output.removeprefix("blogapp cannot start: ").splitlines()
    assert {line.partition(" ")[0] for line in lines} == WRONG.keys()
    assert len(lines) == len(WRONG)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("https://Example.org/", "https://example.org"),
        ("https://example.org/my-blog/", "https://example.org/my-blog"),
        ("http://[2001:db8::1]:8000", "http://[2001:db8::1]:8000"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
    ],
)
def test_site_url_may_have_a_path_and_a_port(tmp_path: Path, value: str, read: str) -> None:
    assert read_settings({"SITE_URL": value}, tmp_path).site_url == read


def test_secret_key_is_required_if_it_cannot_be_stored(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SettingsError, match="set SECRET_KEY to a long random text") as error:
        read_settings({}, tmp_path / "file")
    assert "Set DATA_DIR to a folder that can be written" in str(error.value)


def test_secret_key_that_cannot_be_stored_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(SettingsError, match="no key can be stored in"):
        read_settings({}, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("prefix", ["postgres://", "postgresql://", "postgresql+psycopg://"])
def test_postgresql_url_uses_psycopg(tmp_path: Path, prefix: str) -> None:
    settings = read_settings({"DATABASE_URL": prefix + "u@h/d"}, tmp_path)
    assert settings.database_url == "postgresql+psycopg://u@h/d"


@pytest.mark.parametrize("cores", range(1, 33))
def test_default_number_of_workers_shares_the_connections_of_a_small_plan(
    cores: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setting_values, "available_cores", lambda: cores)
    monkeypatch.setattr(setting_values, "available_memory", lambda: None)
    for environ in ({}, {"WEB_CONCURRENCY": "auto"}):
        workers = read_settings({**environ, "DATABASE_URL": "postgresql://u@h/d"}, tmp_path).web_concurrency
        assert workers * max(LEAST_CONNECTIONS, SERVER_CONNECTIONS // workers) <= SERVER_CONNECTIONS
        assert workers == min(max(2, cores), 5)
        assert read_settings(environ, tmp_path).web_concurrency == min(max(2, cores), 16)


def test_a_chosen_number_of_workers_is_kept_on_postgresql(tmp_path: Path) -> None:
    settings = read_settings({"DATABASE_URL": "postgresql://u@h/d", "WEB_CONCURRENCY": "8"}, tmp_path)
    assert settings.web_concurrency == 8


def test_data_folder_may_have_any_name(tmp_path: Path) -> None:
    """SQLAlchemy decodes the path of a database URL: %20 becomes a space."""
    folder = tmp_path / "50%20off? #1 é"
    app = create_app({"SECRET_KEY": "x" * 40}, folder)
    assert app.test_client().get("/readyz").status_code == 200
    dispose(app)
    assert (folder / "blog.sqlite3").stat().st_size > 0
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_settings_are_shown_with_their_source_and_without_secrets(tmp_path: Path) -> None:
    app = create_app({"SECRET_KEY": "x" * 40, "SITE_TITLE": "Mine"}, tmp_path)
    output = app.test_cli_runner().invoke(args=["settings"]).output
    assert "SITE_TITLE=Mine  (environment)" in output
    assert "PORT=8000  (default)" in output
    assert "x" * 40 not in output
    assert f"DATABASE_URL=sqlite:///{tmp_path / 'blog.sqlite3'}  (default)" in output
    assert "METRICS_TOKEN=  (default)" in output
    for setting in SETTINGS.values():
        assert setting["meaning"] in output
    dispose(app)


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / ".env"
    monkeypatch.setattr(settings_module, "ENV_FILE", path)
    monkeypatch.delenv("FLASK_SKIP_DOTENV")
    return path


def test_env_file_is_read_and_the_environment_wins(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env_file.write_text('SITE_TITLE="Carnet à moi"  # the title\nSITE_LOCALE=fr\nexport PORT=8123\nEMPTY=\n', "utf-8")
    monkeypatch.setenv("SITE_LOCALE", "he")
    settings = read_settings(environment(), env_file.parent)
    assert (settings.site_title, settings.site_locale, settings.port) == ("Carnet à moi", "he", 8123)
    assert settings.sources["SITE_TITLE"] == ".env"
    assert settings.sources["SITE_LOCALE"] == "environment"


def test_folder_in_the_env_file_is_relative_to_the_file(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env_file.write_text("DATA_DIR=data\n")
    monkeypatch.chdir("/")
    assert read_settings(environment(), env_file.parent / "instance").data_dir == env_file.parent / "data"
    monkeypatch.setenv("DATA_DIR", "data")  # as Flask's commands copy it
    assert read_settings(environment(), env_file.parent / "instance").data_dir == env_file.parent / "data"


def test_known_host_has_one_proxy_by_default(tmp_path: Path) -> None:
    assert read_settings({"DYNO": ""}, tmp_path).trusted_proxies == 0
    settings = read_settings({"DYNO": "web.1"}, tmp_path)
    assert settings.trusted_proxies == 1
    assert settings.sources["TRUSTED_PROXIES"] == "default"
    assert read_settings({"DYNO": "web.1", "TRUSTED_PROXIES": "0"}, tmp_path).trusted_proxies == 0
    assert read_settings({"RENDER": "true", "TRUSTED_PROXIES": "2"}, tmp_path).trusted_proxies == 2


def test_invalid_value_in_the_env_file_is_reported(env_file: Path) -> None:
    env_file.write_text("PORT=http\n")
    with pytest.raises(SettingsError, match="PORT must be a whole number"):
        read_settings(environment(), env_file.parent)


@pytest.mark.parametrize("line", ["TRUSTED_PROXIES 1", "TRUSTED_PROXIES", "export PORT", "SITE_TITLE='Mine"])
def test_line_of_the_env_file_that_cannot_be_read_is_reported(env_file: Path, line: str) -> None:
    env_file.write_text(f"# mine\n\n  {line}\nPORT=8000\n")
    with pytest.raises(SettingsError, match=r"\.env: line 3 is not of the form NAME=value"):
        environment()


@pytest.mark.parametrize("value", ["a${b}c", "'a${b}c'", '"${SITE_LOCALE:-x}"'])
def test_variable_in_a_value_of_the_env_file_is_refused(env_file: Path, value: str) -> None:
    """Flask's commands would replace it, and the server would not."""
    env_file.write_text(f"SITE_LOCALE=fr\nSITE_TITLE={value}\n")
    with pytest.raises(SettingsError, match=r"\.env: line 2 has \$\{, which is not possible there"):
        environment()


def test_dollar_sign_in_a_value_of_the_env_file_is_kept(env_file: Path) -> None:
    env_file.write_text("SITE_TITLE='$ave $5'\n")
    assert environment()["SITE_TITLE"] == "$ave $5"


def test_unreadable_env_file_is_reported(env_file: Path) -> None:
    env_file.write_bytes(b"\xff\xfe\x00SITE")
    with pytest.raises(SettingsError, match="must be a text file in UTF-8 that can be read"):
        environment()


def test_version_is_that_of_the_project() -> None:
    project = tomllib.loads((settings_module.ROOT / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["version"] == VERSION
