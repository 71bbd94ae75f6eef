"""Uploaded pictures are checked, and encoded again without their metadata."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from flask import Flask
from PIL import Image, ImageCms

from blogapp.media.encoding import MOST_PIXELS, Encoded, encode
from blogapp.media.refusals import Damaged, NotAPicture, TooManyPixels
from tests.media.conftest import picture


@pytest.fixture(autouse=True)
def request_context(app: Flask) -> object:
    """Messages are in the language of a request."""
    with app.test_request_context() as context:
        yield context


@pytest.fixture(scope="module")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Encoding does not use the database."""
    return f"sqlite:///{tmp_path_factory.mktemp('encoding') / 'unused.sqlite3'}"


def largest(encoded: Encoded) -> Image.Image:
    image = Image.open(io.BytesIO(encoded.files[encoded.width]))
    image.load()
    return image


def pixel(image: Image.Image, x: int, y: int) -> tuple[int, ...]:
    """Red, green, blue and opacity, 0 to 255 each."""
    found = image.convert("RGBA").getpixel((x, y))
    assert isinstance(found, tuple)
    return found


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "HEIF"])
def test_all_formats_become_webp(format: str) -> None:
    encoded = encode(picture(format))
    image = largest(encoded)
    assert (encoded.width, encoded.height) == (64, 48)
    assert image.format == "WEBP"
    red, _, blue, _ = pixel(image, 10, 20)
    assert red > 200 > 60 > blue


@pytest.mark.parametrize(
    ("size", "widths", "height"),
    [
        ((300, 200), [300], 200),
        ((480, 480), [480], 480),
        ((1000, 500), [480, 960, 1000], 500),
        ((4000, 2000), [480, 960, 1600], 800),
        ((100, 9000), [88], 7920),
        ((1, 1), [1], 1),
    ],
)
def test_copies_have_several_widths(size: tuple[int, int], widths: list[int], height: int) -> None:
    encoded = encode(picture("JPEG", size))
    assert list(encoded.files) == widths
    assert encoded.height == height
    for width, file in encoded.files.items():
        assert Image.open(io.BytesIO(file)).width == width


def test_picture_is_upright_and_has_no_metadata() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by a quarter turn
    exif[0x010F] = "Camera of Ada"
    exif.get_ifd(0x8825)[1] = "N"  # place
    encoded = encode(picture("JPEG", exif=exif, comment=b"a private remark"))
    assert (encoded.width, encoded.height) == (48, 64)
    image = largest(encoded)
    assert not image.getexif()
    assert not {"exif", "xmp", "icc_profile", "comment"} & image.info.keys()
    for file in encoded.files.values():
        assert b"Ada" not in file
        assert b"private" not in file


def test_colours_of_a_profile_are_converted() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for given in (profile, b"no profile"):
        assert pixel(largest(encode(picture("JPEG", icc_profile=given))), 10, 20)[0] > 200


def test_transparent_parts_are_kept() -> None:
    image = largest(encode(picture("PNG", mode="RGBA", colour=(255, 0, 0, 0))))
    assert image.mode == "RGBA"
    assert pixel(image, 5, 5)[3] == 0


@pytest.mark.parametrize(
    ("format", "mode"), [("JPEG", "CMYK"), ("JPEG", "L"), ("PNG", "1"), ("PNG", "P"), ("PNG", "LA")]
)
def test_every_colour_mode_is_accepted(format: str, mode: str) -> None:
    assert encode(picture(format, mode=mode)).width == 64


def test_sixteen_bits_are_scaled() -> None:
    assert abs(pixel(largest(encode(picture("PNG", mode="I;16", colour=32768))), 5, 5)[0] - 128) < 4


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_animation_stays_an_animation(format: str) -> None:
    frames = [Image.new("RGB", (64, 48), colour) for colour in ("red", "green", "blue")]
    file = io.BytesIO()
    frames[0].save(file, format, save_all=True, append_images=frames[1:], duration=200)
    assert largest(encode(file.getvalue())).n_frames == 3  # type: ignore[attr-defined]


def test_of_a_long_animation_the_first_frame_is_kept() -> None:
    frames = [Image.new("L", (960, 960), shade) for shade in range(40)]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    encoded = encode(file.getvalue())
    assert getattr(largest(encoded), "n_frames", 1) == 1


def claimed_size(width: int, height: int) -> bytes:
    """A PNG file of 70 bytes that claims this size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = b""
    for name, body in ((b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")):
        chunks += struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    return b"\x89PNG\r\n\x1a\n" + chunks


def test_size_is_checked_before_decoding() -> None:
    with pytest.raises(TooManyPixels, match="limited to 30 megapixels"):
        encode(claimed_size(65_535, 65_535))
    with pytest.raises(TooManyPixels):
        encode(claimed_size(MOST_PIXELS // 1000 + 1, 1000))


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"plain text",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"%PDF-1.7",
        b"\xff\xd8\xff",
        b"GIF89a",
        picture("BMP"),
        picture("TIFF"),
        picture("ICO"),
    ],
)
def test_other_files_are_refused(file: bytes) -> None:
    with pytest.raises((NotAPicture, Damaged)):
        encode(file)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "HEIF"])
def test_incomplete_files_are_refused(format: str) -> None:
    whole = picture(format, (400, 300))
    with pytest.raises((NotAPicture, Damaged)):
        encode(whole[: len(whole) // 2])


def test_damaged_files_never_cause_other_errors() -> None:
    for format in ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "HEIF"):
        whole = bytearray(picture(format, (40, 30)))
        for position in range(0, len(whole), max(1, len(whole) // 40)):
            damaged = bytes(whole[:position]) + bytes([whole[position] ^ 0xFF]) + bytes(whole[position + 1 :])
            try:
                encode(damaged)
            except (NotAPicture, Damaged, TooManyPixels):
                continue


def test_text_inside_a_picture_is_not_kept() -> None:
    hidden = picture("JPEG") + b"<script>alert(1)</script>"
    for file in encode(hidden).files.values():
        assert b"script" not in file


def test_incomplete_exif_data_is_refused_or_ignored() -> None:
    for format in ("PNG", "WEBP", "JPEG"):
        try:
            assert encode(picture(format, exif=b"Exif\0\0II*\0")).width == 64
        except (Damaged, NotAPicture):
            continue
