"""Text becomes HTML: what comes out, and above all what never does."""

from __future__ import annotations

import html5lib
import pytest

from blogapp.text import markup

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
def test_a_comment_comes_out_as_written(source: str, html: str) -> None:
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
def test_nothing_but_the_allow_list_comes_out_of_a_comment(source: str) -> None:
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


def test_bidirectional_controls_do_not_reach_the_page() -> None:
    rendered = markup.render_comment("a\u202eb\u2066c\u2069 `\u202d`", "en")
    assert not set(rendered) & {chr(c) for c in [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]}


def test_french_spaces_do_not_break_and_code_is_left_alone() -> None:
    rendered = markup.render_comment("Vraiment ? Oui ! « bien » : `a ; b` https://example.org", "fr")
    assert "Vraiment\u202f? Oui\u202f!" in rendered
    assert "«&nbsp;bien&nbsp;»&nbsp;:" in rendered
    assert "<code>a ; b</code>" in rendered
    assert "Really ?" in markup.render_comment("Really ?", "en")


def test_guillemets_are_left_as_written() -> None:
    assert '"cible"' in markup.render_article('il parle de "cible"', "fr")


def test_an_article_may_have_more() -> None:
    rendered = markup.render_article(
        "# One\n\n## Two\n\n![a view](/static/icon.svg)\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n---\n\n"
        "[up](#top) [in](/x)",
        "en",
    )
    assert "<h2>One</h2>" in rendered
    assert "<h3>Two</h3>" in rendered
    assert '<img src="/static/icon.svg" alt="a view">' in rendered
    assert "<th>a</th>" in rendered
    assert "<hr>" in rendered
    assert '<a href="#top" rel="noopener">up</a>' in rendered
    assert '<a href="/x" rel="noopener">in</a>' in rendered


def test_an_articles_largest_heading_comes_right_below_the_title() -> None:
    assert "<h2>Two</h2>" in markup.render_article("## Two\n\n### Three", "en")


def test_a_picture_from_elsewhere_is_a_link_to_it() -> None:
    rendered = markup.render_article("![a view](https://example.org/x.png)", "en")
    assert "<img" not in rendered
    assert '<a href="https://example.org/x.png" rel="noopener">a view</a>' in rendered


@pytest.mark.parametrize("source", HOSTILE)
def test_an_article_runs_no_script(source: str) -> None:
    rendered = markup.render_article(source, "en")
    tree = html5lib.parseFragment(rendered, namespaceHTMLElements=False)
    for element in tree.iter():
        assert element.tag not in {"script", "style", "svg", "math", "iframe"}
        assert not any(name.startswith(("on", "style", "hx-", "data-", "id", "class")) for name in element.attrib)


def test_plain_text_is_the_words_alone() -> None:
    assert markup.plain_text("<p>a &lt;b&gt; &amp; <em>c</em></p>\n<p>d</p>") == "a <b> & c d"


def test_deep_nesting_ends() -> None:
    assert markup.render_comment("> " * 2500, "en").count("<blockquote>") <= 20
