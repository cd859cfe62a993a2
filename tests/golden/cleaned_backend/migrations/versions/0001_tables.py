"""The three tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create them."""
    _tasks()
    _task_runs()
    _task_logs()


def downgrade() -> None:
    """Drop them."""
    for table in ("task_logs", "task_runs", "tasks"):
        op.drop_table(table)


def _work() -> list[sa.Column[str]]:
    return [
        sa.Column("python_code", sa.Text, nullable=False),
        sa.Column("dependencies", sa.Text),
        sa.Column("requirements_file", sa.Text),
    ]


def _time(name: str, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", sa.String(64), nullable=False),
        *_work(),
        _time("created_at"),
        _time("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_tasks"),
    )


def _task_runs() -> None:
    op.create_table(
        "task_runs",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("task_id", sa.String(64), nullable=False),
        sa.Column("workflow_id", sa.String(253), nullable=False),
        sa.Column("run_number", sa.Integer, nullable=False),
        sa.Column("phase", sa.String(32), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        *_work(),
        _time("started_at", nullable=True),
        _time("finished_at", nullable=True),
        _time("created_at"),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("path", sa.String(8)),
        sa.Column("workflow_uid", sa.String(64)),
        sa.Column("manifest", sa.Text),
        sa.Column("request_key", sa.String(128)),
        sa.Column("logs_saved", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("id", name="pk_task_runs"),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name="fk_task_runs_task_id", ondelete="CASCADE"),
        sa.UniqueConstraint("task_id", "run_number", name="uq_task_runs_task_id_run_number"),
        sa.UniqueConstraint("request_key", name="uq_task_runs_request_key"),
    )
    op.create_index("ix_task_runs_phase", "task_runs", ["phase"])


def _task_logs() -> None:
    op.create_table(
        "task_logs",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("run_id", sa.Integer, nullable=False),
        sa.Column("node_id", sa.String(253), nullable=False),
        sa.Column("pod_name", sa.String(253), nullable=False),
        sa.Column("phase", sa.String(32), nullable=False),
        sa.Column("logs", sa.Text, nullable=False),
        _time("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_task_logs"),
        sa.ForeignKeyConstraint(["run_id"], ["task_runs.id"], name="fk_task_logs_run_id", ondelete="CASCADE"),
        sa.UniqueConstraint("run_id", "node_id", name="uq_task_logs_run_id_node_id"),
    )
