"""The real nginx with a file of docs/hosting/, in front of one or more servers."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from tests.harness.programs import ensure
from tests.harness.server import ROOT

SNIPPETS = ROOT / "docs" / "hosting"
NGINX = """
{user}
daemon off;
worker_processes {workers};
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  add_header X-Upstream $upstream_addr always;
  include {folder}/snippet.conf;
}}
"""


def nginx_command(
    folder: Path, port: int, upstream: int, name: str = "nginx.conf", others: Sequence[int] = (), workers: int = 1
) -> tuple[list[str], dict[str, str]]:
    """The command that runs nginx on `port` with the file `name`, in front of the server on the port `upstream`, and
    its environment. `others` are the ports of more servers. The field X-Upstream says which of them nginx asked."""
    snippet = (SNIPPETS / name).read_text()
    found = re.search(r"^ *server (127\.0\.0\.1:8000).*\n", snippet, re.MULTILINE)
    assert found
    lines = [found[0].replace(found[1], f"127.0.0.1:{each}") for each in (upstream, *others)]
    cache = [("/var/cache/nginx/blogapp", f"{folder}/cache")] if name == "nginx-cache.conf" else []
    for old, new in (
        *cache,
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        (found[0], "".join(lines)),
        ("$host;", "$http_host;"),  # here the site has a port
    ):
        assert old in snippet
        snippet = snippet.replace(old, new)
    (folder / "snippet.conf").write_text(snippet)
    # A worker of root's nginx would run as another user, who cannot read the folder.
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, user=user, workers=workers))
    return [ensure("nginx", "nginx-light"), "-p", str(folder), "-c", str(folder / "nginx.conf")], {}
