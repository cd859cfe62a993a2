"""A target's file: what was found, each line with what it is for. It is read back before it is written."""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from hera_rollout.errors import Conflicting, Refused
from hera_rollout.target import Target, WorkflowSettings

_COLUMN: Final = 50
_HEAD: Final = """\
# Made by `hera-rollout init`; from here on it is yours. Secrets never go here: the kubeconfig holds the cluster's, and
# HERA_ROLLOUT_ARGO_TOKEN the Argo Server's where it is not the kubeconfig user's own.
# targets/staging.example.toml has every field there is. Next: hera-rollout doctor --target {name}
"""
_FLAG: Final = """
[flag]
medium = "env"                                    # env: a variable on the Deployment; configmap: a file; manual: by you
env = "USE_HERA_SDK"
"""
_LIMITS: Final = """
[limits]                                          # the guide's numbers, else the kit's; take a # away to change one
# workflow_deadline_seconds = 300                 # a workflow past it counts as failed
# error_rate_max = 0.01
# success_rate_min = 0.99
# slowdown_max = 0.10
# stable_seconds = 172800                         # production is watched so long after the deploy; the guide's 48 hours
"""


@dataclass(frozen=True)
class Place:
    """What a target's file says. `workflow` has image, account and claim as far as they are known."""

    name: str
    context: str
    namespace: str
    deployment: str
    container: str
    account: str
    backend_url: str
    argo_url: str
    argo_trusted: bool = True
    prometheus_url: str = ""
    kubeconfig: str = ""
    workflow: dict[str, str] = field(default_factory=dict)


def text(place: Place) -> str:
    """The file's text; it is TOML that `Target.load` takes, or Refused says what in it cannot be.

    Raises:
        Refused: an answer cannot be used, such as an address with a password in it.
    """
    made = _HEAD.format(name=place.name) + "\n".join([*_where(place), *_servers(place)]) + "\n" + _FLAG
    made += "\n".join(["", "[workflow]", *_workflow(place.workflow)]) + "\n" + _LIMITS
    try:
        Target.model_validate(tomllib.loads(made))
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        raise _unusable(error) from None
    return made


def write(path: Path, content: str, *, force: bool) -> None:
    """Write the file, whole or not at all.

    Raises:
        Conflicting: there is one already, and `force` was not said.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if force:
        beside = path.with_name(f".{path.name}.new")
        beside.write_text(content, encoding="utf-8")
        beside.replace(path)
        return
    refuse_existing(path)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "w", encoding="utf-8") as file:
        file.write(content)


def refuse_existing(path: Path) -> None:
    """Refuse a file that is there.

    Raises:
        Conflicting: it is.
    """
    if path.exists() or path.is_symlink():
        raise Conflicting(
            f"{path} is there already, and was not touched.",
            expected="a name that is still free.",
            todo=f"Use it as it is (hera-rollout doctor --target {path.stem}), give another name, or --force.",
        )


def _where(place: Place) -> list[str]:
    made = [_line("name", place.name), _line("title", place.name.capitalize(), "as banners and notices call it")]
    if place.kubeconfig:
        made.append(_line("kubeconfig", place.kubeconfig, "~, $VAR and ${VAR:-default} are expanded"))
    else:
        made.append('# kubeconfig = "~/.kube/config"'.ljust(_COLUMN) + "# left out: kubectl's own default")
    return [
        *made,
        _line("context", place.context),
        _line("namespace", place.namespace),
        _line("deployment", place.deployment, "the service that submits workflows"),
        _line("container", place.container),
        _line("service_account", place.account, "whose rights preflight asks about"),
    ]


def _servers(place: Place) -> list[str]:
    trust = "" if place.argo_trusted else "its certificate was not trusted here: have its CA trusted, or say false"
    made = [
        _line("backend_url", place.backend_url),
        _line("argo_url", place.argo_url),
        "argo_verify_tls = true".ljust(_COLUMN) + f"# {trust}" if trust else "argo_verify_tls = true",
    ]
    if place.prometheus_url:
        return [*made, _line("prometheus_url", place.prometheus_url)]
    return [
        *made,
        '# prometheus_url = "https://…"'.ljust(_COLUMN) + "# none was found: phases 2 to 4 judge rates by it",
    ]


def _workflow(known: dict[str, str]) -> list[str]:
    names = {"image": "image", "account": "service_account", "claim": "pvc"}
    defaults = WorkflowSettings().model_dump()
    return [
        _line(name, known[key], "as the Deployment's variables say")
        if key in known
        else _line(name, defaults[name], "a guess: correct it")
        for key, name in names.items()
    ]


def _line(key: str, value: str, comment: str = "") -> str:
    # A JSON string is a TOML one too.
    made = f"{key} = {json.dumps(value, ensure_ascii=False)}"
    return f"{made.ljust(_COLUMN)}# {comment}" if comment else made


def _unusable(error: Exception) -> Refused:
    # Never the input: an address refused for its password would be printed with it.
    if isinstance(error, ValidationError):
        faults = error.errors(include_input=False, include_url=False)
        told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in faults)
    else:
        told = str(error)
    return Refused(
        f"These answers make no target: {told}",
        expected="names of Kubernetes, and addresses like https://backend.example.org.",
        todo="Give the answer anew; nothing was written.",
    )
