"""All manifests the pinned Argo module ships: nothing differs from itself, nothing crashes, no change is missed."""

import copy
from pathlib import Path

import pytest

from hera_rollout import equivalence, roundtrip
from hera_rollout.errors import Refused
from rollout_lab import recipes, toolchain
from rollout_lab.commands import run

pytestmark = pytest.mark.live  # the module is there once the lab is built

UNREADABLE = {"examples/k8s-patch-json-workflow.yaml": "is there twice", "test/e2e/smoke/basic-invalid.yaml": "parsing"}
# What the schema refuses in them; most are there to be refused.
ILLEGAL = {
    "test/e2e/cron/cron-and-malformed-template.yaml",
    "test/e2e/lintfail/disallow-unknown.yaml",
    "test/e2e/lintfail/malformed-spec.yaml",
    "test/e2e/synchronization/db-mutex-wf-level.yaml",
    "test/e2e/synchronization/mutex-wf-level.yaml",
    "test/e2e/testdata/convert/convert-legacy-cron.yaml",
    "test/e2e/testdata/convert/convert-legacy-sync.yaml",
    "test/e2e/testdata/malformed/malformed-clusterworkflowtemplate.yaml",
    "test/e2e/testdata/malformed/malformed-cronworkflow.yaml",
    "test/e2e/testdata/malformed/malformed-workflow.yaml",
    "test/e2e/testdata/malformed/malformed-workflowtemplate.yaml",
    "test/e2e/testdata/workflow-template-invalid-entrypoint.yaml",
    "test/e2e/testdata/workflow-template-invalid-onexit.yaml",
    "test/e2e/testdata/workflow-templates/invalid-workflowtemplate.yaml",
}
EXCUSED = {"chosen-name", "absent-or-zero", "main-container-name", "default-service-account"}


@pytest.fixture(scope="module")
def module():
    """The pinned module's folder in Go's module cache; a failure, not a skip, when it is not there."""
    go = toolchain.find()
    assert go is not None, "no Go here: run `rollout-lab build` once"
    cache = run([go.command, "env", "GOMODCACHE"], timeout=60).stdout.strip()
    folder = Path(cache) / recipes.ARGO.mended
    assert (folder / "examples").is_dir(), f"{folder} is not there: run `rollout-lab build` once"
    return folder


@pytest.fixture(scope="module")
def shipped(module):
    """All documents by file, and what could not be read."""
    documents, unreadable = {}, {}
    for part in ("examples", "test/e2e"):
        for path in sorted(path for path in (module / part).rglob("*") if path.suffix in {".yaml", ".yml"}):
            name = str(path.relative_to(module))
            try:
                documents[name] = equivalence.documents(path.read_text("utf-8"), name)
            except Refused as error:
                unreadable[name] = error.seen
    return documents, unreadable


def workflows(documents):
    return [(name, one) for name, found in documents.items() for one in found if one.get("kind") in roundtrip.KINDS]


def test_a_document_against_itself_has_no_difference(shipped):
    documents, unreadable = shipped
    assert {name: word in unreadable.get(name, "") for name, word in UNREADABLE.items()} == dict.fromkeys(
        UNREADABLE, True
    )
    assert set(unreadable) == set(UNREADABLE)
    illegal = set()
    for name, document in workflows(documents):
        made = equivalence.compare(document, copy.deepcopy(document))
        assert all(one.severity == "illegal" and one.yaml == one.hera for one in made.differences), name
        illegal |= {name for _ in made.differences}
    assert len(workflows(documents)) > 450
    assert illegal == ILLEGAL


def test_no_file_crashes_the_round_trip_and_every_loss_is_listed(module):
    rows = [row for part in ("examples", "test/e2e") for row in roundtrip.rows(module / part)]
    counts = {result: sum(row.result == result for row in rows) for result in {row.result for row in rows}}
    assert counts == {"same": 457, "lost": 19, "refused": 8, "unreadable": 2, "no workflow": 51}
    lost = {d.path for row in rows for d in row.lost}
    assert lost == {
        "spec.workflowMetadata",
        "spec.entrypoints",
        "spec.templates[whalesay].container.someExtraField",
        "dbapiVersion",
        "spec.synchronization.mutex",
        "spec.synchronization.semaphore",
        "spec.templates[main].synchronization.mutex",
        "spec.templates[main].synchronization.semaphore",
        "spec.templates[main].plugin.hello",
    }


def test_every_single_mutation_is_found_or_excused_by_a_named_rule(shipped, mutate, capsys):
    total, found, excused = mutate([document for _, document in workflows(shipped[0])])
    with capsys.disabled():
        share = f"{found} of {total} ({found / total:.2%})"
        print(f"\nmutations found: {share}; excused: { {rule: len(paths) for rule, paths in excused.items()} }")
    assert total > 15_000
    assert set(excused) <= EXCUSED, excused
    assert found / total > 0.99
