"""A PostgreSQL that accepts only TLS, with the certificate of a private authority and a password that has special
characters."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import text

from blogapp import create_app
from blogapp.db.base import db
from blogapp.db.migrate import alembic
from tests.conftest import SECRET_KEY, dispose
from tests.harness.postgres import Postgres
from tests.harness.server import free_port

PASSWORD = "p@ss:w/o%rd? #é&+'\\"
RULES = b"hostssl all blogapp 127.0.0.1/32 trust\nhostssl all guarded 127.0.0.1/32 scram-sha-256\n"


class Authority:
    """A certificate authority, and the certificate of a server that it has signed."""

    def __init__(self, host: str, name: str = "A test's authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        server_key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
        self.root = self._sign(self._name, self._key.public_key(), x509.BasicConstraints(ca=True, path_length=0))
        self.server = self._sign(subject, server_key.public_key(), x509.SubjectAlternativeName([x509.DNSName(host)]))
        self.server_key = server_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def _sign(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, extension: x509.ExtensionType) -> bytes:
        day = timedelta(days=1)
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(self._name, subject, key, x509.random_serial_number(), now - day, now + day)
        certificate = builder.add_extension(extension, critical=False).sign(self._key, hashes.SHA256())
        return certificate.public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("localhost")


@pytest.fixture(scope="module")
def address(authority: Authority) -> Iterator[str]:
    """The URL of an empty database, without options."""
    files = {"server.crt": authority.server, "server.key": authority.server_key, "pg_hba.conf": RULES}
    try:
        server = Postgres(files, ssl="on")
    except RuntimeError as error:
        if "SSL is not supported" in str(error):
            pytest.skip("this PostgreSQL was built without TLS")
        raise
    with psycopg.connect(f"{server.url}?sslmode=require", autocommit=True) as connection:
        connection.execute(psycopg.sql.SQL("CREATE ROLE guarded LOGIN PASSWORD {}").format(PASSWORD))
        connection.execute("CREATE DATABASE blog OWNER guarded")
    yield f"postgres://guarded:{quote(PASSWORD, safe='')}@localhost:{server.port}/blog"
    server.stop()


@pytest.mark.parametrize("mode", ["require", "verify-full"])
@pytest.mark.parametrize("key", [SECRET_KEY, ""], ids=["key", "key in the database"])
def test_tls_modes_work(address: str, authority: Authority, tmp_path: Path, mode: str, key: str) -> None:
    root = tmp_path / "root.crt"
    root.write_bytes(authority.root)
    options = f"?sslmode={mode}" + (f"&sslrootcert={root}" if mode == "verify-full" else "")
    app = create_app({"SECRET_KEY": key, "DATABASE_URL": address + options}, tmp_path)
    with app.app_context():
        alembic.upgrade()
        assert db.session.scalar(text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")) is True
    assert app.test_client().get("/readyz").status_code == 200
    dispose(app)


@pytest.mark.parametrize("key", [SECRET_KEY, ""], ids=["key", "key in the database"])
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("sslmode=verify-full&sslrootcert={other}", "SSL error: certificate verify failed"),
        ("sslmode=verify-full&sslrootcert={remade}", "SSL error: "),
        ("sslmode=verify-full&sslrootcert={missing}", 'root certificate file "{missing}" does not exist'),
        ("sslmode=verify-full&sslrootcert={root}&host=127.0.0.1", 'does not match host name "127.0.0.1"'),
        ("sslmode=disable", "no encryption"),
    ],
)
def test_server_that_is_not_trusted_stops_the_start(
    address: str, authority: Authority, tmp_path: Path, options: str, reason: str, key: str
) -> None:
    files = {name: tmp_path / f"{name}.crt" for name in ("root", "other", "remade", "missing")}
    files["root"].write_bytes(authority.root)
    files["other"].write_bytes(Authority("localhost", "Another authority").root)
    files["remade"].write_bytes(Authority("localhost").root)  # the same name, but another key
    url = f"{address}?{options.format(**files)}"
    with pytest.raises(SystemExit) as error:
        create_app({"SECRET_KEY": key, "DATABASE_URL": url}, tmp_path / "data")
    message = str(error.value)
    assert message.startswith("blogapp cannot start: ")
    assert "DATABASE_URL" in message
    assert reason.format(**files) in message
    assert PASSWORD not in message
    assert quote(PASSWORD, safe="") not in message
    assert len(message.splitlines()) == 1


def test_server_without_tls_stops_the_start_if_tls_is_required(tmp_path: Path) -> None:
    server = Postgres()
    try:
        with pytest.raises(SystemExit, match="does not support SSL, but SSL was required"):
            create_app({"SECRET_KEY": SECRET_KEY, "DATABASE_URL": f"{server.url}?sslmode=require"}, tmp_path)
    finally:
        server.stop()


def test_server_that_is_down_does_not_stop_the_start(tmp_path: Path) -> None:
    url = f"postgresql://me@127.0.0.1:{free_port()}/blog?sslmode=verify-full&sslrootcert=system"
    app = create_app({"SECRET_KEY": SECRET_KEY, "DATABASE_URL": url}, tmp_path)
    assert app.test_client().get("/healthz").status_code == 200
    dispose(app)
