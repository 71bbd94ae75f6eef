"""Code in articles is highlighted with classes."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pygments.lexers import PythonLexer

from blogapp.text import code, markup


def block(language: str, text: str) -> str:
    return markup.render_article(f"```{language}\n{text}\n```", "en").strip()


def test_code_gets_classes_by_its_language() -> None:
    assert block("py", "def f():\n    return 'a<b'  # c") == (
        '<pre><code><span class="k">def</span> <span class="nf">f</span>():\n'
        '    <span class="k">return</span> <span class="s">\'a&lt;b\'</span>  <span class="c"># c</span>\n</code></pre>'
    )


@pytest.mark.parametrize(
    "language", ["python", "Python", "py {1,3}", 'py title="a.py"', "html", "js", "diff", "console"]
)
def test_languages_are_found_by_the_first_word(language: str) -> None:
    assert "<span" in block(language, "$ if x = '<a href=\"b\">c</a>'\n+added")


@pytest.mark.parametrize("language", ["", "text", "no-such-language", "../etc", "<b>", '"'])
def test_unknown_languages_stay_plain(language: str) -> None:
    assert block(language, "def f(x): &") == "<pre><code>def f(x): &amp;\n</code></pre>"


def test_text_of_code_does_not_change() -> None:
    text = "\n\n\tif (a < b && c) { // <script>\n\n\n"
    for language in ("c", "js", "html", "php", "sql", "yaml", "json", "bash"):
        highlighted = code.highlight(text, language)
        assert "<script" not in highlighted
        assert re.sub(r"</?span[^>]*>", "", highlighted) == html.escape(text, quote=False)


def test_huge_blocks_stay_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "<span" not in block("py", "x = 'a'\n" * 3_000)
    monkeypatch.setattr(code, "SECONDS", -1.0)  # no time at all
    assert "<span" not in block("py", "x = 'a'")


def test_waiting_for_a_busy_processor_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = PythonLexer.get_tokens

    def after_waiting(lexer: PythonLexer, text: str) -> Iterator[tuple[Any, str]]:
        time.sleep(code.SECONDS + 0.1)
        yield from tokens(lexer, text)

    monkeypatch.setattr(PythonLexer, "get_tokens", after_waiting)
    assert "<span" in block("py", "x = 'a'")


def test_comments_are_not_highlighted() -> None:
    assert "<span" not in markup.render_comment("```py\nx = 'a'\n```", "en")


def test_raw_spans_are_removed() -> None:
    for source in ('<span class="k">x</span>', '<p><span class="k">x</span></p>'):
        assert "<span" not in markup.render_article(source, "en")
    # Other classes would be removed even if a rule let them through.
    assert markup.absolute_links('<span class="comment">x</span><span class="k">y</span>', "/", "/") == (
        '<span>x</span><span class="k">y</span>'
    )


def test_stylesheet_has_every_class() -> None:
    css = Path("static/css/code.css").read_text()
    assert set(re.findall(r"\.([a-z]+)\b", re.sub(r"/\*.*?\*/", "", css))) == code.CLASSES
