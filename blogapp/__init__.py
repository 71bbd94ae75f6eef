"""The blog application. `create_app` creates it and sets up its parts."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

# The imports create 300,000 objects, which all stay: looking for garbage among them takes a fifth of a start.
gc.disable()

import click
from flask import Flask, has_request_context, request
from flask.cli import with_appcontext

from blogapp import clock
from blogapp.articles import addresses, authors, covers, editing, menu, owner_routes, publishing, redirects
from blogapp.articles.reading import is_empty
from blogapp.comments import avatars, current_author, fragments, words
from blogapp.comments.bans import forget_bans
from blogapp.comments.likes import forget_likes
from blogapp.comments.owner_routes import bp as owner_comments
from blogapp.comments.posting import forget_digests, forget_networks
from blogapp.comments.queue import count_states, count_waiting
from blogapp.comments.routes.author import bp as comment_authors
from blogapp.comments.routes.moderation import bp as comment_moderation
from blogapp.comments.routes.write import bp as comments
from blogapp.db import base, query_cache, schema, secret_key, start, transactions
from blogapp.db.change_marker import ChangeMarker
from blogapp.db.content_versions import reader_for
from blogapp.demo import routes as demo
from blogapp.feeds import routes as feeds
from blogapp.feeds import sitemap
from blogapp.media import choosing
from blogapp.media import logo_routes as logo
from blogapp.media import owner_routes as pictures
from blogapp.media import routes as media
from blogapp.media.library import delete_unused_at_new_day
from blogapp.owners import account_routes, bar, settings_routes
from blogapp.owners import cookies as owner_cookies
from blogapp.owners import setup_routes as owner_setup
from blogapp.owners.dashboard import bp as owner_dashboard
from blogapp.owners.passkey_routes import bp as owner_passkeys
from blogapp.owners.recovery_routes import bp as owner_recovery
from blogapp.owners.routes import bp as owner
from blogapp.owners.security_routes import bp as owner_security
from blogapp.pages import archive_routes, article_page, doctor, error_language, warmup
from blogapp.pages.card_routes import bp as cards
from blogapp.pages.doctor_routes import bp as owner_doctor
from blogapp.pages.routes import bp as articles
from blogapp.pages.tag_routes import bp as tags
from blogapp.privacy.routes import bp as privacy
from blogapp.search.routes import bp as search_page
from blogapp.settings import ROOT, SECRET_KEY_FILE, SETTINGS, Settings, environment, read_settings
from blogapp.site import settings as site
from blogapp.site import setup, storage
from blogapp.site.daily_backups import panel as backups_panel
from blogapp.site.daily_backups import start_backup
from blogapp.text import i18n, markup
from blogapp.view_counts import owner_routes as statistics
from blogapp.view_counts import reports
from blogapp.view_counts import routes as view_counts
from blogapp.view_counts.counting import forget_visitors
from blogapp.view_counts.responder import ViewResponder
from blogapp.view_counts.retention import fold_at_new_day
from blogapp.visitors import cookie, day
from blogapp.web import (
    arguments,
    assets,
    commands,
    compression,
    converters,
    csrf,
    development_server,
    errors,
    headers,
    health,
    htmx,
    http_cache,
    metrics,
    no_session,
    page_cache,
    proxy,
    rate_limits,
    request_bodies,
    site_links,
    templates,
)
from blogapp.web.immediate import Immediate
from blogapp.web.url_rules import LateRule

gc.freeze()
gc.enable()

COMMANDS = {
    "articles": "blogapp.pages.commands:articles_cli",
    "backup": "blogapp.pages.archive_commands:backup",
    "comments": "blogapp.comments.commands:comments_cli",
    "db": "blogapp.pages.upgrade:db_cli",
    "demo": "blogapp.demo.commands:demo_cli",
    "doctor": "blogapp.pages.doctor:doctor",
    "owner": "blogapp.owners.commands:owner_cli",
    "restore": "blogapp.pages.archive_commands:restore",
    "views": "blogapp.view_counts.commands:views_cli",
}

# URLs that are remembered: those of about forty articles. Most longer ones contain what was typed.
KEPT_URLS = 500
LONGEST_KEPT_URL = 200


class SynchronousFlask(Flask):
    """Flask without a check, in each request, of whether each of its functions is asynchronous: none is."""

    jinja_environment = templates.SharedGlobals
    url_rule_class = LateRule

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        self._kept_urls: dict[tuple[object, ...], str] = {}

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func

    def url_for(self, /, endpoint: str, **values: Any) -> str:
        """As in Flask, but remembers what it has built: a page has twenty URLs, which take a fortieth of its time."""
        if not has_request_context() or endpoint.startswith("."):
            return super().url_for(endpoint, **values)
        is_absolute = values.get("_external") or values.get("_scheme")
        # With the types, because 1 == True.
        key = (
            request.root_url if is_absolute else request.script_root,
            endpoint,
            *values.items(),
            *map(type, values.values()),
        )
        try:
            url = self._kept_urls.get(key)
        except TypeError:  # a list of values
            return super().url_for(endpoint, **values)
        if url is None:
            url = super().url_for(endpoint, **values)
            if len(url) <= LONGEST_KEPT_URL:
                if len(self._kept_urls) >= KEPT_URLS:
                    self._kept_urls.clear()
                self._kept_urls[key] = url
        return url


def create_app(
    environ: Mapping[str, str] | None = None, data_folder: Path | None = None, must_exist: bool = False
) -> Flask:
    """Create the application from `environ` (default: the environment and `.env`). Its data is stored in DATA_DIR
    (default: `data_folder`, else `instance/` next to the code). Raises SettingsError with a message if a setting is
    invalid, or with `must_exist` if there is no SQLite database yet, which is otherwise created."""
    settings = read_settings(environment() if environ is None else environ, data_folder or ROOT / "instance")
    data_folder = settings.data_dir
    if must_exist and settings.database_file:
        start.refuse_missing_database(settings.database_file)
    if not settings.secret_key:
        settings = replace(
            settings, secret_key=secret_key.kept_key(settings.database_url, data_folder / SECRET_KEY_FILE)
        )
    app = SynchronousFlask(
        __name__,
        instance_path=str(data_folder.resolve()),
        template_folder=str(ROOT / "templates"),
        static_folder=None,
    )
    app.config["SECRET_KEY"] = settings.secret_key
    app.config["RESET_CODE"] = settings.reset_code
    app.config["WEBSUB_HUB"] = settings.websub_hub
    # Functions that return a line for the log of a starting server, given the site's address, or an empty string.
    app.extensions["start_notices"] = [lambda address: start.describe_database(settings.database_url)]
    # Functions that a server calls before it forks its workers, to build what all of them need.
    app.extensions["preloads"] = []
    app.config["DEFAULT_LOCALE"] = settings.site_locale
    app.jinja_env.globals["site_origin"] = lambda: request.host_url.rstrip("/")
    # The path of SITE_URL, or an empty string: the prefix of URLs that templates build without url_for().
    app.jinja_env.globals["prefix"] = lambda: request.script_root
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True

    templates.init_app(app, ROOT / "templates")
    # after_request functions run in reverse order: responses are compressed last.
    compression.init_app(app, page_cache.is_kept)
    http_cache.init_app(app, own_cookies=(*cookie.NAMES, *owner_cookies.NAMES))
    no_session.init_app(app)
    csrf.init_app(app)
    is_owners_browser = partial(owner_cookies.is_known_browser, secret_key=settings.secret_key)
    uploads = {**owner_routes.TEXTS, **pictures.UPLOADS, **logo.UPLOADS, **archive_routes.UPLOADS}
    request_bodies.init_app(app, uploads, is_owners_browser)
    arguments.init_app(app)
    converters.init_app(app)
    errors.init_app(app, error_language.page_language)
    redirects.init_app(app)
    htmx.init_app(app)
    i18n.init_app(app, site.current_locale, lambda: site.current_site().typography, site.site_zone)
    markup.init_app(app)
    base.init_app(app, settings.database_url, settings.web_concurrency, settings.database_prepared_statements)
    site.init_app(app, settings)
    marked_file = settings.database_file or data_folder / "content"
    marker = ChangeMarker(marked_file.with_name(f"{marked_file.name}.changed"))
    versions = reader_for(app, settings.database_file)
    transactions.init_app(app, marker)
    query_cache.init_app(app)
    schema.init_app(app, settings.database_file)
    rate_limits.init_app(app, settings)
    metrics.init_app(app, settings.metrics_token)
    metrics.add(app, "blogapp_comments", "Comments by state.", "state", count_states)
    metrics.add(app, "blogapp_views", "Views.", "kind", lambda session: reports.totals(session, clock.now().date()))
    bar.init_app(app)
    bar.add_link(app, bar.Link("owner_comments.index", lambda: i18n.gettext("Comments"), order=20, count=count_waiting))
    bar.add_panel(
        app, bar.Panel("comments/_owner_panel.html", lambda session: {"waiting": count_waiting(session)}, order=20)
    )
    settings_routes.init_app(app, publishing.render_in_background)
    settings_routes.add_data_panel(app, settings_routes.DataPanel("owners/_storage.html", storage.panel, order=20))
    settings_routes.add_data_panel(app, settings_routes.DataPanel("owners/_backups.html", backups_panel, order=30))
    storage.init_app(app, settings)
    doctor.init_app(app, settings)
    archive_routes.init_app(app)
    addresses.init_app(app)
    covers.init_app(app)
    menu.init_app(app)
    owner_routes.init_app(app, choosing)
    owner_setup.init_app(app, settings, is_empty)
    account_routes.init_app(app, (authors.keep_name,))
    demo.init_app(app)
    view_counts.init_app(app, settings)
    statistics.init_app(app)
    pictures.init_app(app)
    comment_tasks = (forget_digests, forget_networks, forget_bans, forget_likes)
    article_tasks = (editing.empty_bin, delete_unused_at_new_day)
    day.init_app(app, (forget_visitors, fold_at_new_day, *comment_tasks, *article_tasks), (start_backup,))

    app.register_blueprint(articles)
    app.register_blueprint(cards)
    app.register_blueprint(tags)
    app.register_blueprint(comments)
    app.register_blueprint(comment_authors)
    app.register_blueprint(comment_moderation)
    app.register_blueprint(owner_comments)
    app.register_blueprint(view_counts.bp)
    app.register_blueprint(statistics.bp)
    app.register_blueprint(media.bp)
    app.register_blueprint(pictures.bp)
    app.register_blueprint(logo.bp)
    app.register_blueprint(privacy)
    app.register_blueprint(feeds.bp)
    app.register_blueprint(sitemap.bp)
    app.register_blueprint(search_page)
    app.register_blueprint(owner)
    app.register_blueprint(owner_recovery)
    app.register_blueprint(owner_security)
    app.register_blueprint(owner_passkeys)
    app.register_blueprint(account_routes.bp)
    app.register_blueprint(owner_setup.bp)
    app.register_blueprint(owner_dashboard)
    app.register_blueprint(owner_routes.bp)
    app.register_blueprint(owner_routes.drafts)
    app.register_blueprint(settings_routes.bp)
    app.register_blueprint(archive_routes.bp)
    app.register_blueprint(owner_doctor)

    site_links.init_app(app)
    commands.init_app(app, COMMANDS)
    app.cli.add_command(settings_command(settings))

    avatars.init_app(app)
    words.init_app(app)
    fragments.init_app(app)
    current_author.init_app(app, settings.comment_edit_minutes)
    article_page.init_app(app)
    health.init_app(app)
    headers.init_app(app)
    development_server.init_app(app)
    # The outermost middleware is added last: it responds to some requests before Flask does.
    private_cookies = (*cookie.NAMES, cookie.OBJECTION, *owner_cookies.NAMES)
    # Other machines can share the PostgreSQL database but not the change marker.
    stale_max_age = None if settings.database_file else page_cache.SHARED_MAX_AGE
    cache = page_cache.init_app(app, versions, marker, private_cookies, stale_max_age)
    prepare = proxy.prepare_for(settings.site_url, settings.trusted_proxies)
    app.wsgi_app = Immediate(  # type: ignore[method-assign]
        cache,
        prepare,
        [cache.respond, health.healthz, assets.init_app(app)],
        ViewResponder(app),
    )
    warmup.init_app(app, prepare)
    start.open_database(app, settings.database_file, marker, setup.note_missing_database)
    # Not before: it shows at later starts that the database has existed.
    marker.ensure()
    return app


def settings_command(settings: Settings) -> click.Command:
    @click.command("settings")
    @with_appcontext
    def show_settings() -> None:
        """Print every setting with its value, source and meaning."""
        chosen = site.chosen_in_browser()
        for name, setting in SETTINGS.items():
            value = chosen.get(name, getattr(settings, name.lower()))
            source = "set in the browser" if name in chosen else settings.sources[name]
            is_masked = setting["secret"] and value and source != "default"
            shown = "********" if is_masked else str("" if value is None else value)
            click.echo(f"{name}={shown}  ({source})\n    {setting['meaning']}")

    return show_settings
