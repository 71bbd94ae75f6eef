"""The commands of `flask`, each imported when it is used: a server needs none of them, and they import Alembic, YAML
and the demo content."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import click
from flask import Flask
from flask.cli import AppGroup

from blogapp.db.start import explain_faults


class Commands(AppGroup):
    """A group of commands, given by their names and places (`module:attribute`)."""

    def __init__(self, places: Mapping[str, str]) -> None:
        super().__init__()
        self._places = places

    def list_commands(self, ctx: click.Context) -> list[str]:
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
