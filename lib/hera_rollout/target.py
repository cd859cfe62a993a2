"""Where to roll out to: one TOML file a place, read into a frozen model. Secrets are never in it."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from hera_rollout.errors import Refused

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}|\$(\w+)")
_TOKEN_TODO = "Take it out of the file; a token belongs in HERA_ROLLOUT_ARGO_TOKEN or in the kubeconfig."  # noqa: S105


def _expanded(value: object) -> object:
    """Expand `~`, `$VAR`, `${VAR}` and `${VAR:-default}`; a variable that is not set and has no default is an error."""
    if not isinstance(value, str):
        return value

    def lookup(match: re.Match[str]) -> str:
        name, default = match.group(1) or match.group(3), match.group(2)
        found = os.environ.get(name) or default
        if found is None:
            raise ValueError(f"the environment variable {name} is not set")
        return found

    return Path(_VARIABLE.sub(lookup, value)).expanduser()


def _address(value: str) -> str:
    """A plain http(s) address without user, password or trailing slash."""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an address like http://127.0.0.1:8000")
    if parts.username or parts.password:
        raise ValueError(f"carries a user or password in the address. {_TOKEN_TODO}")
    return value.rstrip("/")


DNS_LABEL: Final = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
"""A name that may be an object's, a folder's and a label's (RFC 1123)."""


def _dns_label(value: str) -> str:
    if not re.fullmatch(DNS_LABEL, value):
        raise ValueError("must be a Kubernetes name: a-z, 0-9 and '-', at most 63 characters")
    return value


Address = Annotated[str, AfterValidator(_address)]
KubeName = Annotated[str, AfterValidator(_dns_label)]
ExpandedPath = Annotated[Path, BeforeValidator(_expanded)]
Seconds = Annotated[int, Field(gt=0, le=86_400)]
Medium = Literal["env", "configmap", "manual"]
Share = Annotated[float, Field(ge=0, le=1)]
GUIDE_STABLE_SECONDS: Final = 48 * 3_600
"""The guide's "Stable for 48+ hours"."""
GUIDE_SETTLED_SECONDS: Final = 14 * 86_400
"""The shorter end of the guide's "Wait for stable period (2-4 weeks)"."""


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FlagSettings(_Settings):
    """How the flag is thrown at this place."""

    medium: Medium = "env"
    env: str = Field(default="USE_HERA_SDK", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    configmap: KubeName = "backend-flag"
    by_hand: str = ""
    """Medium manual: where the change is made and how it takes effect, told to whoever makes it."""


class WorkflowSettings(_Settings):
    """What a workflow needs at this place."""

    image: str = "python:3.11-slim"
    service_account: KubeName = "workflow"
    pvc: KubeName = "task-results-pvc"


class PackageSettings(_Settings):
    """What the dependency scenarios install; both must be installable from inside a pod."""

    dependencies: str = "six"
    requirements: str = "six\n"


class NoticeSettings(_Settings):
    """Who is told before, during and after a rollout. Addresses carry tokens: the file says only where they are."""

    variable: str = Field(default="HERA_ROLLOUT_NOTICES", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    """The environment variable that holds Apprise addresses, with spaces or commas between them."""
    seconds: Annotated[float, Field(gt=0, le=120)] = 15
    """So long all of them together are waited for."""


class Commands(_Settings):
    """Commands of the place's own, shown or run: start it; build, load and deploy an image; the service's tests."""

    start: str | None = None
    build: str | None = None
    load: str | None = None
    deploy: str | None = None
    tests: str | None = None


class Limits(_Settings):
    """Limits of checks and waits. A default is the guide's where the guide gives one, else the kit's."""

    workflow_deadline_seconds: Seconds = 300
    rollout_deadline_seconds: Seconds = 300
    request_timeout_seconds: Seconds = 10
    error_rate_max: Share = 0.01
    success_rate_min: Share = 0.99
    slowdown_max: Annotated[float, Field(ge=0)] = 0.10
    resources_up_max: Annotated[float, Field(gt=0)] = 0.10
    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """The chance of a wrong verdict that a whole phase may take."""
    burn_in: Annotated[int, Field(ge=10)] = 30
    """Workflows of each path before times are compared at all."""
    scrape_seconds: Seconds = 30
    """Prometheus' scrape interval here: so long a window waits for the load before it to be counted."""
    resource_pairs: Annotated[int, Field(ge=1)] = 5
    """Pairs of windows before resources are compared at all."""
    rung_seconds: Annotated[int, Field(ge=0, le=7 * 86_400)] = 86_400
    """So long a rung of the canary lasts at least; the guide's is a day."""
    rung_workflows: Annotated[int, Field(ge=1)] = 50
    """So many workflows by Hera a rung brings at least."""
    split_tolerance: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """So far the share of tasks on Hera may be from the plan; 0: half the smaller side, at least two points."""
    bad_rate: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """A failure rate that the success gate must notice: the rehearsal shows whether it does."""
    notice_within: Annotated[int, Field(ge=1)] = 1_000
    """Workflows by Hera within which it must."""
    misses_max: Annotated[float, Field(gt=0, lt=1)] = 0.10
    """The chance that it does not, at most."""
    window_share: Share = 0.5
    """An hour is low if its usual traffic is at most this share of the busiest hour's."""
    window_days: Annotated[int, Field(ge=2, le=28)] = 7
    """Days of history before any hour is called low."""
    stable_seconds: Annotated[int, Field(ge=1, le=28 * 86_400)] = GUIDE_STABLE_SECONDS
    """So long production is watched after the deploy; the guide's is 48 hours, and less is marked as a deviation."""
    settled_seconds: Annotated[int, Field(ge=1, le=366 * 86_400)] = GUIDE_SETTLED_SECONDS
    """So long production stands, and nothing comes by the old path, before the flag leaves the code; the guide's is 2
    to 4 weeks, and less than 2 takes an approval."""
    watch_gap_seconds: Annotated[int, Field(ge=1, le=86_400)] = 7_200
    """Two looks further apart than this leave a gap in the watch: that time does not count as watched."""
    blind_seconds: Annotated[int, Field(ge=1, le=86_400)] = 600
    """So long a canary or production may stand without one complete look; then it is FAIL, and taken back as any."""
    memory_up_max: Annotated[float, Field(gt=0)] = 0.5
    """So far above its level before the deploy a pod's memory may stay."""
    restarts_max: Annotated[int, Field(ge=0)] = 1
    """So many times containers of the service may begin anew, all pods together, while production is watched."""

    _owner: str = PrivateAttr(default="")

    def source(self, name: str) -> str:
        """Whose limit this is: "target NAME", "guide default", or "kit default" where the guide gives no number."""
        if name not in type(self).model_fields:
            raise KeyError(f"no limit is called {name!r}")
        if name in self.model_fields_set:
            return f"target {self._owner}"
        return "guide default" if name in _GUIDE_LIMITS else "kit default"


_GUIDE_LIMITS = frozenset({"error_rate_max", "success_rate_min", "slowdown_max", "rung_seconds", "stable_seconds",
                           "settled_seconds"})  # fmt: skip


class Accepted(_Settings):
    """A difference between the two paths' workflows that somebody has decided to live with."""

    path: Annotated[str, Field(pattern=r"^[A-Za-z]+[.\[][A-Za-z]")]
    """Where, as a comparison prints it; `*` stands for anything, but not for all: `spec.templates[main].inputs.*`."""
    approver: Annotated[str, Field(min_length=1)]
    reason: Annotated[str, Field(min_length=1)]


class Target(_Settings):
    """One place to roll out to."""

    name: KubeName
    title: str = ""
    kubeconfig: ExpandedPath | None = None
    context: str | None = None
    namespace: KubeName = "argo"
    deployment: KubeName = "backend"
    container: KubeName = "backend"
    service_account: KubeName = "backend"
    backend_url: Address
    argo_url: Address
    argo_verify_tls: bool = True
    prometheus_url: Address | None = None
    flag: FlagSettings = FlagSettings()
    workflow: WorkflowSettings = WorkflowSettings()
    limits: Limits = Field(default_factory=Limits)
    packages: PackageSettings = PackageSettings()
    notices: NoticeSettings = NoticeSettings()
    commands: Commands = Commands()
    accepted: tuple[Accepted, ...] = ()

    @model_validator(mode="after")
    def _own_limits(self) -> Self:
        self.limits._owner = self.name
        return self

    def by(self, medium: Medium) -> Self:
        """The same place, with the flag turned by another medium."""
        return self.model_copy(update={"flag": self.flag.model_copy(update={"medium": medium})})

    @property
    def state_name(self) -> str:
        """The name of the rollout's ConfigMap and of its Lease."""
        return f"hera-rollout-{self.deployment}"

    @classmethod
    def load(cls, name_or_path: str, search: Path | None = None) -> Target:
        """Read a target by name (targets/NAME.toml, from the current folder upward) or by path."""
        path = _found(name_or_path, (search or Path.cwd()).resolve())
        values = _parsed(path)
        values.setdefault("name", path.stem)
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise Refused(
                f"The target file {path} cannot be used: {_faults(error)}",
                expected=f"fields of a target: {', '.join(cls.model_fields)}.",
                todo="Correct the file; targets/staging.example.toml shows every field with a comment.",
            ) from None


def _found(name_or_path: str, start: Path) -> Path:
    if "/" in name_or_path or name_or_path.endswith(".toml"):
        path = Path(name_or_path).expanduser()
        path = path if path.is_absolute() else start / path
        if path.is_file():
            return path
        raise Refused(f"There is no target file {path}.", todo="Give a target's name or the path of a TOML file.")
    folders = [folder / "targets" for folder in (start, *start.parents) if (folder / "targets").is_dir()]
    for folder in folders:
        if (folder / f"{name_or_path}.toml").is_file():
            return folder / f"{name_or_path}.toml"
    raise _unknown(name_or_path, folders, start)


def _unknown(name: str, folders: list[Path], start: Path) -> Refused:
    names = sorted({path.stem for folder in folders for path in folder.glob("*.toml") if "." not in path.stem})
    examples = [path for folder in folders for path in folder.glob(f"{name}.example.toml")]
    if examples:
        todo = f"Copy {examples[0]} to {examples[0].with_name(f'{name}.toml')} and fill it in."
    else:
        todo = "Choose one of these, or write a TOML like targets/staging.example.toml."
    there = ", ".join(names) if names else f"none (no targets/*.toml from {start} upward)"
    return Refused(
        f"There is no target called {name!r}.", expected=f"one of the targets there are: {there}.", todo=todo
    )


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Refused(f"The target file {path} cannot be read: {error}.", todo="Correct the file.") from None


def _faults(error: ValidationError) -> str:
    # Never the input: a URL refused for its password would be printed with it.
    def one(fault: ErrorDetails) -> str:
        field = ".".join(map(str, fault["loc"])) or "the file"
        return f"{field}: {fault['msg'].removeprefix('Value error, ')}"

    return "; ".join(one(fault) for fault in error.errors(include_input=False, include_url=False))
