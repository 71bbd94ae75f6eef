"""The rules for comments that the owner has set for the whole site."""

from __future__ import annotations

from blogapp.comments.spam import Rules
from blogapp.site.settings import current_site


def site_rules() -> Rules:
    """The rules in effect during this request."""
    site = current_site()
    return Rules(site.comment_moderation, site.comment_close_days, site.comment_closed)
