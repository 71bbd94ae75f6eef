"""The commands of `flask`, each imported when it is used: a server needs none of them, and they import Alembic, YAML
and the demo content."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import NoReturn

import click
from flask import Flask
from flask.cli import AppGroup, FlaskGroup

from blogapp.db.start import explain_faults

HELP = """Manage this blog.

"COMMAND --help" explains a command. Settings are environment variables, or lines in the file .env: "settings" prints
them all. "run" is for a look at the blog; "make serve" starts the server for the public."""


class Commands(AppGroup):
    """A group of commands, given by their names and places (`module:attribute`)."""

    def __init__(self, places: Mapping[str, str]) -> None:
        super().__init__(help=HELP)
        self._places = places

    def list_commands(self, ctx: click.Context) -> list[str]:
        if isinstance(ctx.command, FlaskGroup) and ctx.command.help != HELP and not ctx.resilient_parsing:
            _print_help(ctx, ctx.command)
        return sorted({*super().list_commands(ctx), *self._places})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.commands and cmd_name in self._places:
            module, _, attribute = self._places[cmd_name].partition(":")
            command: click.Command = getattr(import_module(module), attribute)
            explain_faults(command)
            self.add_command(command, cmd_name)
        return super().get_command(ctx, cmd_name)


def init_app(app: Flask, places: Mapping[str, str]) -> None:
    app.cli = Commands(places)


def _print_help(ctx: click.Context, flask: FlaskGroup) -> NoReturn:
    """Print the help of the program `flask` without what is for its developers, and exit. Flask has begun to write its
    own when it loads the application to list the commands."""
    flask.help = HELP
    for option in flask.params:
        if isinstance(option, click.Option):
            option.hidden = True
    for name in ("routes", "shell"):
        flask.commands[name].hidden = True
    click.echo(ctx.get_help())
    sys.exit()
