"""The lab's PostgreSQL: made once with its two databases, reached over the bridge only."""

from __future__ import annotations

import json
import secrets
import shutil
from pathlib import Path

from rollout_lab.addresses import NODE_ADDRESS, POD_RANGE, POSTGRES_PORT
from rollout_lab.commands import run
from rollout_lab.components import POSTGRES_PROGRAMS
from rollout_lab.paths import Paths
from rollout_lab.processes import Identity

OWNER = "postgres"
DATABASES = ("backend", "argo")
SETTINGS = f"""
listen_addresses = '{NODE_ADDRESS}'
port = {POSTGRES_PORT}
unix_socket_directories = ''
fsync = off
synchronous_commit = off
full_page_writes = off
max_connections = 200
shared_buffers = 64MB
"""
ACCESS = f"host all all {POD_RANGE} scram-sha-256\n"


def passwords(paths: Paths) -> dict[str, str]:
    """One password per database, made once per lab and readable by root only."""
    if not paths.secrets.exists():
        paths.state.mkdir(parents=True, exist_ok=True)
        paths.secrets.touch(mode=0o600)
        paths.secrets.write_text(json.dumps({name: secrets.token_urlsafe(18) for name in DATABASES}))
    return dict(json.loads(paths.secrets.read_text()))


def url(paths: Paths, name: str, driver: str = "postgresql+psycopg") -> str:
    """The address of a database with its user and password."""
    return f"{driver}://{name}:{passwords(paths)[name]}@{NODE_ADDRESS}:{POSTGRES_PORT}/{name}"


def run_sql(paths: Paths, name: str, statement: str) -> None:
    """Run a statement in a database as its owner."""
    settings = {"PGPASSWORD": passwords(paths)[name], "PGCONNECT_TIMEOUT": "5"}
    place = [f"--host={NODE_ADDRESS}", f"--port={POSTGRES_PORT}", f"--username={name}", f"--dbname={name}"]
    quiet = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"]
    run([POSTGRES_PROGRAMS / "psql", *place, *quiet, f"--command={statement}"], env=settings)


def ensure(paths: Paths) -> None:
    """Make the cluster with users and databases unless it is there; it gets its name only when complete."""
    target = paths.state / "postgres"
    if target.exists():
        return
    unfinished = paths.state / ".postgres.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    shutil.chown(unfinished, OWNER, OWNER)
    unfinished.chmod(0o700)
    initdb = ["--no-sync", "--encoding=UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256", "--username=lab"]
    password = unfinished.parent / ".postgres.password"
    _as_owner([POSTGRES_PROGRAMS / "initdb", *initdb, f"--pwfile={_password_file(password)}", "-D", unfinished])
    password.unlink()
    _configure(unfinished)
    _create_databases(paths, unfinished)
    unfinished.rename(target)


def forget_crash(paths: Paths) -> None:
    """Remove the pid file of a server that was killed.

    PostgreSQL itself refuses to start while any process has that pid, be it a zombie or somebody else's by now.
    """
    file = paths.state / "postgres/postmaster.pid"
    if not file.exists():
        return
    words = file.read_text().split()
    identity = Identity.of(int(words[0])) if words and words[0].isdigit() else None
    if identity is None or not identity.program.endswith("/postgres"):
        file.unlink()


def _password_file(path: Path) -> Path:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(secrets.token_urlsafe(18))
    shutil.chown(path, OWNER, OWNER)
    return path


def _configure(folder: Path) -> None:
    with (folder / "postgresql.conf").open("a") as settings:
        settings.write(SETTINGS)
    (folder / "pg_hba.conf").write_text(ACCESS)


def _create_databases(paths: Paths, folder: Path) -> None:
    """In single-user mode: no server, no port, no superuser password on the network."""
    lines = []
    for name, password in passwords(paths).items():
        lines += [f"CREATE ROLE {name} LOGIN PASSWORD '{password}';", f"CREATE DATABASE {name} OWNER {name};"]
    _as_owner([POSTGRES_PROGRAMS / "postgres", "--single", "-D", folder, "postgres"], stdin="\n".join(lines) + "\n")


def _as_owner(argv: list[str | Path], stdin: str | None = None) -> None:
    drop = ["setpriv", f"--reuid={OWNER}", f"--regid={OWNER}", "--clear-groups"]
    run([*drop, *argv], stdin=stdin, cwd=Path("/"), env={"LC_ALL": "C.UTF-8"})
