"""`flask owner ...`."""

from __future__ import annotations

import click
from flask.cli import AppGroup
from sqlalchemy import select
from werkzeug.security import generate_password_hash

from blogapp.db.transactions import write_transaction
from blogapp.owners.models import Owner
from blogapp.text.names import clean_name

PASSWORD_LENGTH = 10

owner_cli = AppGroup("owner", help="Who may write as the owner.")


@owner_cli.command("create")
@click.option("--name", prompt="Name, as readers will see it")
@click.password_option(help="Asked for where it is not given.")
def create(name: str, password: str) -> None:
    """Make an owner, or give an old one a new password; older sessions of theirs end."""
    name = clean_name(name)
    if not name or len(name) > 60:
        raise click.ClickException("The name must have 1 to 60 visible characters.")
    if len(password) < PASSWORD_LENGTH:
        raise click.ClickException(f"The password must have at least {PASSWORD_LENGTH} characters.")
    with write_transaction() as session:
        owner = session.scalar(select(Owner).where(Owner.name == name))
        if owner is None:
            owner = Owner(name=name)
            session.add(owner)
        owner.password_hash = generate_password_hash(password)
    click.echo(f"{name} can sign in at /owner/sign-in.")
