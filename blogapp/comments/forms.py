"""The comment form: parse, validate, and present it. Error messages are in the language of the page."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from wtforms import Field, Form, StringField, TextAreaField, ValidationError
from wtforms.validators import Email

from blogapp.articles.reading import AnyArticle
from blogapp.comments.models import Comment
from blogapp.comments.refusals import Invalid
from blogapp.text import markup
from blogapp.text.i18n import gettext, number
from blogapp.text.names import clean_body, clean_name, is_blank
from blogapp.values import frozen
from blogapp.web.converters import whole_number

NAME_LENGTH = 60
URL_LENGTH = 500
BODY_LENGTH = 5_000

FORM_ID = "comment-form"

# `example.org`, `www.example.org:8080/x?y`, `bücher.example#z`: a host name with a dot, without a scheme.
BARE_ADDRESS = re.compile(r"[\w-]+(\.[\w-]+)+\.?(:\d{1,5})?([/?#]\S*)?")
HOST = re.compile(r"[\w-]+(\.[\w-]+)*\.?|[0-9a-f:.]+")


def _one_line(value: str | None) -> str:
    return " ".join("".join(c for c in value or "" if c.isprintable() or c.isspace()).split())


def _clean_url(value: str | None) -> str:
    """The URL on one line, prefixed with https:// if it has no scheme."""
    address = _one_line(value)
    if address.startswith("//"):
        return f"https:{address}"
    return f"https://{address}" if BARE_ADDRESS.fullmatch(address) else address


def _filter(clean: Callable[[str], str]) -> Callable[[str | None], str]:
    return lambda value: clean(value or "")


class BodyForm(Form):
    """The text alone, as used for edits."""

    body = TextAreaField(filters=[_filter(clean_body)])

    def validate_body(self, field: Field) -> None:
        if is_blank(field.data):
            raise ValidationError(gettext("Please write a comment."))
        if sentence := self.length_error():
            raise ValidationError(sentence)

    def check(self) -> None:
        """Validate all fields. Raises Invalid."""
        if not self.validate():
            raise Invalid

    def length_error(self) -> str:
        """The message for a text that is too long, else an empty string."""
        length = len(self.body.data or "")
        if length <= BODY_LENGTH:
            return ""
        sentence = gettext("Comments are limited to %(limit)s characters; this one has %(length)s.")
        return sentence % {"limit": number(BODY_LENGTH), "length": number(length)}


class CommentForm(BodyForm):
    """The fields of the comment form. `data` contains cleaned text; an invalid field keeps the typed text."""

    author_name = StringField(filters=[_filter(clean_name)])
    author_email = StringField(filters=[_one_line])
    author_url = StringField(filters=[_clean_url])
    parent_id = StringField(filters=[_one_line])
    homepage = StringField(filters=[_one_line])

    def sign_as(self, owner_name: str) -> None:
        """Set the name to the signed-in owner's, regardless of the field."""
        self.author_name.data = owner_name

    def clear(self, author_name: str, author_url: str) -> None:
        """Empty the form after its comment was posted, except for the name and the link."""
        for field in self:
            field.data = ""
        self.author_name.data, self.author_url.data = author_name, author_url

    def validate_author_name(self, field: Field) -> None:
        if is_blank(field.data):
            raise ValidationError(gettext("Please enter a name or nickname."))
        _limit_length(
            field, NAME_LENGTH, gettext("Names are limited to %(limit)s characters; this one has %(length)s.")
        )

    def validate_author_email(self, field: StringField) -> None:
        if field.data:
            # The validator imports email_validator when it is called, not when the server starts.
            Email(gettext("Please enter an e-mail address such as name@example.org."))(self, field)

    def validate_author_url(self, field: Field) -> None:
        if not field.data:
            return
        if not _is_web_address(field.data):
            raise ValidationError(gettext("Please enter a web address such as https://example.org."))
        _limit_length(field, URL_LENGTH, gettext("Links are limited to %(limit)s characters; this one has %(length)s."))

    def validate_parent_id(self, field: Field) -> None:
        if field.data and self.parent is None:
            raise ValidationError(
                gettext("The comment you are replying to was not found. Reload the page and try again.")
            )

    @property
    def parent(self) -> int | None:
        """The id of the parent comment; None for a comment on the article itself, or if the field is not a valid id."""
        try:
            return whole_number(self.parent_id.data or "") or None
        except ValueError:
            return None

    def first_wrong_field(self) -> str:
        """The name of the field to focus; empty if all fields are valid."""
        order = ("body", "author_name", "author_email", "author_url")
        return next((name for name in order if self[name].errors), "")


@frozen
class FormView:
    """A comment form as a template displays it. `id` is its id in the page, which may have several open reply forms;
    `parent` is the parent comment, if this visitor may see it; `refusal` is an error message for the form as a
    whole."""

    article: AnyArticle
    form: CommentForm
    id: str = FORM_ID
    parent: Comment | None = None
    refusal: str = ""

    @classmethod
    def empty(
        cls,
        article: AnyArticle,
        parent: Comment | None = None,
        in_page: bool = False,
        signature: tuple[str, str] = ("", ""),
    ) -> FormView:
        """An empty form: for the article, or for a reply to `parent`, `in_page` if it opens below that comment.
        `signature` is the visitor's name and link, if they have posted before."""
        name, url = signature
        form = CommentForm(parent_id=str(parent.id) if parent else "", author_name=name, author_url=url)
        return cls(article, form, form_id(form, in_page), parent)

    @property
    def is_reply(self) -> bool:
        return bool(self.form.parent_id.data)

    @property
    def focus(self) -> str:
        """The name of the field to focus after a refusal; empty if the form was not refused."""
        return self.form.first_wrong_field() or ("body" if self.refusal else "")

    def field_id(self, name: str) -> str:
        return f"{self.id}-{name.replace('_', '-')}"


def form_id(form: CommentForm, in_page: bool) -> str:
    return f"reply-form-{form.parent}" if form.parent and in_page else FORM_ID


def _is_web_address(address: str) -> bool:
    """Whether the URL is http or https and has a host name, no spaces and no user info."""
    if " " in address or not address.lower().startswith(("http://", "https://")) or not markup.is_safe_link(address):
        return False
    try:
        parts = urlsplit(address)
        return bool(HOST.fullmatch(parts.hostname or "")) and parts.port != 0
    except ValueError:
        return False


def _limit_length(field: Field, limit: int, sentence: str) -> None:
    length = len(field.data)
    if length > limit:
        raise ValidationError(sentence % {"limit": number(limit), "length": number(length)})
