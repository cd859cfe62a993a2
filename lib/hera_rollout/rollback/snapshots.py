"""What is known of a workflow, on disk before anything is done to it: its document, its pods' logs and events."""

from __future__ import annotations

from pathlib import Path

import yaml

from hera_rollout.cluster import Cluster
from hera_rollout.errors import Refused, RolloutError
from hera_rollout.redaction import REDACTOR
from hera_rollout.workflows import Workflows


def snapshot(cluster: Cluster, workflows: Workflows, name: str, folder: Path) -> str:
    """Write the workflow's document, logs and events, secrets masked; the document's phase when it was read.

    Files: ``NAME.yaml``, ``NAME.log``, ``NAME.events.csv``. Logs or events that cannot be read are said so in their
    file: they are no reason to leave a workflow running.

    Raises:
        RolloutError: the document cannot be read, or the folder not be written: then it must not be touched.
    """
    document = workflows.live(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(REDACTOR.data(document), sort_keys=False, allow_unicode=True)
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
        (folder / f"{name}.log").write_text(_logs(workflows, name), encoding="utf-8")
        (folder / f"{name}.events.csv").write_text(_events(cluster, name), encoding="utf-8")
    except OSError as error:
        raise Refused(
            f"What is known of workflow {name} cannot be kept in {folder}: {error.strerror or error}.",
            expected="a folder that can be written.",
            why="A workflow that is stopped without it takes its evidence along.",
            todo="Name another folder (--evidence), then run this again.",
        ) from None
    return str((document.get("status") or {}).get("phase") or "Pending")


def _logs(workflows: Workflows, name: str) -> str:
    try:
        rows = workflows.logs(name).to_dict("records")
    except RolloutError as error:
        return f"(not read: {REDACTOR.text(error.seen)})\n"
    return "".join(f"== {row['node']} {row['pod']} {row['phase']}\n{REDACTOR.text(str(row['logs']))}\n" for row in rows)


def _events(cluster: Cluster, name: str) -> str:
    try:
        return REDACTOR.text(cluster.events(about=name).to_csv(index=False))
    except RolloutError as error:
        return f"(not read: {REDACTOR.text(error.seen)})\n"
