"""The bundled schemas, and a live target's in their place."""

import json
from importlib.resources import files

from hera_rollout import equivalence
from hera_rollout.equivalence import packing, schemas


def crd(kind, spec):
    schema = {"type": "object", "properties": {"spec": spec, "metadata": {}, "kind": {"type": "string"}}}
    return {"spec": {"names": {"kind": kind}, "versions": [{"storage": True, "schema": {"openAPIV3Schema": schema}}]}}


def test_the_file_says_where_it_is_from():
    header = json.loads(files("hera_rollout.equivalence").joinpath("data", schemas.BUNDLED).read_text())["header"]
    assert (header["version"], header["licence"]) == ("v4.0.5", "Apache-2.0")
    assert header["module"] == "github.com/argoproj/argo-workflows/v4"
    assert set(schemas.bundled().kinds) == set(schemas.KINDS)


def test_a_targets_own_crds_decide_what_is_illegal(workflow):
    spec = {"type": "object", "properties": {"entrypoint": {"type": "string"}, "brandNew": {"type": "string"}}}
    target = schemas.of_target([crd("Workflow", spec)], "target there")
    one = workflow({"brandNew": "x"})
    made = equivalence.compare(one, one, schema=target)
    assert {d.path for d in made.of("illegal")} == {"apiVersion", "spec.templates"}
    assert made.schema_source == "target there"
    assert [d.path for d in equivalence.compare(one, one).of("illegal")] == ["spec.brandNew"]


def test_minimal_crds_are_not_taken_for_a_schema():
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    parts = {f"io.argoproj.v1alpha1.{kind}": {"properties": {"spec": anything}} for kind in schemas.KINDS}
    assert schemas.of_openapi({"components": {"schemas": parts}}, "there") is None


def test_packing_and_linking_lose_nothing_that_a_check_needs():
    spec = {
        "type": "object",
        "required": ["a"],
        "properties": {
            "a": {"type": "string", "enum": ["x"], "pattern": "^x$", "default": "x", "maxLength": 3},
            "b": {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 1},
            "c": {"type": "object", "additionalProperties": {"type": "boolean"}},
            "d": {"x-kubernetes-int-or-string": True},
        },
    }
    fields = schemas.unpacked(packing.packed([crd("Workflow", spec)], {"module": "m", "version": ""})).kinds["Workflow"]
    made = fields.properties["spec"]
    assert made.required == ("a",)
    a, b, c, d = (made.properties[name] for name in "abcd")
    assert (a.enum, a.pattern, a.default, a.limits) == ({"x"}, "^x$", "x", {"maxLength": 3})
    assert (b.items.type, b.items.limits, b.limits) == ("integer", {"minimum": 1}, {"minItems": 1})
    assert (c.values.type, d.int_or_string) == ("boolean", True)


def test_an_inline_template_is_compared_as_a_template(workflow, found):
    def inline(cpu):
        body = {"image": "busybox:1", "command": ["echo"], "resources": {"limits": {"cpu": cpu}}}
        task = {"name": "a", "inline": {"container": body}}
        return {**workflow(), "spec": {"entrypoint": "d", "templates": [{"name": "d", "dag": {"tasks": [task]}}]}}

    assert {rule for _, _, rule in found(inline("1000m"), inline("1"))} == {"quantity"}
