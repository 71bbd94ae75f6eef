"""`flask owner ...`."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from blogapp.db.transactions import write_transaction
from blogapp.owners.accounts import save_owner
from blogapp.owners.passwords import LONGEST, SHORTEST, hash_password
from blogapp.text.names import clean_name, is_blank

owner_cli = AppGroup("owner", help="Manage owner accounts.")


@owner_cli.command("create")
@click.option("--name", prompt="Name, as readers will see it")
@click.password_option(help="Prompted for if not given.")
def create(name: str, password: str) -> None:
    """Create an owner, or give an existing one a new password, which signs them out everywhere."""
    name = clean_name(name)
    if is_blank(name) or len(name) > 60:
        raise click.ClickException("The name must have 1 to 60 visible characters.")
    if not SHORTEST <= len(password) <= LONGEST:
        raise click.ClickException(f"The password must have at least {SHORTEST} and at most {LONGEST} characters.")
    password_hash = hash_password(password)
    with write_transaction() as session:
        name = save_owner(session, name, password_hash).name
    click.echo(f"{name} can sign in at /owner/sign-in.")
