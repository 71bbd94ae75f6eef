"""Draw cards and icons: every title fits, and no letter is drawn as a box."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from PIL import Image, ImageChops, features

from blogapp.media import drawing
from blogapp.media.cards import DrawnPictures
from blogapp.media.drawing import Card, draw_card, draw_favicon, draw_icon
from blogapp.settings import LOOKS
from tests.media.conftest import picture

CARD = Card("Birds", "Notes", "Ada · 3 June 2026", "paper", is_right_to_left=False)
TITLE_AREA = (0, drawing.TITLE_TOP, drawing.WIDTH, drawing.TITLE_BOTTOM)
BIDI = features.check_feature("raqm") and features.check_feature("fribidi")


def opened(file: bytes) -> Image.Image:
    return Image.open(io.BytesIO(file))


def ink(card: Card, area: tuple[int, int, int, int] = TITLE_AREA) -> tuple[int, int, int, int] | None:
    """The bounding box of what is drawn on the paper in an area of a card; None if it is empty."""
    image = opened(draw_card(card)).convert("RGB").crop(area)
    paper = Image.new("RGB", image.size, image.getpixel((0, 0)))
    return ImageChops.difference(image, paper).convert("L").point(lambda value: 255 * (value > 40)).getbbox()


@pytest.mark.parametrize("look", LOOKS)
def test_card_has_the_size_that_networks_ask_for(look: str) -> None:
    file = draw_card(replace(CARD, look=look))
    assert (opened(file).format, opened(file).size) == ("PNG", (1200, 630))
    assert len(file) < 40_000


@pytest.mark.parametrize(
    "title",
    [
        "Birds",
        "Le merle\N{NO-BREAK SPACE}: qui chante si tôt, avant l’aube\N{NARROW NO-BREAK SPACE}?",
        "On the history of marginalia, commonplace books, and the lineage of the comment section " * 3,
        "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 3,
        "m" * 300,
        "ζωή и жизнь — “naïve” ½ №5",
    ],
)
def test_every_title_fits_between_the_margins(title: str) -> None:
    box = ink(replace(CARD, title=title))
    assert box is not None
    left, top, right, bottom = box
    assert left >= drawing.MARGIN - 8
    assert right <= drawing.WIDTH - drawing.MARGIN + 8
    assert bottom - top <= drawing.TITLE_BOTTOM - drawing.TITLE_TOP


def test_longer_titles_are_smaller() -> None:
    sizes = []
    for title in ("Birds", "Why birds sing before dawn " * 4, "Why birds sing before dawn " * 11):
        font, lines = drawing._fitting_title(replace(CARD, title=title))  # type: ignore[misc]
        assert " ".join(lines).replace("…", "")[:40] in title
        sizes.append(font.size)
    assert sizes == sorted(set(sizes), reverse=True)


def test_title_that_does_not_fit_ends_with_an_ellipsis() -> None:
    font, lines = drawing._fitting_title(replace(CARD, title="WORD " * 200))  # type: ignore[misc]
    assert lines[-1].endswith("…")
    assert len(lines) * round(font.size * drawing.LEADING) <= drawing.TITLE_BOTTOM - drawing.TITLE_TOP


@pytest.mark.parametrize("title", ["为什么我改用它", "لماذا تغني الطيور", "日本語 and English", "🐦", ""])
def test_title_with_letters_that_no_font_has_is_left_out(title: str) -> None:
    assert drawing._fitting_title(replace(CARD, title=title)) is None
    left, _, right, _ = ink(replace(CARD, title=title)) or (0, 0, 0, 0)
    assert abs((left + right) / 2 - drawing.WIDTH / 2) <= 1  # the badge, in the middle


def test_emoji_are_left_out_and_the_words_kept() -> None:
    _, lines = drawing._fitting_title(replace(CARD, title="🎉 Fête de la musique 👩‍🚀 ❤️"))  # type: ignore[misc]
    assert lines == ["Fête de la musique"]


def test_accents_that_are_typed_separately_are_drawn() -> None:
    assert draw_card(replace(CARD, title="cafe\N{COMBINING ACUTE ACCENT}")) == draw_card(replace(CARD, title="café"))


@pytest.mark.skipif(not BIDI, reason="Pillow has no FriBiDi here")
def test_hebrew_title_begins_at_the_right() -> None:
    box = ink(replace(CARD, title="הציפורים", is_right_to_left=True))
    assert box is not None
    assert box[2] > drawing.WIDTH - drawing.MARGIN - 20


def test_hebrew_title_is_left_out_where_its_letters_cannot_be_put_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "has_bidi", lambda: False)
    assert drawing._fitting_title(replace(CARD, title="הציפורים", is_right_to_left=True)) is None
    assert drawing._fitting_title(CARD) is not None
    draw_card(replace(CARD, is_right_to_left=True))


def test_logo_replaces_the_name_of_the_blog() -> None:
    head = (0, 20, drawing.WIDTH, 160)
    logo = picture("WEBP", (480, 120))
    assert ink(replace(CARD, logo=logo), head) != ink(CARD, head)
    pixel = opened(draw_card(replace(CARD, logo=logo))).convert("RGB").getpixel((drawing.MARGIN + 20, 106))
    assert isinstance(pixel, tuple)
    assert pixel[0] > 200 > 80 > pixel[2]  # red


def test_icon_shows_the_letter_or_three_lines() -> None:
    icons = [draw_icon(letter, "paper", 180, None, is_filled=True) for letter in ("A", "É", "笔", "")]
    assert len(set(icons)) == 3
    assert icons[2] == icons[3]
    assert opened(icons[0]).size == (180, 180)


@pytest.mark.parametrize("size", [(480, 60), (60, 480), (16, 16)])
def test_logo_is_centred_in_a_square_icon(size: tuple[int, int]) -> None:
    image = opened(draw_icon("A", "paper", 192, picture("WEBP", size), is_filled=False))
    assert image.size == (192, 192)
    left, top, right, bottom = image.getbbox() or (0, 0, 0, 0)
    assert abs(left - (192 - right)) <= 1
    assert abs(top - (192 - bottom)) <= 1
    filled = opened(draw_icon("A", "paper", 180, picture("WEBP", size), is_filled=True)).convert("RGBA")
    assert filled.getchannel("A").getextrema() == (255, 255)


def test_favicon_has_the_usual_sizes() -> None:
    image = opened(draw_favicon("A", "paper", None))
    assert image.format == "ICO"
    assert image.info["sizes"] == {(16, 16), (32, 32), (48, 48)}


def test_memory_of_drawn_pictures_is_bounded() -> None:
    pictures = DrawnPictures(room=1_000)
    drawn: list[int] = []

    def draw(number: int) -> Callable[[], bytes]:
        return lambda: drawn.append(number) or bytes(300)  # type: ignore[func-returns-value]

    for number in (1, 2, 3, 1, 4, 1, 2):
        pictures.get(number, draw(number))
    assert pictures.size == 900
    assert drawn == [1, 2, 3, 4, 2]
