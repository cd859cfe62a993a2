"""The three tables."""

from datetime import UTC, datetime

from sqlalchemy import (
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

NAMING = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
}


class UtcTime(TypeDecorator[datetime]):
    """A time that comes back with its zone, on SQLite too."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give a naive time the zone it was stored in."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def now() -> datetime:
    """The present, with its zone."""
    return datetime.now(UTC)


class Base(DeclarativeBase):
    """All tables of the service."""

    metadata = MetaData(naming_convention=NAMING)


class Task(Base):
    """Some Python to run, as often as one likes."""

    __tablename__ = "tasks"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    python_code: Mapped[str] = mapped_column(Text)
    dependencies: Mapped[str | None] = mapped_column(Text)
    requirements_file: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcTime, default=now, onupdate=now)
    runs: Mapped[list["TaskRun"]] = relationship(
        back_populates="task", order_by="TaskRun.run_number.desc()", cascade="all, delete-orphan"
    )


class TaskRun(Base):
    """One run: one workflow, with a snapshot of what it ran."""

    __tablename__ = "task_runs"
    __table_args__ = (UniqueConstraint("task_id", "run_number"), Index(None, "phase"))

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[str] = mapped_column(ForeignKey("tasks.id", ondelete="CASCADE"))
    workflow_id: Mapped[str] = mapped_column(String(253))
    run_number: Mapped[int]
    phase: Mapped[str] = mapped_column(String(32), default="Pending")
    message: Mapped[str] = mapped_column(Text, default="")
    python_code: Mapped[str] = mapped_column(Text)
    dependencies: Mapped[str | None] = mapped_column(Text)
    requirements_file: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[datetime | None] = mapped_column(UtcTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcTime)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    attempt: Mapped[int] = mapped_column(default=1)
    path: Mapped[str | None] = mapped_column(String(8))
    workflow_uid: Mapped[str | None] = mapped_column(String(64))
    manifest: Mapped[str | None] = mapped_column(Text)
    request_key: Mapped[str | None] = mapped_column(String(128), unique=True)
    logs_saved: Mapped[bool] = mapped_column(default=False, server_default=false())
    task: Mapped[Task] = relationship(back_populates="runs")
    logs: Mapped[list["TaskLog"]] = relationship(cascade="all, delete-orphan", order_by="TaskLog.id")


class TaskLog(Base):
    """The log of one node of a finished run."""

    __tablename__ = "task_logs"
    __table_args__ = (UniqueConstraint("run_id", "node_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("task_runs.id", ondelete="CASCADE"))
    node_id: Mapped[str] = mapped_column(String(253))
    pod_name: Mapped[str] = mapped_column(String(253))
    phase: Mapped[str] = mapped_column(String(32))
    logs: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
