"""YAML through Hera and back: what it loses is listed, and no file makes it crash."""

import json

import pytest

from hera_rollout import equivalence, roundtrip
from hera_rollout.equivalence import schemas
from hera_rollout.errors import Missing, Refused


def test_a_mutex_of_argo_3_is_called_a_loss(manifests):
    row = next(roundtrip.rows(manifests / "v3-mutex.yaml"))
    assert row.result == "lost"
    assert [d.path for d in row.lost] == ["spec.synchronization.mutex"]
    made = roundtrip.through_hera(equivalence.documents((manifests / "v3-mutex.yaml").read_text(), "x")[0])
    assert made["spec"].get("synchronization") in ({}, None), "Hera itself says nothing"


def test_what_hera_does_not_know_is_listed_by_document(manifests):
    rows = list(roundtrip.rows(manifests / "cron.yaml"))
    assert [(row.number, row.kind, [d.path for d in row.lost]) for row in rows] == [
        (1, "CronWorkflow", ["spec.workflowMetadata"]),
        (2, "WorkflowTemplate", ["spec.templates[notify].plugin.slack"]),
    ]


def test_a_large_manifest_comes_back_whole(manifests):
    assert [row.result for row in roundtrip.rows(manifests / "dag.yaml")] == ["same"]


WHOLE = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: w}\nspec: {entrypoint: x}"


def test_no_file_crashes_it(tmp_path, manifests):
    texts = {
        "a.yaml": "kind: Workflow\nspec: 3",
        "b.yaml": "kind: Workflow\nmetadata: [1]\nspec: {templates: {a: 1}}",
        "c.yaml": "[1, 2]",
        "d.yaml": "a: [",
        "e.yaml": "",
        "f.yml": "kind: ConfigMap\nmetadata: {name: c}\n---\n" + WHOLE,
        "g.json": '{"kind": "CronWorkflow", "metadata": {"name": "c"}, "spec": {"schedules": 5}}',
        "h.yaml": "just text",
        "i.yaml": "kind: Workflow\nspec:\n  arguments:\n    parameters: [{name: n, value: 1}]",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "j.yaml").write_bytes(b"\xff\xfe\x00")
    rows = list(roundtrip.rows(tmp_path))
    found = {(row.file, row.number): row.result for row in rows}
    assert {name: found[name, 0] for name in ("d.yaml", "j.yaml")} == {"d.yaml": "unreadable", "j.yaml": "unreadable"}
    assert (found["f.yml", 1], found["f.yml", 2]) == ("no workflow", "same")
    assert {found[name, 1] for name in ("a.yaml", "b.yaml", "g.json", "i.yaml")} == {"refused"}
    assert {found["c.yaml", 1], found["h.yaml", 1], found["e.yaml", 0]} == {"no workflow"}
    json.dumps([row.as_json() for row in rows], default=str)
    with pytest.raises(Missing, match="no manifest"):
        list(roundtrip.rows(tmp_path / "nowhere"))


OPEN = {"withItems": ["a"], "inline": {"name": "x"}, "plugin": {"slack": {"channel": "c"}}}


def sample(node, name="", depth=0):
    """A value that uses every field the schema has below this place."""
    if node.enum:
        return min(text for text in node.enum if text)
    if node.int_or_string:
        return "1" if node.pattern else 1
    if name in OPEN and not (name == "plugin" and node.properties):
        return OPEN[name]
    if node.type == "object":
        if node.properties and depth < 22:
            return {key: sample(child, key, depth + 1) for key, child in node.properties.items() if key != "status"}
        return {"k": sample(node.values, "k", depth + 1)} if node.values else {}
    plain = {"string": "YWJj", "boolean": True, "": "x"}.get(node.type, 1)
    if name.endswith("Timestamp"):
        plain = "2026-01-01T00:00:00Z"
    return [sample(node.items, "", depth + 1)] if node.type == "array" else plain


@pytest.mark.parametrize("kind", schemas.KINDS)
def test_over_every_field_of_the_crd_hera_loses_what_losses_lists_and_nothing_else(kind):
    document = sample(schemas.bundled().of(kind)) | {"apiVersion": "argoproj.io/v1alpha1", "kind": kind}
    document["metadata"] = {"name": "x"}
    returned = roundtrip.through_hera(document)
    lost = {d.path for d in equivalence.compare(document, returned, derived=True).of("loss", "behavioural")}
    below = "spec.workflowSpec" if kind == "CronWorkflow" else "spec"
    expected = {f"{below}.templates[YWJj].plugin.slack", f"{below}.templateDefaults.plugin.slack"}
    assert lost == expected | ({"spec.workflowMetadata"} if kind == "CronWorkflow" else set())
    # Two independent documents, too: such an absence is a loss, not merely another behaviour.
    assert {d.path for d in equivalence.compare(document, returned).of("loss")} == lost


def test_what_hera_refuses_says_why():
    with pytest.raises(Refused, match=r"Hera refuses it: .*entrypoint"):
        roundtrip.through_hera({"kind": "Workflow", "metadata": {}, "spec": {"entrypoint": ["a"]}})
