"""The reference backend's own two paths: healthy ones mean the same, broken ones are found, each with its symptom."""

import pytest

from hera_rollout import equivalence
from reference_backend import defects, hera_path, yaml_path
from reference_backend.job import Job
from reference_backend.settings import Settings

SHAPES = {
    "simple": {},
    "dependencies": {"dependencies": "six, humanize"},
    "requirements": {"requirements_file": "six\nhumanize\n"},
}


class Faults:
    """The faults that are switched on, as the backend's own class answers."""

    def __init__(self, *names):
        self.names = names

    def on(self, name):
        return name in self.names

    def value(self, name):
        return "on" if name in self.names else ""

    def number(self, name):
        return 0.0


def built(shape, *faults):
    job = Job("task-0123456789ab", 1, "import sys\nprint(sys.version)\n", **SHAPES[shape])
    settings = Settings(workflow_image="python:3.11-slim")
    yaml, hera = yaml_path.build(job, settings), hera_path.build(job, settings)
    defects.dirty_yaml(Faults(*faults), yaml)
    defects.hera_workflow(Faults(*faults), hera, job)
    return equivalence.compare(yaml, hera.to_dict(), namespace="argo")


@pytest.mark.parametrize("shape", SHAPES)
def test_the_healthy_paths_mean_the_same_by_these_rules_and_no_other(shape):
    made = built(shape)
    assert made.worst == "none"
    script = set() if shape == "simple" else {"shell-comments"}
    assert {rule.name for rule in made.rules_used} == {"key-order", "main-container-name", "rollout-labels"} | script


@pytest.mark.parametrize("shape", SHAPES)
def test_paths_that_differ_are_found_at_the_mutex_and_the_env_entry(shape):
    made = built(shape, "paths-differ")
    where = "container.env" if shape == "simple" else "script.env[RESULTS_DIR]"
    assert [(d.path, d.op, d.severity) for d in made.differences if not d.harmless] == [
        ("spec.synchronization", "only-yaml", "behavioural"),
        (f"spec.templates[main].{where}", "only-yaml", "behavioural"),
    ]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_dirty_yaml_side_is_illegal_and_would_be_lost(shape):
    made = built(shape, "dirty-yaml")
    where = {"spec.templates[main]._env", "spec.templates[main]._volume_mounts"}
    assert {d.path for d in made.of("illegal")} == {d.path for d in made.of("loss")} == where
    assert all(d.hera is equivalence.ABSENT for d in made.of("illegal", "loss")), "it is the YAML side that is dirty"
