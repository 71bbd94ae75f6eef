"""nginx serving a static file, for comparison: the least work that a request for a page can be. And nginx with a cache,
as in docs/hosting/nginx-cache.conf."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.harness.nginx import nginx_command
from tests.harness.server import free_port
from tests.harness.supervised_process import supervise

SETTINGS = """
{user}
daemon off;
worker_processes {workers};
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  sendfile on;
  keepalive_requests 10000000;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  default_type text/html;
  server {{
    listen 127.0.0.1:{port};
    root {folder}/files;
    add_header Content-Encoding br;
  }}
}}
"""


@contextmanager
def nginx(folder: Path, workers: int, page: bytes) -> Iterator[str]:
    """The URL of an nginx that serves `page`, compressed with brotli. Raises RuntimeError if nginx is missing."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/bin:/usr/bin:/usr/local/bin")
    if program is None:
        raise RuntimeError(
            "nginx is not installed. Debian, Ubuntu: apt install nginx-light; macOS: brew install nginx."
        )
    (folder / "files").mkdir(parents=True)
    (folder / "files" / "page").write_bytes(page)
    port = free_port()
    settings = folder / "nginx.conf"
    # A worker of root's nginx would run as another user, who cannot read the folder.
    user = "user root;" if Path("/proc/self").exists() and Path("/proc/self").owner() == "root" else ""
    settings.write_text(SETTINGS.format(user=user, folder=folder, workers=workers, port=port))
    process = supervise([program, "-p", str(folder), "-c", str(settings)], folder / "log", "TERM")
    try:
        wait_until_listening(port, folder / "log")
        yield f"http://127.0.0.1:{port}/page"
    finally:
        process.end()
        process.wait(timeout=30)


@contextmanager
def caching_nginx(folder: Path, workers: int, server: int) -> Iterator[str]:
    """The URL of an nginx with docs/hosting/nginx-cache.conf in front of the server on the port `server`."""
    folder.mkdir(parents=True)
    port = free_port()
    command, _ = nginx_command(folder, port, server, "nginx-cache.conf", workers=workers)
    process = supervise(command, folder / "log", "TERM")
    try:
        wait_until_listening(port, folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.end()
        process.wait(timeout=30)


def wait_until_listening(port: int, log: Path) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"nginx did not start: {log.read_text(errors='replace')[-500:]}")
