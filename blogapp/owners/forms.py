"""The owner's forms: the settings of the site, the first setup, a new password. Messages are in the language of the
page."""

from __future__ import annotations

from typing import Any

from babel import Locale
from wtforms import Field, Form, PasswordField, SelectField, StringField, TextAreaField, ValidationError

from blogapp.owners.passwords import LONGEST, SHORTEST
from blogapp.settings import LOCALES, LOOKS
from blogapp.site.footer import LINKS_AT_MOST, WrongLink, parse_links
from blogapp.site.settings import LONGEST as LONGEST_SETTING
from blogapp.site.settings import MOST_CLOSE_DAYS, Site
from blogapp.site.time_zones import is_time_zone, time_zones
from blogapp.text.i18n import gettext, number, pgettext
from blogapp.text.names import clean_name, is_blank
from blogapp.web.arguments import storable

NAME_LENGTH = 60


def _cleaned(value: str | None) -> str:
    return clean_name(value or "")


def _lines(value: str | None) -> str | None:
    """A text of several lines; None if the form has no such field."""
    return None if value is None else value.replace("\r\n", "\n").strip()


class OwnerForm(Form):
    """A form that knows which field to focus. `first` names the fields that the page shows above the others."""

    first: tuple[str, ...] = ()

    def first_wrong_field(self) -> str:
        """The name of the first invalid field; empty if all are valid."""
        names = [*self.first, *(field.name for field in self if field.name not in self.first)]
        return next((name for name in names if self[name].errors), "")


class SiteForm(OwnerForm):
    """The settings of the site. Fields that the environment sets are left out."""

    site_title = StringField(filters=[_cleaned])
    description = StringField(filters=[_cleaned])
    lang = SelectField(choices=lambda: [(code, language_name(code)) for code in LOCALES], validate_choice=False)
    time_zone = SelectField(choices=lambda: [(name, name) for name in time_zones()], validate_choice=False)

    def validate_site_title(self, field: Field) -> None:
        if is_blank(field.data):
            raise ValidationError(gettext("Please enter a title."))
        limit_length(field, LONGEST_SETTING["title"])

    def validate_description(self, field: Field) -> None:
        limit_length(field, LONGEST_SETTING["description"])

    def validate_lang(self, field: Field) -> None:
        if field.data not in LOCALES:
            raise ValidationError(gettext("Please choose a language from the list."))

    def validate_time_zone(self, field: Field) -> None:
        if not is_time_zone(field.data or ""):
            raise ValidationError(gettext("Please choose a time zone from the list."))

    def leave_out(self, fixed: frozenset[str]) -> None:
        """Remove the fields of settings that the environment sets."""
        for name, field in FIELDS.items():
            if name in fixed and field in self:
                del self[field]

    def settings(self) -> dict[str, str]:
        """The values of the form, by the names of the settings."""
        return {
            name: self[field].data for name, field in FIELDS.items() if field in self and self[field].data is not None
        }


class SettingsForm(SiteForm):
    """The settings of the site, with those that the first setup does not ask for."""

    look = SelectField(choices=lambda: [(name, look_names()[name]) for name in LOOKS], validate_choice=False)

    about = TextAreaField(filters=[_lines])
    footer_links = TextAreaField(filters=[_lines])

    def validate_about(self, field: Field) -> None:
        limit_length(field, LONGEST_SETTING["about"])

    def validate_footer_links(self, field: Field) -> None:
        try:
            parse_links(field.data or "")
        except WrongLink as error:
            sentence = gettext(
                "Line %(number)s: enter a name, a vertical line and an address, such as: About | /about. "
                "At most %(most)s links are possible."
            )
            values = {"number": number(error.line), "most": number(LINKS_AT_MOST)}
            raise ValidationError(sentence % values) from None

    typography = SelectField(choices=lambda: list(typography_names().items()), validate_choice=False)
    moderation = SelectField(choices=lambda: list(moderation_names().items()), validate_choice=False)
    closed = SelectField(choices=lambda: list(closed_names().items()), validate_choice=False)
    close_days = StringField()

    def validate_typography(self, field: Field) -> None:
        if field.data is not None and field.data not in typography_names():
            raise ValidationError(gettext("Please choose an entry from the list."))

    def validate_closed(self, field: Field) -> None:
        if field.data is not None and field.data not in closed_names():
            raise ValidationError(gettext("Please choose an entry from the list."))

    def validate_moderation(self, field: Field) -> None:
        if field.data is not None and field.data not in moderation_names():
            raise ValidationError(gettext("Please choose an entry from the list."))

    def validate_close_days(self, field: Field) -> None:
        if field.data is None:
            return
        typed = field.data.strip() or "0"
        if not (typed.isascii() and typed.isdigit() and len(typed) < 9 and int(typed) <= MOST_CLOSE_DAYS):
            sentence = gettext("Please enter a number of days, at most %(number)s, or 0.")
            raise ValidationError(sentence % {"number": number(MOST_CLOSE_DAYS)})
        field.data = str(int(typed))

    def validate_look(self, field: Field) -> None:
        # A form without this field leaves the look as it is.
        if field.data is not None and field.data not in LOOKS:
            raise ValidationError(gettext("Please choose a look from the list."))


# The field for each setting of the site.
FIELDS = {
    "title": "site_title",
    "description": "description",
    "locale": "lang",
    "time_zone": "time_zone",
    "look": "look",
    "typography": "typography",
    "comment_moderation": "moderation",
    "comment_close_days": "close_days",
    "comment_closed": "closed",
    "about": "about",
    "footer_links": "footer_links",
}


def site_values(site: Site) -> dict[str, Any]:
    """The values with which the fields of `SiteForm` begin."""
    return {field: str(getattr(site, name)) for name, field in FIELDS.items()}


class NewPasswordForm(OwnerForm):
    """The choice of a password."""

    password = PasswordField()

    def validate_password(self, field: Field) -> None:
        if not SHORTEST <= len(field.data or "") <= LONGEST:
            raise ValidationError(
                gettext("Please choose a password of at least %(least)s characters (and at most %(most)s).")
                % {"least": number(SHORTEST), "most": number(LONGEST)}
            )


class ChangePasswordForm(NewPasswordForm):
    """A new password of an owner who is signed in."""

    first = ("present_password",)
    present_password = PasswordField()
    # The message for a wrong present password, which is compared before the form is validated again.
    refused_password = ""

    def validate_present_password(self, field: Field) -> None:
        if self.refused_password:
            raise ValidationError(self.refused_password)


class PasskeyForm(OwnerForm):
    """The name of a new passkey, and the password if it is asked for."""

    first = ("passkey_name",)
    passkey_name = StringField(filters=[_cleaned])
    present_password = PasswordField()
    # The message for a wrong present password, which is compared before the form is validated.
    refused_password = ""

    def validate_passkey_name(self, field: Field) -> None:
        limit_length(field, NAME_LENGTH)

    def validate_present_password(self, field: Field) -> None:
        if self.refused_password:
            raise ValidationError(self.refused_password)


class AddOwnerForm(OwnerForm):
    """The name of a new owner, and the password of the one who adds them."""

    first = ("name",)
    name = StringField(filters=[_cleaned])
    present_password = PasswordField()
    # The messages for a name that is used and for a wrong password, which are compared after the form is validated.
    refused_name = refused_password = ""

    def validate_name(self, field: Field) -> None:
        if self.refused_name:
            raise ValidationError(self.refused_name)
        if is_blank(field.data):
            raise ValidationError(gettext("Please enter a name, as readers will see it."))
        limit_length(field, NAME_LENGTH)

    def validate_present_password(self, field: Field) -> None:
        if self.refused_password:
            raise ValidationError(self.refused_password)


class RemoveOwnerForm(OwnerForm):
    """The password of the owner who removes another one."""

    present_password = PasswordField()
    # The message for a wrong password, which is compared before the form is validated.
    refused_password = ""

    def validate_present_password(self, field: Field) -> None:
        if self.refused_password:
            raise ValidationError(self.refused_password)


class RecoveryForm(NewPasswordForm):
    """A new password instead of a lost one. `name` is only needed for RESET_CODE, if there are several owners."""

    first = ("reset_code", "name")
    reset_code = StringField()
    name = StringField(filters=[_cleaned])
    # The messages for a wrong code and a wrong name, which are checked before the form is validated.
    refused_code = refused_name = ""

    def validate_reset_code(self, field: Field) -> None:
        if self.refused_code:
            raise ValidationError(self.refused_code)

    def validate_name(self, field: Field) -> None:
        if self.refused_name:
            raise ValidationError(self.refused_name)


class SetupForm(SiteForm, NewPasswordForm):
    """The first setup: the code that proves access to the server, the owner's account, the settings of the site."""

    first = ("setup_code", "name", "password")
    description = None  # type: ignore[assignment]  # leaves the field out
    setup_code = StringField(filters=[storable])
    name = StringField(filters=[_cleaned])
    # The message for a wrong code, which is compared before the form is validated.
    refused_code = ""

    def validate_setup_code(self, field: Field) -> None:
        if self.refused_code:
            raise ValidationError(self.refused_code)

    def validate_name(self, field: Field) -> None:
        if is_blank(field.data):
            raise ValidationError(gettext("Please enter your name, as readers will see it."))
        limit_length(field, NAME_LENGTH)


def look_names() -> dict[str, str]:
    """The looks in the language of the page, by their names in settings."""
    return {
        "paper": gettext("Paper: warm, with serifs"),
        "slate": gettext("Slate: cool, without serifs"),
        "garden": gettext("Garden: green, with serifs"),
        "print": gettext("Print: black and white, with serifs"),
    }


def typography_names() -> dict[str, str]:
    """Whether texts are typeset, in the language of the page, by the text of the setting."""
    return {
        "True": gettext("Of the language of each article"),
        "False": gettext("As typed"),
    }


def moderation_names() -> dict[str, str]:
    """Which comments wait for approval, in the language of the page, by the values of COMMENT_MODERATION."""
    return {
        "open": gettext("No comments, except those that look like spam"),
        "first": gettext("Comments of people who have no published comment yet"),
        "all": gettext("All comments"),
    }


def closed_names() -> dict[str, str]:
    """Whether new comments are possible, in the language of the page, by the text of the setting."""
    return {
        "False": pgettext("comments", "Open"),
        "True": gettext("Closed on the whole site, except where an article is kept open"),
    }


def language_name(code: str) -> str:
    """The name of a language in that language: English, Français, עברית."""
    return str(Locale.parse(code).get_display_name()).capitalize()


def limit_length(field: Field, limit: int) -> None:
    """Raise ValidationError if the value has more than `limit` characters."""
    length = len(field.data or "")
    if length > limit:
        sentence = gettext("At most %(limit)s characters are possible here; you have entered %(length)s.")
        raise ValidationError(sentence % {"limit": number(limit), "length": number(length)})
