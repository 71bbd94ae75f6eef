"""`flask owner ...`."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from blogapp.db.content_versions import Changes
from blogapp.db.transactions import write_transaction
from blogapp.owners.accounts import all_owners, change_password, find_owner, save_owner
from blogapp.owners.passwords import LONGEST, SHORTEST, hash_password
from blogapp.text.names import clean_name, is_blank

owner_cli = AppGroup("owner", help="Manage owner accounts.")


@owner_cli.command("reset-password", short_help="Give an owner a new password.")
@click.option("--name", prompt="Name of the owner")
@click.password_option(help="The new password. Prompted for if not given.")
def reset_password(name: str, password: str) -> None:
    """Give an owner who has lost the password a new one, which signs them out everywhere."""
    _check_password(password)
    password_hash = hash_password(password)
    with write_transaction(Changes.NOTHING) as session:
        owner = find_owner(session, name)
        if owner is None:
            names = ", ".join(each.name for each in all_owners(session))
            raise click.ClickException(f"There is no owner with this name. The owners are: {names or '(none)'}.")
        change_password(session, owner, password_hash)
    click.echo(f"{owner.name} can sign in at /owner/sign-in with the new password.")


@owner_cli.command("create", short_help="Create an owner.")
@click.option("--name", prompt="Name, as readers will see it")
@click.password_option(help="Prompted for if not given.")
def create(name: str, password: str) -> None:
    """Create an owner, or give an existing one a new password, which signs them out everywhere."""
    name = clean_name(name)
    if is_blank(name) or len(name) > 60:
        raise click.ClickException("The name must have 1 to 60 visible characters.")
    _check_password(password)
    password_hash = hash_password(password)
    with write_transaction() as session:
        name = save_owner(session, name, password_hash).name
    click.echo(f"{name} can sign in at /owner/sign-in.")


def _check_password(password: str) -> None:
    if not SHORTEST <= len(password) <= LONGEST:
        raise click.ClickException(f"The password must have at least {SHORTEST} and at most {LONGEST} characters.")
