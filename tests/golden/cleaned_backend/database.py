"""The database: connections that never wait for ever, and a schema that brings itself up to date."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session, sessionmaker

from reference_backend.errors import Unavailable

MIGRATIONS = Path(__file__).parent / "migrations"
MIGRATION_LOCK = 0x48455241
CONNECT_SECONDS = 2
STATEMENT_MS = 5000


class Database:
    """Sessions on a database whose schema is current."""

    def __init__(self, url: str) -> None:
        self.engine = create_engine(url, pool_pre_ping=True, **_options(url))
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine, "connect", _enforce_foreign_keys)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        self._migration = threading.Lock()
        self._migrated = False

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session that commits at the end.

        Raises:
            Unavailable: The database does not answer.
        """
        try:
            self.migrate()
            with self._sessions.begin() as session:
                yield session
        except PoolTimeoutError as error:
            raise Unavailable(f"The database has no free connection: {error}") from error
        except DBAPIError as error:
            if error.connection_invalidated or type(error).__name__ in {"OperationalError", "InterfaceError"}:
                raise Unavailable(f"The database does not answer: {_one_line(error.orig)}") from error
            raise

    def migrate(self) -> None:
        """Bring the schema up to date, once; several replicas may try at the same time."""
        with self._migration:
            if not self._migrated:
                with self.engine.begin() as connection:
                    upgrade(connection)
                self._migrated = True


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Run the migrations inside the connection's transaction, one process at a time."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _options(url: str) -> dict[str, Any]:
    parsed = make_url(url)
    if parsed.get_backend_name() != "postgresql":
        return {"connect_args": {"timeout": CONNECT_SECONDS}}
    given = str(parsed.query.get("options", ""))
    limits = f"-c statement_timeout={STATEMENT_MS} -c lock_timeout={STATEMENT_MS}"
    arguments = {
        "connect_timeout": CONNECT_SECONDS,
        "options": f"{given} {limits}".strip(),
        "application_name": "reference-backend",
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": STATEMENT_MS,
    }
    return {"connect_args": arguments, "pool_size": 10, "max_overflow": 10, "pool_timeout": 3}


def _one_line(error: object) -> str:
    return " ".join(str(error).split())[:300]


def _enforce_foreign_keys(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA foreign_keys=ON")
