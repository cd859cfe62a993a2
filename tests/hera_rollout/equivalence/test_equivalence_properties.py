"""What holds for every document: found by making thousands of them."""

import copy
import json

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hera_rollout import equivalence
from hera_rollout.equivalence.values import identical

ALLOWED = {"main-container-name", "absent-or-zero", "chosen-name", "default-service-account"}


def shuffled(value, random):
    """The same with keys, and lists of named templates and parameters, in another order."""
    if isinstance(value, dict):
        keys = list(value)
        random.shuffle(keys)
        made = {key: shuffled(value[key], random) for key in keys}
        for key in ("templates", "parameters", "tasks", "volumes", "artifacts"):
            if isinstance(made.get(key), list):
                random.shuffle(made[key])
        return made
    return [shuffled(item, random) for item in value] if isinstance(value, list) else value


ORDERS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.slow
@ORDERS
@given(
    random=st.randoms(use_true_random=False),
    style=st.sampled_from([None, '"', "'"]),
    flow=st.sampled_from([True, False, None]),
    width=st.sampled_from([40, 4000]),
)
def test_a_document_equals_itself_in_another_order_and_other_quotes(ours, random, style, flow, width):
    layout = {"default_style": style, "default_flow_style": flow, "width": width}
    for document in ours:
        other = shuffled(copy.deepcopy(document), random)
        text = yaml.dump(other, sort_keys=False, Dumper=yaml.CSafeDumper, **layout)
        made = equivalence.compare(document, equivalence.documents(text, "dumped")[0])
        assert made.same, [d for d in made.differences if not d.harmless]
        assert {rule.name for rule in made.rules_used} <= {"key-order", "named-lists", "any-string"}


KEYS = ["name", "value", "env", "tasks", "x"]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ["entrypoint", "templates", "arguments", "volumes", "suspend", "hooks", "parallelism", "templateDefaults"]
specs = st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=4)


def mirrored(difference):
    sides = {"only-yaml": "only-hera", "only-hera": "only-yaml"}
    op = sides.get(difference.op, difference.op)
    return (difference.path, op, repr(difference.hera), repr(difference.yaml), difference.rule, difference.severity)


@settings(max_examples=300, deadline=None)
@given(one=specs, other=specs)
def test_comparing_is_symmetric_for_any_json_and_never_crashes(one, other):
    documents = [{"kind": "Workflow", "metadata": {"name": "x"}, "spec": spec} for spec in (one, other)]
    there, back = equivalence.compare(*documents), equivalence.compare(*reversed(documents))
    ours = sorted((d.path, d.op, repr(d.yaml), repr(d.hera), d.rule, d.severity) for d in there.differences)
    assert ours == sorted(map(mirrored, back.differences))
    json.dumps(there.as_json())


@settings(max_examples=300, deadline=None)
@given(one=specs, other=specs)
def test_what_is_identical_has_no_difference_and_what_is_not_has_one(one, other):
    documents = [{"kind": "Workflow", "metadata": {"name": "x"}, "spec": spec} for spec in (one, other)]
    own = {"invalid", "not-in-schema", "duplicate"}  # what one side has of its own
    between = [d for d in equivalence.compare(*documents).differences if d.op not in own]
    if identical(one, other):
        assert [d for d in between if d.rule != "key-order"] == []
    else:
        assert between, "never silence"


def test_every_single_mutation_is_found_or_excused_by_a_named_rule(ours, mutate, capsys):
    total, found, excused = mutate(ours)
    with capsys.disabled():
        share = f"{found} of {total} ({found / total:.2%})"
        print(f"\nmutations found: {share}; excused: { {rule: len(paths) for rule, paths in excused.items()} }")
    assert total > 350
    assert set(excused) <= ALLOWED, excused
