"""Pictures beside imported files: stored like uploads, only their addresses change in the text, and exported again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from blogapp.articles.models import Article
from blogapp.articles.picture_files import replace_addresses
from blogapp.media.models import Picture
from tests.media.conftest import picture

HEAD = "---\ntitle: Birds\n---\n\n"
STORED = r"/media/[0-9a-f]{32}-64x48\.webp"


def load(runner: FlaskCliRunner, *arguments: object) -> tuple[int, str]:
    done = runner.invoke(args=["articles", "import", *map(str, arguments)])
    return done.exit_code, done.output


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    (tmp_path / "photo one.jpg").write_bytes(picture())
    (tmp_path / "images" / "é.png").write_bytes(picture("PNG", mode="L", colour=7))
    path = tmp_path / "birds.md"
    path.write_text(
        f"{HEAD}A ![robin](<photo one.jpg> 'Seen') and [![é](images/é.png)](/x).\n\n    ![a](images/é.png)\n"
    )
    return path


def test_pictures_beside_a_file_come_along_and_only_addresses_change(
    runner: FlaskCliRunner, client: FlaskClient, file: Path, session: Session
) -> None:
    assert load(runner, file) == (0, "added /articles/birds\n")
    body = session.scalars(select(Article.body_source)).one()
    pattern = f"A !\\[robin\\]\\(<{STORED}> 'Seen'\\) and \\[!\\[é\\]\\({STORED}\\)\\]\\(/x\\)."
    assert re.match(pattern, body)
    assert body.endswith("\n\n    ![a](images/é.png)\n")
    assert client.get(re.findall(STORED, body)[0]).mimetype == "image/webp"
    page = client.get("/articles/birds").text
    assert page.count("srcset") == 2
    assert set(session.scalars(select(Picture.name))) == {"photo one.jpg", "é.png"}


def test_import_again_changes_and_stores_nothing(runner: FlaskCliRunner, file: Path, session: Session) -> None:
    load(runner, file)
    assert load(runner, file) == (0, "unchanged /articles/birds\n")
    assert session.scalar(select(func.count(Picture.id))) == 2
    (file.parent / "photo one.jpg").write_bytes(picture(colour="green"))
    assert load(runner, file) == (0, "updated /articles/birds: text\n")
    assert session.scalar(select(func.count(Picture.id))) == 3


def test_missing_and_refused_pictures_are_named_with_their_lines(
    runner: FlaskCliRunner, client: FlaskClient, tmp_path: Path
) -> None:
    (tmp_path / "lie.png").write_text("<svg/>")
    (tmp_path / "cut.jpg").write_bytes(picture(size=(640, 480))[:900])
    (tmp_path / "folder.png").mkdir()
    path = tmp_path / "birds.md"
    lines = ["![gone](gone.jpg)", "![lie](lie.png)", "![cut](cut.jpg)", "![folder](folder.png)", "![own](/x.png)"]
    path.write_text(HEAD + "\n".join(lines))
    code, output = load(runner, path)
    assert code == 0
    assert "line 5: the picture `gone.jpg` is missing: there is no file " in output
    assert "line 6: the picture `lie.png` is not a JPEG, PNG, GIF, WebP, AVIF or HEIC picture" in output
    assert "line 7: the picture `cut.jpg` is damaged or incomplete" in output
    assert "line 8: the picture `folder.png` is not a file" in output
    assert "line 9: the picture `/x.png` is not one of this site's" in output
    assert "gone<br" in client.get("/articles/birds").text


def test_dry_run_checks_pictures_and_stores_none(runner: FlaskCliRunner, file: Path, session: Session) -> None:
    (file.parent / "images" / "é.png").unlink()
    code, output = load(runner, "--dry-run", file)
    assert (code, "images/é.png` is missing" in output) == (0, True)
    assert session.scalar(select(func.count(Picture.id))) == 0


def test_export_writes_pictures_and_import_reads_them(
    runner: FlaskCliRunner, app: Flask, client: FlaskClient, file: Path, tmp_path: Path, session: Session
) -> None:
    load(runner, file)
    before = session.scalars(select(Article.body_source)).one()
    export = tmp_path / "export"
    assert runner.invoke(args=["articles", "export", str(export)]).exit_code == 0
    text = (export / "birds.md").read_text()
    named = re.findall(r"pictures/[^)>]+\.webp", text)
    assert sorted(path.name for path in (export / "pictures").iterdir()) == sorted(each[9:] for each in named)
    assert "/media/" not in text
    assert load(runner, export / "birds.md") == (0, "unchanged /articles/birds\n")
    assert session.scalars(select(Article.body_source)).one() == before
    # Into another blog: the same text, with pictures of its own.
    runner.invoke(args=["articles", "remove", "--yes", "birds"])
    for each in session.scalars(select(Picture)):
        session.delete(each)
    session.commit()
    load(runner, export / "birds.md")
    after = session.scalars(select(Article.body_source).where(Article.status == "published")).one()
    assert re.sub(STORED, "", after) == re.sub(STORED, "", before)
    assert client.get("/articles/birds").text.count("srcset") == 2


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("![a](x.png)", "![a](NEW)"),
        ("![a](x%2epng)", "![a](NEW)"),
        ("![a](x\\.png)", "![a](NEW)"),
        ("![a](x&#46;png)", "![a](NEW)"),
        ("![a][b]\n\n[b]: x.png 'T'", "![a][b]\n\n[b]: NEW 'T'"),
        ("![b]\n\n[b]: <x.png>", "![b]\n\n[b]: <NEW>"),
        ('<img alt="a" src="x.png">', '<img alt="a" src="NEW">'),
        ("<figure>\n<img src='x.png'>\n</figure>", "<figure>\n<img src='NEW'>\n</figure>"),
        ("> - ![a [b]](x.png)", "> - ![a [b]](NEW)"),
        (
            "| a | b |\n|---|---|\n| `![a](x.png)` | ![a](x.png) |",
            "| a | b |\n|---|---|\n| `![a](x.png)` | ![a](NEW) |",
        ),
        ("`![a](x.png)` ![a](x.png)", "`![a](x.png)` ![a](NEW)"),
        ("```\n![a](x.png)\n```\n![a](x.png)", "```\n![a](x.png)\n```\n![a](NEW)"),
        ("[a](x.png) \\![a](x.png)", "[a](x.png) \\![a](x.png)"),
        ("![a](https://x.example/x.png)", "![a](https://x.example/x.png)"),
    ],
)
def test_only_addresses_of_pictures_change(source: str, expected: str) -> None:
    assert replace_addresses(source, lambda address: "NEW" if address == "x.png" else None) == expected
