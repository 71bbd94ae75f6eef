"""A blog that its owner owns. `create_app` puts the house together, in reading order."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import click
from flask import Flask, abort, request
from flask_compress import Compress

from blogapp.articles.commands import articles_cli
from blogapp.comments import avatars, permissions
from blogapp.comments.commands import comments_cli
from blogapp.comments.posting import Rules
from blogapp.comments.routes.author import bp as author_routes
from blogapp.comments.routes.read import bp as comments
from blogapp.db import base, migrate, start, transactions
from blogapp.db.content_version import ContentVersion
from blogapp.demo.commands import demo_cli
from blogapp.owners import sessions
from blogapp.owners.commands import owner_cli
from blogapp.owners.routes import bp as owner
from blogapp.pages.routes import bp as articles
from blogapp.privacy.routes import bp as privacy
from blogapp.settings import SETTINGS, Settings, read_settings
from blogapp.text import i18n
from blogapp.view_counts import routes as view_counts
from blogapp.view_counts.commands import views_cli
from blogapp.web import (
    arguments,
    assets,
    converters,
    csrf,
    errors,
    headers,
    health,
    htmx,
    http_cache,
    page_cache,
    rate_limits,
)

ROOT = Path(__file__).parent.parent
LARGEST_BODY = 64 * 1024  # bytes


def create_app(environ: Mapping[str, str] | None = None, data_folder: Path | None = None) -> Flask:
    """The application, configured by `environ` (default: the process's), with its data in DATA_DIR (default:
    `data_folder`, or else `instance/` beside the code). Raises SettingsError with a sentence if a setting is wrong."""
    settings = read_settings(os.environ if environ is None else environ, data_folder or ROOT / "instance")
    data_folder = settings.data_dir
    app = Flask(
        __name__,
        instance_path=str(data_folder.resolve()),
        template_folder=str(ROOT / "templates"),
        static_folder=None,
    )
    app.config["SECRET_KEY"] = settings.secret_key
    app.config["SITE_TITLE"] = settings.site_title
    app.config["COMMENT_RULES"] = Rules(settings.comment_moderation, settings.comment_close_days)
    app.jinja_env.globals["site_title"] = settings.site_title
    app.context_processor(lambda: {"site_url": settings.site_url or request.host_url.rstrip("/")})
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True

    # What is registered first is run last on an answer: it is compressed when all else is said.
    Compress(app)
    headers.init_app(app)
    http_cache.init_app(app)
    csrf.init_app(app, settings.site_url)
    limit_bodies(app)
    arguments.init_app(app)
    converters.init_app(app)
    errors.init_app(app)
    htmx.init_app(app)
    i18n.init_app(app, settings.site_locale)
    base.init_app(app, settings.database_url)
    version_file = settings.database_file or data_folder / "content"
    content_version = ContentVersion(version_file.with_name(f"{version_file.name}.version"))
    transactions.init_app(app, content_version)
    migrate.init_app(app, settings.database_file)
    rate_limits.init_app(app, settings)
    view_counts.init_app(app, settings)
    page_cache.init_app(app, content_version, settings)

    app.register_blueprint(articles)
    app.register_blueprint(comments)
    app.register_blueprint(author_routes)
    app.register_blueprint(view_counts.bp)
    app.register_blueprint(privacy)
    app.register_blueprint(owner)

    app.cli.add_command(articles_cli)
    app.cli.add_command(comments_cli)
    app.cli.add_command(demo_cli)
    app.cli.add_command(owner_cli)
    app.cli.add_command(views_cli)
    app.cli.add_command(settings_command(settings))

    avatars.init_app(app)
    permissions.init_app(app, settings.comment_edit_minutes)
    sessions.init_app(app)
    assets.init_app(app, data_folder)
    health.init_app(app, settings.trusted_proxies)
    start.open_database(app, settings.database_file)
    start.explain_faults(app.cli)
    return app


def limit_bodies(app: Flask) -> None:
    """Refuse what is larger than any form here. It is read to its end first, up to a bound: a browser that is still
    sending would otherwise see a broken connection and not our sentence."""
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY

    @app.before_request
    def refuse_large_body() -> None:
        if (request.content_length or 0) > LARGEST_BODY:
            left = 32 * LARGEST_BODY
            stream = request.environ["wsgi.input"]
            while left > 0 and (chunk := stream.read(min(left, LARGEST_BODY))):
                left -= len(chunk)
            abort(413)


def settings_command(settings: Settings) -> click.Command:
    @click.command("settings")
    def show_settings() -> None:
        """Print every setting, its value, where it comes from and what it means."""
        for setting in SETTINGS:
            value = getattr(settings, setting.name.lower())
            shown = "********" if setting.secret and value else str("" if value is None else value)
            click.echo(f"{setting.name}={shown}  ({settings.sources[setting.name]})\n    {setting.meaning}")

    return show_settings
