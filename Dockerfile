# An image of the production server: docker build -t blogapp . && docker run -p 8000:8000 -v blog:/data blogapp
# It runs as a user without rights, also with a read-only root (--read-only --tmpfs /tmp). See docs/hosting.md.

FROM python:3.11-slim-bookworm AS build
WORKDIR /app
RUN python -m venv /uv && /uv/bin/pip install --no-cache-dir --disable-pip-version-check uv==0.13.9
COPY pyproject.toml uv.lock .python-version ./
RUN /uv/bin/uv sync --locked --no-dev --extra redis --compile-bytecode --no-cache --link-mode copy --python python
COPY app.py ./
COPY blogapp blogapp
COPY static static
COPY templates templates
# Bytecode and templates are compiled now, because the running container may not write to /app.
RUN .venv/bin/python -m compileall -q app.py blogapp \
    && DATA_DIR=/tmp/blog .venv/bin/python -c 'from blogapp.web.server import load; load("app:app")' \
    && rm -r /tmp/blog

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --home-dir /data --create-home --shell /usr/sbin/nologin blog
WORKDIR /app
COPY --from=build /app /app
ENV PATH="/app/.venv/bin:$PATH" HOST=0.0.0.0 PORT=8000 DATA_DIR=/data PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/healthz', timeout=4)"]
CMD ["python", "-m", "blogapp.pages.serve"]
