"""Hosts that run applications in containers, recognized by the environment variables that they set.

They have one proxy in front of each application. Their disks are deleted with each deployment or restart, unless a
folder is mounted.
"""

from __future__ import annotations

from collections.abc import Mapping

HOSTS = {
    "DYNO": "Heroku",
    "RENDER": "Render",
    "FLY_APP_NAME": "Fly.io",
    "RAILWAY_ENVIRONMENT": "Railway",
    "RAILWAY_ENVIRONMENT_NAME": "Railway",
    "K_SERVICE": "Google Cloud Run",
    "GAE_ENV": "Google App Engine",
    "KOYEB_SERVICE_NAME": "Koyeb",
    "KOYEB_APP_NAME": "Koyeb",
    "AWS_LAMBDA_FUNCTION_NAME": "AWS Lambda",
    "VERCEL": "Vercel",
    "CC_PRETTY_INSTANCE_NAME": "Clever Cloud",
}


def host_in(environ: Mapping[str, str]) -> str:
    """The name of the host; empty if it is none of these."""
    return next((name for variable, name in HOSTS.items() if environ.get(variable)), "")
