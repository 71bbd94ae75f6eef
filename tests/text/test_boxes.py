"""Boxes around tables, and captions of pictures."""

from __future__ import annotations

import pytest

from blogapp.text import markup


def test_tables_scroll_in_a_labelled_box() -> None:
    rendered = markup.render_article("| a |\n|---|\n| 1 |", "fr")
    assert rendered.startswith('<div class="table" role="group" aria-label="Tableau" tabindex="0">\n<table>')
    assert rendered.strip().endswith("</table>\n</div>")


BOX = '<div class="table" role="group" aria-label="Table" tabindex="0">'
CELL = "<tbody><tr><td>{}</td></tr></tbody>"


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("<table><tr><td>1</td></tr></table>", f"{BOX}<table>{CELL.format(1)}</table></div>"),
        (
            "<figure><TABLE class=x><tr><td>1</td></tr></TABLE></figure>",
            f"<figure>{BOX}<table>{CELL.format(1)}</table></div></figure>",
        ),
        # Over several blocks, and one in another.
        (
            "<table><tr><td>1\n\n</td></tr></table>\n\n**b**",
            f"{BOX}<table>{CELL.format('1' + chr(10))}</table></div>\n<p><strong>b</strong></p>",
        ),
        (
            "<table><tr><td><table><tr><td>1</td></tr></table></td></tr></table>",
            f"{BOX}<table>{CELL.format(f'<table>{CELL.format(1)}</table>')}</table></div>",
        ),
        # Two.
        (
            "<table><tr><td>1</td></tr></table><table><tr><td>2</td></tr></table>",
            f"{BOX}<table>{CELL.format(1)}</table></div>{BOX}<table>{CELL.format(2)}</table></div>",
        ),
        # Without an end tag, the box would take the rest of the article.
        ("<table><tr><td>1</td></tr>\n\ntext", None),
        ("</table>\n\ntext", None),
    ],
)
def test_tables_of_raw_html_scroll_in_a_box(source: str, shown: str | None) -> None:
    rendered = markup.render_article(source, "en")
    if shown is None:
        assert "<div" not in rendered
    else:
        assert rendered.strip() == shown


@pytest.mark.parametrize(
    ("source", "html"),
    [
        (
            '![a bird](/static/icon.svg "A *bird* & <me>")',
            '<figure><img src="/static/icon.svg" alt="a bird"><figcaption>A *bird* &amp; &lt;me&gt;</figcaption>'
            "</figure>",
        ),
        (
            '[![a](/static/icon.svg "Bird")](/x)',
            '<figure><a href="/x" rel="noopener"><img src="/static/icon.svg" alt="a"></a>'
            "<figcaption>Bird</figcaption></figure>",
        ),
        ('See ![a](/static/icon.svg "Bird")', '<p>See <img src="/static/icon.svg" alt="a" title="Bird"></p>'),
        ("![a](/static/icon.svg)", '<p><img src="/static/icon.svg" alt="a"></p>'),
        ('- ![a](/static/icon.svg "Bird")', '<ul>\n<li><img src="/static/icon.svg" alt="a" title="Bird"></li>\n</ul>'),
    ],
)
def test_title_of_a_lone_picture_is_its_caption(source: str, html: str) -> None:
    assert markup.render_article(source, "en").strip() == html


def test_raw_html_cannot_make_boxes() -> None:
    rendered = markup.render_article('<div class="table" role="group" tabindex="0">\n\nx\n\n</div>', "en")
    assert "<div" not in rendered
    assert "tabindex" not in markup.render_article('<a href="/" tabindex="1" role="button">x</a>', "en")
