"""Why a picture is refused, in the language of the page."""

from __future__ import annotations

from blogapp.text.i18n import gettext, number
from blogapp.web.errors import Conflict, DomainError


class RefusedPicture(DomainError):
    """An uploaded file that is not stored. `str()` is the message."""

    status = 422


class NotAPicture(RefusedPicture):
    def __init__(self) -> None:
        super().__init__(gettext("This is not a JPEG, PNG, GIF, WebP, AVIF or HEIC picture."))


class TooManyPixels(RefusedPicture):
    def __init__(self, most: int) -> None:
        sentence = gettext("This picture is too large. Pictures are limited to %(number)s megapixels.")
        super().__init__(sentence % {"number": number(most // 1_000_000)})


class Damaged(RefusedPicture):
    def __init__(self) -> None:
        super().__init__(gettext("This picture is damaged or incomplete."))


class NothingChosen(RefusedPicture):
    def __init__(self) -> None:
        super().__init__(gettext("Please choose a picture."))


class NoLongerThere(RefusedPicture):
    def __init__(self) -> None:
        super().__init__(gettext("This picture is no longer in your library. Choose another one."))


class IsLogo(Conflict):
    def __init__(self) -> None:
        super().__init__(gettext("This picture is the logo of the blog. Choose another logo first."))


class InUse(Conflict):
    def __init__(self) -> None:
        super().__init__(
            gettext("This picture is used in an article or in the text about the blog. Remove it there first.")
        )
