"""`make serve` starts this program if PostgreSQL cannot be reached: it waits until it can, upgrades the database and
prints how to set up the blog, as the start would have done.

It is a process of its own, because the server forks its workers, which a process with several threads should not do.
"""

from __future__ import annotations

import os
import sys
import time

from blogapp.db.waiting import RETRY_SECONDS, is_reachable
from blogapp.owners.setup_routes import start_notice
from blogapp.pages.serve import upgrade_if_needed
from blogapp.settings import environment, read_setting
from blogapp.web import server


def main(target: str, address: str, server_process: int) -> None:
    """`server_process` is the server's process id: this program ends with it."""
    database_url = read_setting(environment(), "DATABASE_URL")
    while os.getppid() == server_process:
        # The application is created only then, because it logs that it cannot reach the database.
        if is_reachable(database_url):
            app = server.application(target)
            if upgrade_if_needed(app):
                if notice := start_notice(app, address):
                    print(notice, file=sys.stderr, flush=True)
                return
        time.sleep(RETRY_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
