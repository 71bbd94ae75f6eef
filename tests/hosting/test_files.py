"""The files for hosts name commands, settings and paths that exist."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from blogapp.owners import cookies as owner_cookies
from blogapp.settings import SETTINGS
from blogapp.visitors import cookie
from tests.harness.programs import packaged
from tests.harness.server import ROOT

SERVE = "python -m blogapp.pages.serve"
UPGRADE = "python -m flask db upgrade"
PROCFILE = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def compose() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load(read("compose.yaml"))["services"]
    return services


def names_of_settings() -> dict[str, set[str]]:
    """The environment variables that each file sets for blogapp."""
    render = yaml.safe_load(read("render.yaml"))["services"][0]
    service = read("docs/hosting/blogapp.service")
    environment = re.search(r"^Environment=(.*)$", service, re.MULTILINE)
    image = re.search(r"^ENV (.*)$", read("Dockerfile"), re.MULTILINE)
    assert environment
    assert image
    return {
        "app.json": set(json.loads(read("app.json"))["env"]),
        "fly.toml": set(tomllib.loads(read("fly.toml"))["env"]),
        "render.yaml": {each["key"] for each in render["envVars"]},
        "compose.yaml": set(compose()["blog"]["environment"]),
        "blogapp.service": set(re.findall(r"(\w+)=", environment[1])),
        "Dockerfile": set(re.findall(r"(\w+)=", image[1])),
    }


@pytest.mark.parametrize("file", sorted(names_of_settings()))
def test_file_sets_only_settings_that_exist(file: str) -> None:
    others = {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}
    found = names_of_settings()[file]
    assert found
    assert found - others <= SETTINGS.keys()


def test_all_files_start_the_same_program() -> None:
    assert {"release": UPGRADE, "web": f"HOST=0.0.0.0 {SERVE}"} == PROCFILE
    assert tomllib.loads(read("fly.toml"))["deploy"]["release_command"] == UPGRADE
    assert f"/.venv/bin/{SERVE}\n" in read("docs/hosting/blogapp.service")
    command = re.search(r"^CMD (\[.*\])$", read("Dockerfile"), re.MULTILINE)
    assert command
    assert json.loads(command[1]) == SERVE.split(" ")


def test_make_run_reads_the_settings_before_flask_does() -> None:
    """Flask prints a traceback if it cannot read the file .env."""
    command = ["make", "--dry-run", "run"]
    done = subprocess.run(command, cwd=ROOT, check=True, timeout=120, capture_output=True, text=True)
    assert 0 < done.stdout.index("read_setting(environment()") < done.stdout.index("-m flask db upgrade")


def test_health_checks_name_addresses_that_exist() -> None:
    assert tomllib.loads(read("fly.toml"))["http_service"]["checks"][0]["path"] == "/readyz"
    assert yaml.safe_load(read("render.yaml"))["services"][0]["healthCheckPath"] == "/readyz"
    assert "'/healthz'" in read("Dockerfile")


def test_image_has_the_version_of_uv_that_make_uses() -> None:
    version = re.search(r"^UV_VERSION := (.+)$", read("Makefile"), re.MULTILINE)
    assert version
    assert f"uv=={version[1]}" in read("Dockerfile")


def test_compose_mounts_files_that_exist_and_defines_its_volumes() -> None:
    volumes = yaml.safe_load(read("compose.yaml"))["volumes"]
    for service in compose().values():
        for mount in service.get("volumes", ()):
            source = mount.split(":")[0]
            assert (ROOT / source).is_file() if source.startswith("./") else source in volumes


def test_image_contains_all_that_the_server_needs(tmp_path: Path) -> None:
    """What .dockerignore lets through and the Dockerfile copies is enough to start."""
    allowed = {line[1:] for line in read(".dockerignore").splitlines() if line.startswith("!")}
    copied = {
        name
        for line in re.findall(r"^COPY (?!--from)(.*)$", read("Dockerfile"), re.MULTILINE)
        for name in line.split()[:-1]
    }
    assert copied == allowed
    folder = tmp_path / "app"
    folder.mkdir()
    for name in copied:
        source = ROOT / name
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, folder / name, ignore=ignore) if source.is_dir() else shutil.copy(source, folder / name)
    load = re.search(r"-c '(from blogapp[^']*)'", read("Dockerfile"))
    assert load
    done = subprocess.run(
        [sys.executable, "-c", load[1]],
        cwd=folder,
        env={"DATA_DIR": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert list((folder / "templates").rglob("*.cache"))


def test_hadolint_accepts_the_dockerfile() -> None:
    command = [packaged("hadolint"), str(ROOT / "Dockerfile")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_cache_of_nginx_knows_all_cookies_of_the_blog() -> None:
    """A request with one of these must not get a stored page."""
    pattern = re.search(r'"~(.*)" 1;', read("docs/hosting/nginx-cache.conf"))
    assert pattern
    for name in (*cookie.NAMES, cookie.OBJECTION, *owner_cookies.NAMES):
        assert re.search(pattern[1], f"_ga=1; {name}=x"), name
    assert not re.search(pattern[1], "_ga=1; my-visitor=x; coowner=y")
