"""Markdown is rendered to safe HTML."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import html5lib
import pytest

from blogapp.text import markup
from blogapp.text.reading_time import reading_minutes
from tests.harness.server import ROOT

REL = 'rel="nofollow ugc noopener"'


@pytest.mark.parametrize(
    ("source", "html"),
    [
        (
            "**fort** *doux* ~~barré~~ `code`",
            "<p><strong>fort</strong> <em>doux</em> <s>barré</s> <code>code</code></p>",
        ),
        ("one\ntwo", "<p>one<br>\ntwo</p>"),
        ("> said", "<blockquote>\n<p>said</p>\n</blockquote>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("3. a", '<ol start="3">\n<li>a</li>\n</ol>'),
        ("```py\nx < 1\n```", "<pre><code>x &lt; 1\n</code></pre>"),
        ("[here](https://example.org/?a=1&b=2)", f'<p><a href="https://example.org/?a=1&amp;b=2" {REL}>here</a></p>'),
        ("see https://example.org/x.", f'<p>see <a href="https://example.org/x" {REL}>https://example.org/x</a>.</p>'),
        ("a@example.org", f'<p><a href="mailto:a@example.org" {REL}>a@example.org</a></p>'),
        ("😀 𝒳 👩‍👩‍👧", "<p>😀 𝒳 👩‍👩‍👧</p>"),
    ],
)
def test_markdown_of_a_comment_is_rendered(source: str, html: str) -> None:
    assert markup.render_comment(source, "en").strip() == html


HOSTILE = [
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    '<p style="position:fixed" class="x" id="main" hx-get="/" data-x="1">hi</p>',
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html,hi)",
    "[x](vbscript:x)",
    "[x](//example.org)",
    "[x](/owner/sign-out)",
    "[x](http://user@example.org/)",
    "[x](https://user:secret@example.org/)",
    "<https://user:secret@example.org/>",
    "https://user:secret@example.org/",
    "ftp://example.org/x",
    "[x](ftp://example.org)",
    "![alt](https://example.org/x.png)",
    "![alt](/static/icon.svg)",
    "# heading",
    "heading\n===",
    "a\n---\nb",
    "<!-- hi --><svg><style><img src=x onerror=alert(1)>",
    '<math><mtext></p><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "[x][r]\n\n[r]: javascript:alert(1)",
    "`<b>`\n\n```\n</code><script>x</script>\n```",
    "| a |\n|---|\n| b |",
    '[x](https://example.org "onmouseover=alert(1)")',
]

COMMENT_TAGS = {"p", "br", "em", "strong", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a"}
COMMENT_ATTRIBUTES = {"a": {"href", "rel"}, "ol": {"start"}}


@pytest.mark.parametrize("source", HOSTILE)
def test_comment_html_has_only_allowed_tags_and_attributes(source: str) -> None:
    tree = html5lib.parseFragment(markup.render_comment(source, "en"), namespaceHTMLElements=False)
    for element in tree.iter():
        if element.tag == "DOCUMENT_FRAGMENT":
            continue
        assert element.tag in COMMENT_TAGS
        assert set(element.attrib) <= COMMENT_ATTRIBUTES.get(element.tag, set())
        if element.tag == "a":
            assert element.attrib["href"].startswith(("http://", "https://", "mailto:"))
            assert "@" not in element.attrib["href"] or element.attrib["href"].startswith("mailto:")
            assert element.attrib["rel"] == "nofollow ugc noopener"


def test_bidirectional_controls_are_removed() -> None:
    rendered = markup.render_comment("a\u202eb\u2066c\u2069 `\u202d`", "en")
    assert not set(rendered) & {chr(c) for c in [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]}


def test_french_punctuation_gets_non_breaking_spaces_outside_code() -> None:
    rendered = markup.render_comment("Vraiment ? Oui ! « bien » : `a ; b` https://example.org", "fr")
    assert "Vraiment\u202f? Oui\u202f!" in rendered
    assert "«&nbsp;bien&nbsp;»&nbsp;:" in rendered
    assert "<code>a ; b</code>" in rendered
    assert "Really ?" in markup.render_comment("Really ?", "en")


def test_article_may_have_headings_images_tables_and_internal_links() -> None:
    rendered = markup.render_article(
        "# One\n\n## Two\n\n![a view](/static/icon.svg)\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n---\n\n"
        "[up](#top) [in](/x)",
        "en",
    )
    assert '<h2 id="one">One<a' in rendered
    assert '<h3 id="two">Two<a' in rendered
    assert '<img src="/static/icon.svg" alt="a view">' in rendered
    assert "<th>a</th>" in rendered
    assert "<hr>" in rendered
    assert '<a href="#top" rel="noopener">up</a>' in rendered
    assert '<a href="/x" rel="noopener">in</a>' in rendered


def test_largest_heading_of_an_article_is_an_h2() -> None:
    assert '<h2 id="two">Two<a' in markup.render_article("## Two\n\n### Three", "en")


def test_image_on_another_site_becomes_a_link() -> None:
    rendered = markup.render_article("![a view](https://example.org/x.png)", "en")
    assert "<img" not in rendered
    assert '<a href="https://example.org/x.png" rel="noopener">a view</a>' in rendered


@pytest.mark.parametrize("source", HOSTILE)
def test_article_html_has_no_scripts(source: str) -> None:
    rendered = markup.render_article(source, "en")
    tree = html5lib.parseFragment(rendered, namespaceHTMLElements=False)
    for element in tree.iter():
        assert element.tag not in {"script", "style", "svg", "math", "iframe"}
        assert not any(name.startswith(("on", "style", "hx-", "data-")) for name in element.attrib)
        assert element.attrib.get("class") in {None, "anchor", "table"}
        assert "id" not in element.attrib or element.tag in {"h2", "h3"}


@pytest.mark.parametrize("source", ["*", "-", "+", "1.", "2)", "- *", "* * *", "```\n```", "[](https://example.org)"])
def test_comment_of_markdown_characters_alone_is_shown_as_typed(source: str) -> None:
    assert markup.plain_text(markup.render_comment(source, "en")) == " ".join(source.split())


def test_empty_list_marker_between_paragraphs_is_shown_as_typed() -> None:
    assert markup.render_comment("Yes\n\n-\n\n> 1.", "en") == (
        "<p>Yes</p>\n<p>-</p>\n<blockquote>\n<p>1.</p>\n</blockquote>\n"
    )
    assert markup.render_comment("- a\n-\n- b", "en").count("<li>") == 3


@pytest.mark.parametrize("title", ["The end", "the end", "The *end*!"])
def test_links_to_headings_match_the_heading_ids(title: str) -> None:
    rendered = markup.render_article(f"[Go](#the-end)\n\n## {title}\n", "en")
    assert '<a href="#the-end"' in rendered
    assert '<h2 id="the-end">' in rendered


@pytest.mark.parametrize(
    ("headings", "ids"),
    [
        (["Same", "Same", "Same"], ["same", "same-1", "same-2"]),
        (["L'été à Paris", "日本語 の 見出し", "`code` & more"], ["lété-à-paris", "日本語-の-見出し", "code--more"]),
        (["Named {#my-id}", "???"], ["my-id", None]),
        (["Like", "Like"], ["like", "section-like-1"]),
        (
            ["Comments", "Status", "Comment 12", "Main"],
            ["section-comments", "section-status", "section-comment-12", "section-main"],
        ),
    ],
)
def test_heading_ids_are_unique_and_differ_from_page_ids(headings: list[str], ids: list[str | None]) -> None:
    rendered = markup.render_article("\n\n".join(f"## {each}" for each in headings), "en")
    tree = html5lib.parseFragment(rendered, namespaceHTMLElements=False)
    assert [element.attrib.get("id") for element in tree.iter("h2")] == ids


# Folders of templates for pages that never show an article.
OWNERS_PAGES = {"demo", "media", "owners"}
QUEUE = {"_confirm_bulk.html", "_queue.html", "_queued.html", "_states.html", "rules.html", "_bulk_label.html"}


def test_heading_ids_differ_from_all_template_ids() -> None:
    ids = {
        re.sub(r"\{\{.*?\}\}", "12", found)
        for path in Path("templates").rglob("*.html")
        if path.name == "_bar.html" or path.name.startswith("_sign") or path.parent.name not in OWNERS_PAGES
        if path.name not in QUEUE
        for found in re.findall(r'\sid="([^"]+)"', path.read_text())
        if not found.startswith("{{")
    }
    rendered = markup.render_article("\n\n".join(f"## {each}" for each in sorted(ids)), "en")
    assert ids
    assert not ids & set(re.findall(r' id="([^"]+)"', rendered))


def test_link_to_a_heading_with_a_prefixed_id_is_adjusted() -> None:
    assert '<a href="#section-comments"' in markup.render_article("[c](#comments)\n\n## Comments", "en")
    assert '<a href="#comments"' in markup.render_article("[c](#comments)", "en")


def test_footnotes_task_lists_and_safe_html_are_rendered() -> None:
    rendered = markup.render_article(
        "One[^a].\n\n- [ ] to do\n- [x] done\n\nH<sub>2</sub>O<br>Press <kbd>Ctrl</kbd>\n\n[^a]: The note.", "en"
    )
    assert '<a href="#fn1" id="fnref1" rel="noopener">[1]</a>' in rendered
    assert '<li id="fn1" class="footnote-item"><p>The note. <a href="#fnref1"' in rendered
    assert '<li class="task">☐ to do</li>\n<li class="task">☑ done</li>' in rendered
    assert "H<sub>2</sub>O<br>Press <kbd>Ctrl</kbd>" in rendered


def test_table_cells_keep_their_alignment() -> None:
    assert '<td class="align-right">1</td>' in markup.render_article("| a |\n|--:|\n| 1 |", "en")


def test_headings_link_to_themselves_in_the_language_of_the_article() -> None:
    rendered = markup.render_article("## L'été\n\n##### E", "fr")
    assert '<a class="anchor" href="#lété" aria-label="Lien vers cette section" rel="noopener"></a></h2>' in rendered
    assert rendered.count("<a ") == 1


def test_feeds_have_no_links_of_headings() -> None:
    rendered = markup.render_article("## One\n\nText [x](#one)", "en")
    assert markup.absolute_links(rendered, "https://example.org/a", "https://example.org").startswith(
        '<h2 id="one">One</h2>'
    )
    assert 'class="anchor" href="#one"' in markup.trusted_article(rendered, "/blog")
    assert markup.plain_text(rendered) == "One Text x"


def test_links_back_from_footnotes_have_a_name() -> None:
    rendered = markup.render_article("One[^a] two[^a].\n\n[^a]: The note.", "fr")
    label = 'class="footnote-backref" aria-label="Retour au texte"'
    assert f'<a href="#fnref1" {label}' in rendered
    # Each reference has the number of its note; the links back are told apart.
    assert f'<a href="#fnref1:1" {label[:-1]} (2)"' in rendered
    assert 'id="fnref1:1" rel="noopener">[1]</a>' in rendered


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("", 1),
        ("<p>" + "They sing. " * 440 + "</p>", 4),
        ("鳥" * 2_000, 4),
        ("d'été-là " * 660, 3),
        ("<b c d e>" * 999, 1),
    ],
)
def test_reading_time_counts_words_and_chinese_characters(text: str, minutes: int) -> None:
    assert reading_minutes(text) == minutes


@pytest.mark.parametrize(
    "source",
    [
        '<p id="comments" onclick="alert(1)" style="position:fixed">hi</p>',
        '<a id="status" name="main" href="javascript:alert(1)">x</a>',
        '<a href="https://user:secret@example.org/">x</a>',
        '<img src="https://example.org/x.png" onerror="alert(1)">',
        '<img src="//example.org/x.png">',
        "<form action=/owner/sign-out><input name=x><button>go</button></form>",
        '<details open ontoggle="alert(1)"><summary>x</summary></details>',
        "<svg><script>alert(1)</script></svg>",
        '<math><mtext></p><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
        "<base href=//example.org><meta http-equiv=refresh content=0><link rel=stylesheet href=//example.org>",
        "</div></article></main><script>alert(1)",
        "<!--><script>alert(1)</script>-->",
        "<scr<script>ipt>alert(1)</script>",
        '<kbd class="comment" hx-get="/">x</kbd>',
    ],
)
def test_raw_html_of_an_article_is_sanitized(source: str) -> None:
    for text in (source, f"Text {source} text"):
        tree = html5lib.parseFragment(markup.render_article(text, "en"), namespaceHTMLElements=False)
        for element in tree.iter():
            if element.tag == "DOCUMENT_FRAGMENT":
                continue
            assert element.tag in markup.ARTICLE.tags
            assert set(element.attrib) <= markup.ARTICLE.attributes.get(element.tag, set()) | {"rel"}
            assert element.attrib.get("id") not in {"comments", "status", "main"}
            assert element.attrib.get("href", "/").startswith(("/", "#", "https://example.org"))


ADVERSARIAL = [
    "*a " * 1_666, "_" * 5_000, "`" * 5_000, "[" * 5_000, "![" * 2_500, "<" * 5_000, "<!--" * 1_250, "> " * 2_500,
    "- " * 2_500, "1. " * 1_666, "*\n" * 2_500, "- *\n" * 1_250, "https://" * 625, "https://a" * 555,
    "http://a’" * 555, "https://example.org/" + "’" * 4_980, "https://example.org/" + "״א" * 2_490,
    "https://example.org/" + "(" * 4_980, "a@" * 2_500, "&" * 5_000, "[^a]" * 1_250, "^[a" * 1_666, "|" * 5_000,
    "[x](" * 1_250, "~~a" * 1_666, "\\" * 5_000, "{{" * 2_500, "{% " * 1_666, "<b>" * 1_666, "<script>" * 625,
    "## a\n" * 1_000, "[^a]: b\n\n" * 500, "a:" * 2_500, "]]" * 2_500, "<a " * 1_666, "$" * 5_000,
]  # fmt: skip


RENDER_ALL = """
import json, sys
from blogapp.text import markup
for source in json.load(sys.stdin):
    markup.render_comment(source, "fr")
    markup.render_article(source, "fr")
    markup.problems_of_article(source)
"""


def test_hostile_text_does_not_hang_the_renderer() -> None:
    # All texts together take some seconds. With quadratic time in 5,000 characters, they would take minutes.
    subprocess.run(
        [sys.executable, "-c", RENDER_ALL], input=json.dumps(ADVERSARIAL), text=True, check=True, timeout=120
    )


def test_plain_text_has_no_markup() -> None:
    assert markup.plain_text("<p>They <em>sing</em>.</p><p>All day.</p>") == "They sing. All day."
    assert markup.plain_text("<p>a &lt;b&gt; &amp; <em>c</em></p>\n<p>d</p>") == "a <b> & c d"


def test_prose_has_no_headings_code_or_tables() -> None:
    source = "## Songs\n\nThey sing.\n\n```python\nprint(1)\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nAll day."
    assert markup.prose(markup.render_article(source, "en")) == "They sing. All day."


def test_nesting_of_quotes_is_limited() -> None:
    assert markup.render_comment("> " * 2500, "en").count("<blockquote>") <= 20


def test_only_the_markup_module_marks_text_as_html() -> None:
    marks = re.compile(r"\bMarkup\(|\|\s*safe\b|markupsafe\.Markup|autoescape false")
    files = [*(ROOT / "blogapp").rglob("*.py"), *(ROOT / "templates").rglob("*.html")]
    assert [path.name for path in files if marks.search(path.read_text())] == ["markup.py"]
