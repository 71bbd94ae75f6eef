"""Check uploaded pictures and encode them again, as WebP in several widths, without their metadata.

Nothing of the uploaded file is served: no metadata (place, camera), no other format, no bytes that a browser could take
for something else. One picture at a time is decoded, because that takes up to 4 bytes for each pixel.

This module imports Pillow (12 MB). Import it only in functions that need it.
"""

from __future__ import annotations

import io
import logging
import struct
from contextlib import suppress
from threading import Lock
from typing import Any

from PIL import Image, ImageCms, ImageOps, ImageSequence, UnidentifiedImageError
from pillow_heif import register_heif_opener

from blogapp.media.refusals import Damaged, NotAPicture, TooManyPixels
from blogapp.text.pictures import WIDTHS, widths_of
from blogapp.values import frozen

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "HEIF")
MOST_PIXELS = 30_000_000
# Decoding WebP takes 15 bytes for each pixel, other formats 3 to 8.
MOST_WEBP_PIXELS = 15_000_000
# Pixels of all frames of an animation after scaling; of a longer one, only the first frame is kept.
MOST_ANIMATED_PIXELS = 20_000_000
ANIMATED_WIDTH = WIDTHS[1]
# A strip of screenshots may be much higher than wide. WebP allows 16,383 pixels.
MOST_HEIGHT = 8_000
QUALITY = 80
# The tag of Exif that says how a picture is turned; from 5 on, width and height are exchanged.
ORIENTATION = 0x0112
# WebP's effort, 0 to 6: 4 saves 2 % more and takes twice as long.
EFFORT = 3

DECODING_ERRORS = (
    OSError, SyntaxError, ValueError, TypeError, RuntimeError, EOFError, IndexError, KeyError, OverflowError,
    struct.error,
)  # fmt: skip

log = logging.getLogger(__name__)

Image.MAX_IMAGE_PIXELS = None  # the size is checked below, from the header
register_heif_opener()
one_at_a_time = Lock()


@frozen
class Encoded:
    """A picture's size and its files by width, the largest last."""

    width: int
    height: int
    files: dict[int, bytes]

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(map(len, self.files.values()))


def encode(upload: bytes) -> Encoded:
    """Encode an uploaded file. Raises NotAPicture, TooManyPixels or Damaged."""
    with one_at_a_time:
        try:
            with Image.open(io.BytesIO(upload), formats=FORMATS) as image:
                return _encode(image)
        except UnidentifiedImageError:
            raise NotAPicture from None
        # Pillow and its decoders raise many kinds of errors for damaged files.
        except DECODING_ERRORS as error:
            log.warning("an uploaded picture cannot be decoded: %r", error)
            raise Damaged from error


def _encode(image: Image.Image) -> Encoded:
    # Only the header has been read: a small file can claim to be a huge picture.
    most = MOST_WEBP_PIXELS if image.format == "WEBP" else MOST_PIXELS
    if not image.width or not image.height or image.width * image.height > most:
        raise TooManyPixels(most)
    frames: int = getattr(image, "n_frames", 1)
    if frames > 1 and image.format not in {"MPO", "HEIF", "AVIF"}:
        animation = _encode_animation(image, frames)
        if animation is not None:
            return animation
    profile = image.info.get("icc_profile")
    # Scaled first, because every other step makes a copy. A JPEG file is even decoded at a fraction of its size.
    image.draft("RGB", (WIDTHS[-1], WIDTHS[-1]))
    if image.mode not in {"RGB", "RGBA", "CMYK", "L"}:
        image = _with_eight_bits(image)
    image.thumbnail(_largest_size(image), Image.Resampling.LANCZOS, reducing_gap=2.0)
    ImageOps.exif_transpose(image, in_place=True)
    upright = _in_srgb(_with_eight_bits(image), profile)
    largest = _scaled(upright, _fitting_width(upright.width, upright.height, WIDTHS[-1]))
    files = {each: _webp(_scaled(largest, each)) for each in widths_of(largest.width)}
    return Encoded(largest.width, largest.height, files)


def _encode_animation(image: Image.Image, frames: int) -> Encoded | None:
    """An animation in one width; None if it is too long."""
    width = _fitting_width(image.width, image.height, ANIMATED_WIDTH)
    height = max(1, round(image.height * width / image.width))
    if width * height * frames > MOST_ANIMATED_PIXELS or image.width * image.height * frames > 10 * MOST_PIXELS:
        return None
    images, durations = [], []
    for frame in ImageSequence.Iterator(image):
        durations.append(max(20, int(frame.info.get("duration") or 100)))  # milliseconds
        images.append(frame.convert("RGBA").resize((width, height)))
    file = io.BytesIO()
    images[0].save(
        file, "WEBP", save_all=True, append_images=images[1:], duration=durations, loop=0, quality=QUALITY, method=0
    )
    return Encoded(width, height, {width: file.getvalue()})


def _largest_size(image: Image.Image) -> tuple[int, int]:
    """The size that a picture may have before it is turned upright, which may exchange its sides."""
    width, height = image.size
    if image.getexif().get(ORIENTATION, 1) >= 5:
        return min(width, MOST_HEIGHT), _fitting_width(height, width, WIDTHS[-1])
    return _fitting_width(width, height, WIDTHS[-1]), min(height, MOST_HEIGHT)


def _fitting_width(width: int, height: int, widest: int) -> int:
    """The width of a picture that is at most `widest` wide and MOST_HEIGHT high."""
    return max(1, min(width, widest, width * MOST_HEIGHT // height if height > MOST_HEIGHT else width))


def _with_eight_bits(image: Image.Image) -> Image.Image:
    """The picture in RGB or, if it has transparent parts, RGBA."""
    if image.mode in {"I;16", "I;16B", "I"}:
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    is_transparent = image.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in image.info
    return image.convert("RGBA" if is_transparent else "RGB") if image.mode not in {"RGB", "RGBA"} else image


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture in the colours of the web. Phones store wider ones, which look pale without their profile."""
    if profile:
        with suppress(ImageCms.PyCMSError, OSError):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"))
            return converted or image
    return image


def _scaled(image: Image.Image, width: int) -> Image.Image:
    if width == image.width:
        return image
    height = max(1, round(image.height * width / image.width))
    return image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)


def _webp(image: Image.Image) -> bytes:
    file = io.BytesIO()
    options: dict[str, Any] = {"quality": QUALITY, "method": EFFORT}
    # Metadata would be copied from `info`.
    image.info.clear()
    image.save(file, "WEBP", exif=b"", icc_profile=b"", xmp=b"", **options)
    return file.getvalue()
