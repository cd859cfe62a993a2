"""The named rules by which two different texts mean the same: each with its reason and its source, each switchable."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from hera_rollout.errors import Refused


@dataclass(frozen=True)
class Rule:
    """One way in which documents may differ without meaning anything else."""

    name: str
    reason: str
    source: str


_RULES: Final = (
    Rule("key-order", "a JSON object has no order", "RFC 8259, section 4"),
    Rule(
        "named-lists", "entries are found by their name, not by their place", "argo: patchMergeKey in workflow_types.go"
    ),
    Rule(
        "absent-or-zero",
        "Go reads null, and this type's zero value, as absent",
        "argo, k8s.io/api: fields that are no pointers",
    ),
    Rule("schema-default", "the API server fills in the schema's default", "the CRD's `default`"),
    Rule(
        "any-string",
        "Argo turns numbers and booleans in parameters into text, numbers by FormatFloat('f', -1)",
        "argo: anystring.go",
    ),
    Rule("int-or-string", "Argo reads a whole number and its text alike here", "argo: util/intstr/parametrizable.go"),
    Rule("number", "1 and 1.0 are one number", "RFC 8259, section 6"),
    Rule("quantity", "the same amount in another notation", "k8s.io/apimachinery: resource.Quantity"),
    Rule(
        "depends",
        "`dependencies` is short for `depends`; && and || may be reordered",
        "argo: workflow/common/ancestry.go",
    ),
    Rule(
        "env-order",
        "no later entry overrides and no $(VAR) looks back, so the order says nothing",
        "Kubernetes: Container.env",
    ),
    Rule("command-and-args", "the container runs command followed by args", "Kubernetes: Container.command"),
    Rule(
        "main-container-name",
        "the controller calls a template's container main, whatever its name",
        "argo: workflow/controller/workflowpod.go",
    ),
    Rule("python-source", "the same syntax tree: only comments, spacing or quoting differ", "Python: ast"),
    Rule(
        "shell-comments",
        "only whole-line comments, blank lines or trailing blanks differ, outside quotes",
        "POSIX shell, 2.3 token recognition",
    ),
    Rule(
        "template-defaults",
        "the controller merges templateDefaults into each template",
        "argo: mergedTemplateDefaultsInto in operator.go",
    ),
    Rule(
        "workflow-defaults",
        "the controller merges its workflowDefaults into each workflow",
        "argo: workflow/util/merge.go",
    ),
    Rule("target-namespace", "an absent namespace is the one it is submitted to", "Kubernetes: namespaced resources"),
    Rule(
        "default-service-account",
        "an absent service account is the namespace's `default`",
        "Kubernetes: ServiceAccount admission",
    ),
    Rule(
        "chosen-name",
        "each path chooses the workflow's name; a name does the work of generateName",
        "this kit: BACKEND_API, one name a run",
    ),
    Rule("rollout-labels", "labels and annotations hera-rollout/* say which path built the workflow", "this kit"),
    Rule(
        "server-metadata",
        "set by the API server, the Argo Server or the controller, not by the manifest",
        "Kubernetes: ObjectMeta; argo: workflow/common/common.go",
    ),
    Rule("status", "the controller's word about a run, not part of the manifest", "Kubernetes: spec and status"),
)

RULES: Final[dict[str, Rule]] = {rule.name: rule for rule in _RULES}
ALL: Final = frozenset(RULES)


def without(off: Iterable[str]) -> frozenset[str]:
    """All rules but those switched off.

    Raises:
        Refused: One has no rule's name.
    """
    off = frozenset(off)
    unknown = sorted(off - ALL)
    if unknown:
        raise Refused(f"There is no rule called {', '.join(unknown)}.", expected=f"one of {', '.join(sorted(ALL))}.")
    return ALL - off
