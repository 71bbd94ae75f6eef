"""Draw the pictures that stand for an article or the site elsewhere: cards for shared links, and icons.

The fonts have Latin, Greek, Cyrillic and Hebrew letters. Where a text has others, a card leaves it out and an icon
shows three lines, because boxes in place of letters are worse than no text.

This module imports Pillow (12 MB). Import it only in functions that need it.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, features

from blogapp.site.looks import COLOURS, WITHOUT_SERIFS, Colours
from blogapp.text.names import first_letter
from blogapp.values import frozen

FONTS = Path(__file__).parent.parent.parent / "static" / "fonts"
SERIF, SANS = "card-serif.otf", "card-sans.ttf"

WIDTH, HEIGHT = 1200, 630
MARGIN = 88
# The place of the title, and the sizes that it may have, in pixels.
TITLE_WIDTH = WIDTH - 2 * MARGIN
TITLE_TOP, TITLE_BOTTOM = 176, 498
TITLE_SIZES = (108, 100, 92, 84, 76, 68, 60, 54, 48, 43, 39)
LEADING = 1.16
SMALL = 31
RULE_Y = 520
BADGE = 60
# In place of a title that cannot be drawn.
LARGE_BADGE = 220
LARGEST_LOGO = (420, 76)
COLOURS_IN_FILE = 96

# Characters without a glyph of their own: joiners, variation selectors, marks of direction.
INVISIBLE = frozenset({"Cf", "Cc", "Co", "Cn", "Cs"})
# Categories whose characters may be left out if no font has them: emoji, other symbols, signs of them.
LEFT_OUT = frozenset({"So", "Sk", "Sc", "Sm", "Mn", "Me", "Po", "Pd"})
RIGHT_TO_LEFT = frozenset({"R", "AL"})


@frozen
class Card:
    """What a card says: the title, the name of the blog, and a line below (author, date). `logo` is a picture that
    replaces the badge with the blog's letter and its name."""

    title: str
    site_title: str
    line: str
    look: str
    is_right_to_left: bool
    logo: bytes | None = None


def draw_card(card: Card) -> bytes:
    """A card of 1200 x 630 pixels, as PNG."""
    colours = COLOURS[card.look]
    image = Image.new("RGB", (WIDTH, HEIGHT), colours.paper)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, WIDTH, 11), colours.accent)
    _draw_head(image, draw, card, colours)
    if title := _fitting_title(card):
        font, lines = title
        leading = round(font.size * LEADING)
        y = TITLE_TOP + (TITLE_BOTTOM - TITLE_TOP - leading * len(lines)) // 2
        for line in lines:
            _draw_line(draw, line, font, y, colours.ink, card.is_right_to_left)
            y += leading
    else:
        large = _badge(first_letter(card.site_title), card.look, LARGE_BADGE, LARGE_BADGE * 7 // 32)
        image.paste(large, ((WIDTH - LARGE_BADGE) // 2, (TITLE_TOP + TITLE_BOTTOM - LARGE_BADGE) // 2), large)
    draw.rectangle((MARGIN, RULE_Y, WIDTH - MARGIN, RULE_Y + 1), colours.rule)
    font, line = _drawable(card.line, card.look, SMALL)
    if line:
        _draw_line(draw, _shortened(line, font, TITLE_WIDTH), font, RULE_Y + 30, colours.quiet, card.is_right_to_left)
    return _png(image.quantize(COLOURS_IN_FILE if card.logo is None else 256))


def draw_icon(letter: str, look: str, size: int, logo: bytes | None, is_filled: bool) -> bytes:
    """The site's icon as PNG, `size` pixels wide and high: its logo, or its letter. `is_filled` is for icons of home
    screens, which have no transparent parts and get rounded corners from the system."""
    return _png(_icon(letter, look, size, logo, is_filled))


def draw_favicon(letter: str, look: str, logo: bytes | None) -> bytes:
    """The site's icon as an ICO file with the usual sizes."""
    file = io.BytesIO()
    _icon(letter, look, 48, logo, is_filled=False).save(file, "ICO", sizes=[(16, 16), (32, 32), (48, 48)])
    return file.getvalue()


def _icon(letter: str, look: str, size: int, logo: bytes | None, is_filled: bool) -> Image.Image:
    colours = COLOURS[look]
    if logo is None:
        return _badge(letter, look, size, radius=0 if is_filled else size * 7 // 32)
    image = Image.new("RGBA", (size, size), colours.paper if is_filled else (0, 0, 0, 0))
    room = size * 5 // 6 if is_filled else size
    picture = _opened(logo, (room, room))
    image.alpha_composite(picture, ((size - picture.width) // 2, (size - picture.height) // 2))
    return image


def _badge(letter: str, look: str, size: int, radius: int) -> Image.Image:
    """A square in the accent colour with a letter or, if there is none that can be drawn, with three lines."""
    colours = COLOURS[look]
    # Pillow smooths the edges of letters but not those of shapes.
    large = size * 4
    image = Image.new("RGBA", (large, large), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((0, 0, large - 1, large - 1), radius * 4, colours.accent)
    font, text = _drawable(letter, look, large * 21 // 32)
    if text:
        left, top, right, bottom = font.getbbox(text, anchor="ls")
        x, y = (large - left - right) / 2, (large - top - bottom) / 2
        draw.text((x, y), text, colours.accent_ink, font, anchor="ls")
    else:
        for number, end in enumerate((24, 24, 17)):
            y = large * (10 + 6 * number) / 32
            draw.line((large * 8 / 32, y, large * end / 32, y), colours.accent_ink, large * 3 // 32)
    return image.resize((size, size), Image.Resampling.LANCZOS)


def _draw_head(image: Image.Image, draw: ImageDraw.ImageDraw, card: Card, colours: Colours) -> None:
    """The logo, or the badge and the name of the blog."""
    middle = 76 + BADGE // 2
    if card.logo is not None:
        logo = _opened(card.logo, LARGEST_LOGO)
        x = WIDTH - MARGIN - logo.width if card.is_right_to_left else MARGIN
        image.paste(logo, (x, middle - logo.height // 2), logo)
        return
    badge = _badge(first_letter(card.site_title), card.look, BADGE, BADGE * 7 // 32)
    x = WIDTH - MARGIN - BADGE if card.is_right_to_left else MARGIN
    image.paste(badge, (x, middle - BADGE // 2), badge)
    font, name = _drawable(card.site_title, card.look, SMALL)
    if name:
        inset = BADGE + 22
        name = _shortened(name, font, TITLE_WIDTH - inset)
        _draw_line(draw, name, font, middle - round(SMALL * 0.62), colours.quiet, card.is_right_to_left, inset)


def _draw_line(
    draw: ImageDraw.ImageDraw,
    text: str,
    font: ImageFont.FreeTypeFont,
    y: int,
    colour: str,
    is_rtl: bool,
    inset: int = 0,
) -> None:
    x = WIDTH - MARGIN - inset if is_rtl else MARGIN + inset
    direction = ("rtl" if is_rtl else "ltr") if has_bidi() else None
    draw.text((x, y), text, colour, font, anchor="ra" if is_rtl else "la", direction=direction)


def _fitting_title(card: Card) -> tuple[ImageFont.FreeTypeFont, list[str]] | None:
    """The font and the lines of the title in the largest size in which it fits, its lines about equally long."""
    for size in TITLE_SIZES:
        font, title = _drawable(card.title, card.look, size)
        if not title:
            return None
        lines = _wrapped(title, font, TITLE_WIDTH)
        room = (TITLE_BOTTOM - TITLE_TOP) // round(size * LEADING)
        # A short title needs no more than three lines; only a smaller size makes room for more.
        if len(lines) <= min(room, 3 if size > 60 else room):
            return font, _balanced(title, font, lines)
    lines = lines[:room]
    return font, [*lines[:-1], _shortened(lines[-1] + "…", font, TITLE_WIDTH)]


def _wrapped(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """The text in lines of at most this width. Only a word that is longer is broken; no-break spaces are kept."""
    lines: list[str] = []
    for word in re.split(r"[ \t\n]+", text):
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
            continue
        while font.getlength(word) > width:
            end = next(end for end in range(len(word) - 1, 0, -1) if end == 1 or font.getlength(word[:end]) <= width)
            lines.append(word[:end])
            word = word[end:]
        lines.append(word)
    return lines


def _balanced(text: str, font: ImageFont.FreeTypeFont, lines: list[str]) -> list[str]:
    """The same number of lines in the smallest width that allows it, like CSS `text-wrap: balance`."""
    least, most = TITLE_WIDTH // 2, TITLE_WIDTH
    while most - least > 8:
        width = (least + most) // 2
        narrower = _wrapped(text, font, width)
        if len(narrower) <= len(lines) and all(font.getlength(line) <= width for line in narrower):
            most, lines = width, narrower
        else:
            least = width
    return lines


def _shortened(text: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    """The text, or as much of it as fits with an ellipsis."""
    if font.getlength(text) <= width:
        return text
    end = len(text)
    while end and font.getlength(f"{text[:end].rstrip()}…") > width:
        end -= 1
    return f"{text[:end].rstrip()}…"


def _drawable(text: str, look: str, size: int) -> tuple[ImageFont.FreeTypeFont, str]:
    """A font that has the letters of the text, and the text without the symbols that it has not; an empty text if there
    is no such font."""
    text = "".join(each for each in unicodedata.normalize("NFC", text) if unicodedata.category(each) not in INVISIBLE)
    names: Sequence[str] = (SANS, SERIF) if look in WITHOUT_SERIFS else (SERIF,)
    for name in names:
        missing = {each for each in text if not _has_glyph(name, each)}
        if all(unicodedata.category(each) in LEFT_OUT for each in missing):
            kept = " ".join(re.split(r"[ \t\n]+", "".join(each for each in text if each not in missing))).strip()
            is_legible = any(each.isalnum() for each in kept)
            if not has_bidi() and any(unicodedata.bidirectional(each) in RIGHT_TO_LEFT for each in kept):
                is_legible = False
            return _font(name, size), kept if is_legible else ""
    return _font(names[-1], size), ""


def _has_glyph(name: str, character: str) -> bool:
    return character.isspace() or _shape(name, character) != _shape(name, "\U0010fffe")


@cache
def _small_font(name: str) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONTS / name, 24, layout_engine=ImageFont.Layout.BASIC)


def _shape(name: str, character: str) -> tuple[bytes, tuple[int, int]]:
    mask = _small_font(name).getmask(character)
    return bytes(mask), mask.size


@cache
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONTS / name, size)


@cache
def has_bidi() -> bool:
    """Whether Pillow can put Hebrew letters in order, for which the system must have the library FriBiDi."""
    return bool(features.check_feature("raqm") and features.check_feature("fribidi"))


def _opened(picture: bytes, room: tuple[int, int]) -> Image.Image:
    """A stored picture, scaled down to fit into `room`."""
    with Image.open(io.BytesIO(picture), formats=("WEBP",)) as image:
        opened = image.convert("RGBA")
    opened.thumbnail(room, Image.Resampling.LANCZOS)
    return opened


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
