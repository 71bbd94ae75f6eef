"""Compiled templates on disk."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from flask import Flask

from blogapp.web import templates


def application(folder: Path) -> Flask:
    app = Flask(__name__, template_folder=str(folder))
    templates.init_app(app, folder)
    return app


def rendered(folder: Path) -> str:
    return application(folder).jinja_env.get_template("a.html").render()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    tmp_path.joinpath("a.html").write_text("{{ 1 + 1 }}")
    return tmp_path


def test_loaded_templates_are_stored_and_used_by_the_next_application(folder: Path) -> None:
    templates.load_all(application(folder))
    [stored] = (folder / "__pycache__").iterdir()
    folder.joinpath("b.html").write_text("other")
    templates.load_all(application(folder))
    [other] = set((folder / "__pycache__").iterdir()) - {stored}
    # The checksum is at the beginning: with another template's code after it, that code is used.
    start = stored.read_bytes().index(b"\xe3")  # the marshalled code object
    stored.write_bytes(stored.read_bytes()[:start] + other.read_bytes()[other.read_bytes().index(b"\xe3") :])
    assert rendered(folder) == "other"


def test_changed_template_is_compiled_again(folder: Path) -> None:
    assert rendered(folder) == "2"
    folder.joinpath("a.html").write_text("{{ 1 + 2 }}")
    assert rendered(folder) == "3"


def test_folder_that_cannot_be_written_is_no_error(folder: Path) -> None:
    folder.joinpath("__pycache__").symlink_to(folder / "nowhere")
    assert rendered(folder) == "2"


def test_template_has_the_shared_globals_and_keeps_its_own_to_itself(app: Flask) -> None:
    source = "{{ locale() }} {{ word }}"
    own = app.jinja_env.from_string(source, globals={"word": "own"})
    other = app.jinja_env.from_string(source)
    with app.test_request_context():
        assert (own.render(), other.render()) == ("en own", "en ")
        assert other.render(word="given") == "en given"
