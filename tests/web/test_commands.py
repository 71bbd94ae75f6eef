"""The help of the program `flask`, which Flask prints with its own text unless the application replaces it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from flask.testing import FlaskCliRunner

from tests.conftest import SECRET_KEY
from tests.harness.server import ROOT

# The program `.venv/bin/flask`, which contains the path of the folder, so that it may be missing.
PROGRAM = "from flask.cli import cli; cli(prog_name='flask')"


def flask(folder: Path, *args: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROGRAM, *args]
    environ = {**os.environ, "DATA_DIR": str(folder), "SECRET_KEY": SECRET_KEY, "FLASK_SKIP_DOTENV": "1", **environ}
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("args", [("--help",), ()], ids=["help", "no arguments"])
def test_help_is_about_the_blog_and_lists_nothing_for_developers(tmp_path: Path, args: tuple[str, ...]) -> None:
    done = flask(tmp_path, *args)
    assert (done.returncode, done.stderr) == (0, "")
    text, _, commands = done.stdout.partition("\nCommands:\n")
    assert "\n  Manage this blog.\n" in text
    assert text.endswith("\nOptions:\n  --help  Show this message and exit.\n")
    names = {line.split()[0] for line in commands.splitlines()}
    assert {"articles", "backup", "doctor", "restore", "run", "settings"} <= names
    assert not names & {"routes", "shell"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no command is executed
def test_summaries_of_commands_are_not_cut_off(runner: FlaskCliRunner) -> None:
    for group in ("articles", "comments", "db", "owner", "views"):
        _, _, commands = runner.invoke(args=[group, "--help"]).output.partition("\nCommands:\n")
        assert commands, group
        assert "..." not in commands


def test_unlisted_options_and_commands_still_work(tmp_path: Path) -> None:
    done = flask(tmp_path, "--app", "app", "--no-debug", "routes")
    assert done.returncode == 0
    assert "/articles/<slug>" in done.stdout


def test_completion_by_the_shell_lists_the_commands(tmp_path: Path) -> None:
    completion = {"_FLASK_COMPLETE": "bash_complete", "COMP_WORDS": "flask a", "COMP_CWORD": "1"}
    done = flask(tmp_path, **completion)
    assert "plain,articles" in done.stdout.splitlines()


def test_unknown_command_is_an_error(tmp_path: Path) -> None:
    done = flask(tmp_path, "article")
    assert (done.returncode, done.stdout) == (2, "")
    assert "No such command" in done.stderr
