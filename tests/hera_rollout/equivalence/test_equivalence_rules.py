"""Each rule where it holds, beside the nearest case where it does not; off, it excuses nothing."""

import copy

import pytest

from hera_rollout import equivalence
from hera_rollout.errors import Refused

MEANS = "means something else"
MAIN = "spec.templates[main].container"


def test_every_rule_has_a_reason_and_a_source_and_an_unknown_one_is_refused():
    assert all(rule.reason and rule.source for rule in equivalence.RULES.values())
    with pytest.raises(Refused, match="no rule called nonsense"):
        equivalence.without(["nonsense"])


def test_key_order(workflow):
    one = workflow()
    other = dict(reversed(one.items()))
    made = equivalence.compare(one, other)
    assert [(d.rule, d.severity) for d in made.differences] == [("key-order", "none")]
    assert not equivalence.compare(one, other, rules=equivalence.without(["key-order"])).same


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"volumes": [{"name": "a", "emptyDir": {}}, {"name": "b", "emptyDir": {}}]}, "volumes"),
        (
            {"arguments": {"parameters": [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]}},
            "arguments.parameters",
        ),
    ],
)
def test_named_lists_are_matched_by_name(workflow, found, spec, field):
    turned = copy.deepcopy(spec)
    holder = turned["arguments"]["parameters"] if "arguments" in turned else turned["volumes"]
    holder.reverse()
    assert found(workflow(spec), workflow(turned)) == {(f"spec.{field}", "none", "named-lists")}
    off = found(workflow(spec), workflow(turned), rules=equivalence.without(["named-lists"]))
    assert {severity for _, severity, _ in off} == {"behavioural"}


def test_lists_without_names_keep_their_order(workflow, found):
    one, other = workflow(args=["a", "b"]), workflow(args=["b", "a"])
    assert found(one, other) == {(f"{MAIN}.args[0]", "behavioural", MEANS), (f"{MAIN}.args[1]", "behavioural", MEANS)}
    longer = found(one, workflow(args=["a", "b", "c"]))
    assert longer == {(f"{MAIN}.args", "behavioural", MEANS)}


def test_templates_are_matched_by_name_and_their_content_compared(dag, found):
    other = copy.deepcopy(dag)
    other["spec"]["templates"].reverse()
    next(one for one in other["spec"]["templates"] if one["name"] == "extract")["container"]["image"] = "other"
    assert found(dag, other) == {
        ("spec.templates", "none", "named-lists"),
        ("spec.templates[extract].container.image", "behavioural", MEANS),
    }


def test_two_templates_of_one_name_are_found_even_when_both_sides_have_them(workflow):
    twice = workflow()
    twice["spec"]["templates"] *= 2
    made = equivalence.compare(twice, copy.deepcopy(twice))
    assert [(d.path, d.op, d.severity) for d in made.differences] == [("spec.templates[main]", "duplicate", "illegal")]
    assert not made.same


@pytest.mark.parametrize("empty", [{"nodeSelector": {}}, {"volumes": []}, {"entrypoint": None}, {"hostNetwork": None}])
def test_what_go_reads_as_absent_is_absent(workflow, found, empty):
    without = workflow()
    without["spec"].pop("entrypoint")
    with_empty = copy.deepcopy(without)
    with_empty["spec"] |= empty
    assert {(severity, rule) for _, severity, rule in found(without, with_empty)} == {("none", "absent-or-zero")}
    assert not equivalence.compare(without, with_empty, rules=equivalence.without(["absent-or-zero"])).same


@pytest.mark.parametrize(
    "something",
    [
        {"automountServiceAccountToken": False},
        {"priority": 0},
        {"ttlStrategy": {"secondsAfterCompletion": 0}},
        {"hostNetwork": False},
        {"securityContext": {}},
    ],
)
def test_what_go_keeps_apart_from_absent_is_something(workflow, found, something):
    assert {severity for _, severity, _ in found(workflow(), workflow(something))} == {"behavioural"}


def test_an_empty_volume_and_an_empty_suspend_are_never_absent(found, dag):
    for change in (
        lambda d: d["spec"]["volumes"][0].pop("emptyDir"),
        lambda d: d["spec"]["templates"][-1].pop("suspend"),
    ):
        other = copy.deepcopy(dag)
        change(other)
        assert {severity for _, severity, _ in found(dag, other)} == {"behavioural"}


def test_the_schemas_default_is_what_the_server_fills_in(workflow, found):
    one, other = workflow(ports=[{"containerPort": 80}]), workflow(ports=[{"containerPort": 80, "protocol": "TCP"}])
    assert found(one, other) == {(f"{MAIN}.ports[80:TCP].protocol", "none", "schema-default")}
    udp = workflow(ports=[{"containerPort": 80, "protocol": "UDP"}])
    assert {severity for _, severity, _ in found(one, udp)} == {"behavioural"}


def parameter(value):
    return {"arguments": {"parameters": [{"name": "p", "value": value}]}}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, "1", True),
        (1.0, "1", True),
        (1.0, "1.0", False),
        (0.25, "0.25", True),
        (1e21, "1000000000000000000000", True),
        (True, "true", True),
        (True, "True", False),
        (True, 1, False),
        ("1", "01", False),
        ([1], "", True),
        ([1], "[1]", False),
    ],
)
def test_any_string_is_formatted_as_argo_does(workflow, one, other, same):
    made = equivalence.compare(workflow(parameter(one)), workflow(parameter(other)))
    judged = [d for d in made.differences if d.op == "changed"]
    assert [d.rule for d in judged] == (["any-string"] if same else [MEANS])


def test_a_number_for_a_parameter_is_told_apart_from_text_by_the_schema(workflow):
    made = equivalence.compare(workflow(parameter(1)), workflow(parameter("1")))
    assert ("cosmetic", "any-string", 1) in [
        (d.severity, d.rule, d.yaml) for d in made.differences if d.op == "invalid"
    ]
    off = equivalence.compare(
        workflow(parameter(1)), workflow(parameter("1")), rules=equivalence.without(["any-string"])
    )
    assert off.worst == "illegal"


def test_an_empty_parameter_is_not_an_absent_one(workflow, found):
    absent = workflow({"arguments": {"parameters": [{"name": "p"}]}})
    assert {severity for _, severity, _ in found(absent, workflow(parameter("")))} == {"behavioural"}


def test_whole_numbers_and_their_texts_only_where_argo_reads_both(workflow, found):
    def retry(limit):
        return workflow({"retryStrategy": {"limit": limit}})

    assert found(retry(3), retry("3")) == {("spec.retryStrategy.limit", "none", "int-or-string")}
    assert {s for _, s, _ in found(retry(3), retry("4"))} == {"behavioural"}
    probes = [workflow(livenessProbe={"tcpSocket": {"port": port}}) for port in (80, "80")]
    assert {s for _, s, _ in found(*probes)} == {"behavioural"}, "a text is a port's name"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1000m", "1", True),
        ("1Ki", "1024", True),
        ("1e3", "1k", True),
        (1, "1", True),
        ("1G", "1Gi", False),
        ("0.1", "100m", True),
    ],
)
def test_quantities(workflow, found, one, other, same):
    documents = [workflow(resources={"limits": {"cpu": value}}) for value in (one, other)]
    assert {rule for _, _, rule in found(*documents)} == {"quantity" if same else MEANS}


def tasks(*changes):
    made = [{"name": name, "template": "main"} for name in ("a", "b", "c")]
    for number, change in enumerate(changes):
        made[number] |= change
    dag = {"name": "dag", "dag": {"tasks": made}}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"generateName": "x-"},
        "spec": {"entrypoint": "dag", "templates": [dag, {"name": "main", "suspend": {}}]},
    }


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"dependencies": ["a", "b"]}, {"depends": "a && b"}, True),
        ({"dependencies": ["a", "b"]}, {"dependencies": ["b", "a"]}, True),
        ({"dependencies": ["a"]}, {"depends": "(a.Succeeded || a.Skipped || a.Daemoned)"}, True),
        ({"depends": "a && (b || b)"}, {"depends": "b&&a"}, True),
        ({"depends": "a || b"}, {"depends": "a && b"}, False),
        ({"depends": "!a"}, {"depends": "a"}, False),
        ({"depends": "a.Failed"}, {"depends": "a"}, False),
        ({"dependencies": ["a"]}, {}, False),
    ],
)
def test_depends(found, one, other, same):
    made = found(tasks({}, {}, one), tasks({}, {}, other))
    where = "spec.templates[dag].dag.tasks[c].depends"
    assert made == {(where, *(("none", "depends") if same else ("behavioural", "waits for something else")))}


def test_dependencies_of_a_task_that_continues_on_failure_expand_further(found):
    goes_on = {"continueOn": {"failed": True}}
    one, other = tasks(goes_on, {}, {"dependencies": ["a"]}), tasks(goes_on, {}, {"depends": "a.Succeeded"})
    assert {severity for _, severity, _ in found(one, other)} == {"behavioural"}
    expanded = "a.Succeeded || a.Skipped || a.Daemoned || a.Failed"
    assert {rule for _, _, rule in found(one, tasks(goes_on, {}, {"depends": expanded}))} == {"depends"}


def env(*entries):
    return [{"name": name, "value": value} for name, value in entries]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (env(("A", "1"), ("B", "2")), env(("B", "2"), ("A", "1")), {"none"}),
        (env(("A", "1"), ("B", "$(A)")), env(("B", "$(A)"), ("A", "1")), {"behavioural"}),
        (env(("A", "1"), ("B", "$$(A)")), env(("B", "$$(A)"), ("A", "1")), {"none"}),
        (env(("A", "1"), ("A", "2")), env(("A", "2")), {"none"}),
        (env(("A", "1"), ("A", "2")), env(("A", "2"), ("A", "1")), {"behavioural"}),
        (env(("A", "1"), ("B", "2")), env(("B", "2"), ("A", "3")), {"none", "behavioural"}),
        (env(("A", "1")), [], {"behavioural"}),
    ],
)
def test_env_keeps_the_order_that_matters(workflow, found, one, other, expected):
    assert {severity for _, severity, _ in found(workflow(env=one), workflow(env=other))} == expected


def test_command_and_args_are_one_line(workflow, found):
    one, other = workflow(command=["python", "-c"], args=["x"]), workflow(command=["python"], args=["-c", "x"])
    assert {rule for _, _, rule in found(one, other)} == {"command-and-args"}
    bare = workflow(args=["-c", "x"])
    bare["spec"]["templates"][0]["container"].pop("command")
    assert {s for _, s, _ in found(one, bare)} == {"behavioural"}, "without a command the image's own runs"


def test_the_name_of_a_templates_container_but_not_of_a_sidecar(workflow, found, dag):
    assert found(workflow(), workflow(name="main")) == {(f"{MAIN}.name", "none", "main-container-name")}
    other = copy.deepcopy(dag)
    next(t for t in other["spec"]["templates"] if t["name"] == "several")["containerSet"]["containers"][0]["name"] = "z"
    assert {s for _, s, _ in found(dag, other)} == {"behavioural"}


def test_template_defaults_are_resolved_first(workflow, found):
    defaults = {"templateDefaults": {"container": {"image": "busybox:2"}, "script": {"image": "unused"}}}
    inherits, spelled = workflow(defaults), workflow(image="busybox:2")
    inherits["spec"]["templates"][0]["container"].pop("image")
    made = found(inherits, spelled)
    assert {severity for _, severity, _ in made} == {"none"}
    assert {rule for _, _, rule in made} == {"template-defaults"}
    heras = copy.deepcopy(inherits)
    heras["spec"]["templates"][0]["container"]["image"] = "python:3.10"  # what Hera puts where an image is left out
    assert found(inherits, heras) == {(f"{MAIN}.image", "behavioural", MEANS)}


def test_template_defaults_of_a_template_that_others_use_are_not_resolved(workflow, found):
    inherits, spelled = workflow({"templateDefaults": {"container": {"image": "busybox:1"}}}), workflow()
    inherits["spec"]["templates"][0]["container"].pop("image")
    for side in (inherits, spelled):
        side |= {"kind": "WorkflowTemplate", "metadata": {"name": "x"}}
    assert {severity for _, severity, _ in found(inherits, spelled)} == {"behavioural"}


def test_workflow_defaults_are_resolved_first(workflow, found):
    defaults = {"spec": {"serviceAccountName": "workflow", "podGC": {"strategy": "OnPodSuccess"}}}
    one, other = workflow(), workflow({"serviceAccountName": "workflow"})
    assert {s for _, s, _ in found(one, other)} == {"behavioural"}
    made = found(one, other, workflow_defaults=defaults)
    assert made == {("spec.serviceAccountName", "none", "workflow-defaults")}
    spoken = workflow({"serviceAccountName": "mine"})
    assert {s for _, s, _ in found(one, spoken, workflow_defaults=defaults)} == {"behavioural"}


def test_namespace_and_service_account_against_what_would_be_put_in(workflow, found):
    one, other = workflow(), workflow({"serviceAccountName": "default"})
    other["metadata"]["namespace"] = "argo"
    assert found(one, other, namespace="argo") == {
        ("metadata.namespace", "none", "target-namespace"),
        ("spec.serviceAccountName", "none", "default-service-account"),
    }
    assert ("metadata.namespace", "behavioural", MEANS) in found(one, other, namespace="elsewhere")
    assert ("metadata.namespace", "behavioural", MEANS) in found(one, other)


def named(document, **meta):
    return {**document, "metadata": meta}


def test_a_chosen_name_does_the_work_of_generate_name(workflow, found):
    by_prefix, by_name = named(workflow(), generateName="job-"), named(workflow(), name="job-17")
    assert {rule for _, _, rule in found(by_prefix, by_name)} == {"chosen-name"}
    assert {rule for _, _, rule in found(by_name, named(workflow(), name="job-18"))} == {"chosen-name"}
    assert {s for _, s, _ in found(by_prefix, named(workflow(), name="other-1"))} == {"behavioural"}
    assert {s for _, s, _ in found(by_prefix, named(workflow(), generateName="other-"))} == {"behavioural"}
    templates = [{**named(workflow(), name=name), "kind": "WorkflowTemplate"} for name in ("a", "b")]
    assert {s for _, s, _ in found(*templates)} == {"behavioural"}, "a template is found by its name"


def test_labels(workflow, found):
    one = named(workflow(), generateName="x-", labels={"hera-rollout/path": "yaml", "team": "a"})
    other = named(workflow(), generateName="x-", labels={"hera-rollout/path": "hera", "team": "b"})
    assert found(one, other) == {
        ("metadata.labels.hera-rollout/path", "none", "rollout-labels"),
        ("metadata.labels.team", "behavioural", MEANS),
    }
    title = {"workflows.argoproj.io/title": "t", "hera-rollout/flag": "env"}
    shown = found(workflow(), named(workflow(), generateName="x-", annotations=title))
    assert {severity for _, severity, _ in shown} == {"cosmetic", "none"}


def test_what_the_cluster_adds_is_no_difference(workflow, found):
    stored = named(
        workflow(),
        generateName="x-",
        uid="1",
        resourceVersion="2",
        creationTimestamp="2026-01-01T00:00:00Z",
        labels={"workflows.argoproj.io/phase": "Succeeded", "workflows.argoproj.io/creator": "me"},
        annotations={"workflows.argoproj.io/last-seen-version": "11626"},
    ) | {"status": {"phase": "Succeeded"}}
    made = found(workflow(), stored)
    assert {severity for _, severity, _ in made} == {"none"}
    assert {rule for _, _, rule in made} == {"server-metadata", "status"}


def test_unknown_fields_are_illegal_and_lost_on_either_side(workflow):
    for field in ("_env", "entrypoints"):
        dirty = workflow({field: [1]})
        made = equivalence.compare(dirty, workflow())
        assert [(d.path, d.op, d.severity) for d in made.differences] == [
            (f"spec.{field}", "not-in-schema", "illegal"),
            (f"spec.{field}", "only-yaml", "loss"),
        ]
        assert equivalence.compare(workflow(), dirty).counts == made.counts
    both = equivalence.compare(workflow({"_env": 1}), workflow({"_env": 1}))
    assert both.counts == {"illegal": 1}, "on both sides it is no difference, but never silence"


@pytest.mark.parametrize(
    ("spec", "where"),
    [
        ({"entrypoint": ["a"]}, "spec.entrypoint"),
        ({"parallelism": "3"}, "spec.parallelism"),
        ({"suspend": "yes"}, "spec.suspend"),
        ({"podGC": {"strategy": "Sometimes"}}, "spec.podGC.strategy"),
        ({"arguments": {"parameters": [{"value": "1"}]}}, "spec.arguments.parameters[0].name"),
        ({"arguments": {"parameters": {"a": 1}}}, "spec.arguments.parameters"),
    ],
)
def test_values_that_the_schema_refuses(workflow, spec, where):
    made = equivalence.compare(workflow(spec), workflow(spec))
    assert [(d.path, d.severity) for d in made.differences] == [(where, "illegal")]


def test_other_kinds_are_not_comparable(workflow):
    with pytest.raises(Refused, match="One is a Workflow, the other a CronWorkflow"):
        equivalence.compare(workflow(), {"kind": "CronWorkflow"})
    with pytest.raises(Refused, match="kind ConfigMap are not compared"):
        equivalence.compare({"kind": "ConfigMap"}, {"kind": "ConfigMap"})


def test_documents_are_not_changed_by_comparing_them(dag):
    before = copy.deepcopy(dag)
    equivalence.compare(dag, {**dag, "status": {}}, namespace="argo", workflow_defaults={"spec": {"priority": 1}})
    assert dag == before


def test_template_defaults_that_reach_templates_from_elsewhere_are_not_resolved_away(workflow, found):
    steps = {"name": "more", "steps": [[{"name": "a", "templateRef": {"name": "shared", "template": "t"}}]]}
    sides = [workflow({"templateDefaults": {"container": {"image": image}}}) for image in ("one", "two")]
    assert {severity for _, severity, _ in found(*sides)} == {"none"}, "no template of its own takes it"
    for side in sides:
        side["spec"]["templates"].append(steps)
    assert {severity for _, severity, _ in found(*sides)} == {"behavioural"}


def test_what_a_derived_document_lacks_is_lost_and_not_merely_different(workflow):
    one, other = workflow({"priority": 3}), workflow()
    assert [d.severity for d in equivalence.compare(one, other).differences] == ["behavioural"]
    assert [d.severity for d in equivalence.compare(one, other, derived=True).differences] == ["loss"]
    assert [d.severity for d in equivalence.compare(other, one, derived=True).differences] == ["behavioural"]


def test_an_artifacts_plugin_is_known_to_hera_and_a_templates_is_not(workflow):
    def artifact(**more):
        return workflow({"arguments": {"artifacts": [{"name": "a", "plugin": {"name": "p", "key": "k", **more}}]}})

    def template(**more):
        return {**workflow(), "spec": {"templates": [{"name": "t", "plugin": {"slack": {}, **more}}]}}

    made = [equivalence.compare(build(configuration="x"), build()) for build in (artifact, template)]
    assert [[d.severity for d in one.differences if d.op == "only-yaml"] for one in made] == [["behavioural"], ["loss"]]
