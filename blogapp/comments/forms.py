"""The comment form: parse and check. Its errors are sentences for people, in the language of the page."""

from __future__ import annotations

from collections.abc import Callable

from wtforms import Field, Form, StringField, TextAreaField, ValidationError

from blogapp.text import markup
from blogapp.text.i18n import current_locale, gettext, number
from blogapp.text.names import clean_body, clean_name, is_blank

NAME_LENGTH = 60
URL_LENGTH = 500
EMAIL_LENGTH = 254
BODY_LENGTH = 5_000


def _one_line(value: str | None) -> str:
    return " ".join("".join(c for c in value or "" if c.isprintable() or c.isspace()).split())


def _filter(clean: Callable[[str], str]) -> Callable[[str | None], str]:
    return lambda value: clean(value or "")


class BodyForm(Form):
    """The text alone, as an edit has it. `body_html` is there once it was checked and found right."""

    body = TextAreaField(filters=[_filter(clean_body)])
    body_html = ""

    def validate_body(self, field: Field) -> None:
        if is_blank(field.data):
            raise ValidationError(gettext("Write your comment first."))
        _at_most(
            field, BODY_LENGTH, gettext("A comment can have %(limit)s characters at most; this one has %(length)s.")
        )
        # Rendering is the dearest part of a comment: it is done once, here, in the language that the page speaks.
        self.body_html = markup.render_comment(field.data, current_locale())
        if is_blank(markup.plain_text(self.body_html)):
            raise ValidationError(gettext("Nothing of this would be visible. Write a few words."))


class CommentForm(BodyForm):
    """The fields of CONTRACT's comment form. `data` holds cleaned text; what failed keeps what was typed."""

    author_name = StringField(filters=[_filter(clean_name)])
    author_email = StringField(filters=[_one_line])
    author_url = StringField(filters=[_one_line])
    parent_id = StringField(filters=[_one_line])
    homepage = StringField(filters=[_one_line])

    def speak_as(self, owner_name: str) -> None:
        """The owner needs no name: it is theirs by their session, whatever the field says."""
        self.author_name.data = owner_name

    def validate_author_name(self, field: Field) -> None:
        if is_blank(field.data):
            raise ValidationError(gettext("Write a name, any name you like to be called by."))
        _at_most(
            field, NAME_LENGTH, gettext("The name can have %(limit)s characters at most; this one has %(length)s.")
        )

    def validate_author_email(self, field: Field) -> None:
        if not field.data:
            return
        local, at, domain = field.data.rpartition("@")
        if not (at and local and domain and " " not in field.data and len(field.data) <= EMAIL_LENGTH):
            raise ValidationError(gettext("An e-mail address has an @ in the middle, like name@example.org."))

    def validate_author_url(self, field: Field) -> None:
        if not field.data:
            return
        address = field.data.lower()
        if " " in address or not address.startswith(("http://", "https://")) or not markup.is_safe_link(address):
            raise ValidationError(gettext("A link begins with https:// or http://, like https://example.org."))
        _at_most(field, URL_LENGTH, gettext("The link can have %(limit)s characters at most; this one has %(length)s."))

    def validate_parent_id(self, field: Field) -> None:
        if field.data and not (field.data.isascii() and field.data.isdigit() and len(field.data) < 19):
            raise ValidationError(gettext("The comment that you answer was not found. Reload the page and try again."))

    @property
    def parent(self) -> int | None:
        """The id of the comment that is answered, None for a comment on the article itself."""
        return int(self.parent_id.data) if self.parent_id.data and not self.parent_id.errors else None

    def first_wrong_field(self) -> str:
        """The name of the field that wants the focus, empty when all is well."""
        order = ("body", "author_name", "author_email", "author_url")
        return next((name for name in order if self[name].errors), "")


def _at_most(field: Field, limit: int, sentence: str) -> None:
    length = len(field.data)
    if length > limit:
        raise ValidationError(sentence % {"limit": number(limit), "length": number(length)})
