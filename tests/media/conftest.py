"""Pictures as cameras and programs make them."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image, ImageDraw
from pillow_heif import register_heif_opener

register_heif_opener()


def picture(
    format: str = "JPEG", size: tuple[int, int] = (64, 48), mode: str = "RGB", colour: Any = None, **options: Any
) -> bytes:
    """A file with a picture whose left half has another colour than its right half."""
    image = Image.new(mode, size, colour if colour is not None else ("red" if mode == "RGB" else 0))
    if mode == "RGB" and colour is None:
        ImageDraw.Draw(image).rectangle((size[0] // 2, 0, size[0], size[1]), fill="blue")
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()
