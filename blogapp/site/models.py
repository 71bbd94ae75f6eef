from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from blogapp.db.base import Model


class SiteSetting(Model):
    """One setting of the site, made in the browser. A setting without a row has its default."""

    __tablename__ = "site_settings"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(Text)
