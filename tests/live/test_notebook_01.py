"""Notebook 01 on the lab: what the record of a whole run, by nbval or plain papermill, holds.

What it refuses, and its dry run: tests/hera_rollout/small_cluster/test_refusals.py.
"""

import nbformat
import pytest

from hera_rollout import records

pytestmark = pytest.mark.live


def test_without_the_kits_command_it_passes_and_leaves_the_same_evidence(passed_01):
    record = passed_01
    assert record.verdict == "PASS"
    assert list(records.verify(record.folder)) == []
    assert list(records.recompute(record.folder)) == []
    made = {check["name"]: check["verdict"] for check in record.data["checks"]}
    assert set(made.values()) == {"PASS"}
    assert {
        "baseline",
        "scenarios with the flag on",
        "provenance",
        "parity",
        "error logs",
        "orphans",
        "integration websocket",
        "flag not changed by hand",
    } <= set(made)
    provenance = next(check for check in record.data["checks"] if check["name"] == "provenance")
    rows = provenance["evidence"]["workflows"]
    assert {(row["flag"], row["path"], row["how we know"]) for row in rows} == {
        ("off", "yaml", "proven"),
        ("on", "hera", "proven"),
    }
    assert record.data["code_revision"]
    executed = nbformat.read(record.folder / "notebook.ipynb", 4)
    images = [o for cell in executed.cells for o in cell.get("outputs", []) if "image/png" in o.get("data", {})]
    assert len(images) == 1
