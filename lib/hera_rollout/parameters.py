"""A notebook's parameters, read back through a model before anything is touched.

Papermill injects whatever it is given: an unknown name, `1.10` as the float 1.1, "no" as a true string. Here each is
refused, or read as what it plainly says, with the allowed values in the message.
"""

from __future__ import annotations

import difflib
import getpass
import json
import os
import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from hera_rollout.errors import Refused
from hera_rollout.target import DNS_LABEL, Seconds

_PLAIN = (str, int, float, bool, list, dict, type(None))
_NOT_PARAMETERS = frozenset({"In", "Out"})
_WORDS = {"true": True, "yes": True, "false": False, "no": False}
_BOOL_HELP = "true, false, yes or no"

RECORDS_VARIABLE = "HERA_ROLLOUT_RECORDS"
"""The environment variable by which `hera-rollout run` tells a notebook where its records are kept."""
ScenarioName = Literal["simple", "dependencies", "requirements", "rerun", "cancel", "delete"]
OnFail = Literal["rollback", "page", "hold"]
"""On FAIL: turn the flag off; tell those who are told and leave it; leave it."""
FUNCTIONAL_SCENARIOS: tuple[ScenarioName, ...] = get_args(ScenarioName)


def parameters(namespace: Mapping[str, object]) -> dict[str, object]:
    """Pick the plain data out of a notebook's globals: what its parameters cell and papermill put there."""
    return {
        name: value
        for name, value in namespace.items()
        if not name.startswith("_") and name not in _NOT_PARAMETERS and isinstance(value, _PLAIN)
    }


def _truth(value: object) -> object:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in _WORDS:
        return _WORDS[value.strip().lower()]
    raise ValueError(f"must be {_BOOL_HELP}")


def _listed(value: object) -> object:
    """Papermill's `-p` leaves a list as text: read `["a", "b"]` and `a,b` as lists."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            raise ValueError("is not a list") from None
    return [part.strip() for part in value.split(",")]


def _chosen(value: list[ScenarioName]) -> list[ScenarioName]:
    if not value:
        raise ValueError("must name at least one scenario")
    if len(set(value)) < len(value):
        raise ValueError("names a scenario twice")
    return value


def _rollout_id(value: str) -> str:
    # It becomes a folder's and a ConfigMap's name and a label.
    if value and not re.fullmatch(DNS_LABEL, value):
        raise ValueError("must be a DNS-1123 label: a-z, 0-9 and '-', at most 63 characters, such as backend-2026-11")
    return value


def _person(value: str) -> str:
    if value and not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._@ -]{0,61}[A-Za-z0-9])?", value):
        raise ValueError("must be a plain name of letters, digits and . _ @ - or space, at most 63 characters")
    return value


def _number(value: object) -> object:
    """A whole number is a number too: papermill gives 1 for 1.0."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


Truth = Annotated[bool, BeforeValidator(_truth)]
Percent = Annotated[float, Field(gt=0, le=100), BeforeValidator(_number)]
RolloutId = Annotated[str, AfterValidator(_rollout_id)]
Person = Annotated[str, AfterValidator(_person)]
Scenarios = Annotated[list[ScenarioName], BeforeValidator(_listed), AfterValidator(_chosen)]


def login() -> str:
    """The login name; in a container, whose user may have no entry in passwd, the number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


class PhaseParameters(BaseModel):
    """What every notebook takes."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    target: Annotated[str, Field(min_length=1)] = "lab"
    dry_run: Truth = True
    rollout: RolloutId = ""
    operator: Person = ""
    rollback: Truth = False

    def rollout_for(self, deployment: str, today: date) -> str:
        """The rollout's id: the one given, else `<deployment>-YYYY-MM`."""
        return self.rollout or f"{deployment}-{today:%Y-%m}"

    def who(self) -> str:
        """Who runs this: the one given, else the login name."""
        return re.sub(r"[^A-Za-z0-9._@ -]", "-", self.operator or login())[:63]


class DevTestingParameters(PhaseParameters):
    """Notebook 01."""

    scenarios: Scenarios = list(FUNCTIONAL_SCENARIOS)
    workflow_deadline_seconds: Seconds | None = None


class GatedParameters(DevTestingParameters):
    """A phase that asks for the record of the one before.

    `previous` is that record (a folder), or empty for the newest that fits; `records` is where records are kept, or
    empty for where this run's is.
    """

    previous: str = ""
    records: str = ""


class StagingParameters(GatedParameters):
    """Notebook 02: `concurrent` tasks at once in each of `rounds` pairs of windows, one by each path."""

    concurrent: Annotated[int, Field(ge=1, le=200)] = 4
    rounds: Annotated[int, Field(ge=1, le=500)] = 6


class DrillParameters(PhaseParameters):
    """The drill: the flag on for `percent` of the tasks and off again, under `per_second` submissions a second."""

    percent: Percent = 100.0
    per_second: Annotated[float, Field(gt=0, le=50), BeforeValidator(_number)] = 1.0
    seconds: Annotated[int, Field(ge=1, le=3600)] = 10


class CanaryParameters(GatedParameters):
    """Notebook 03.

    `approval` is a file that approvals are read from, or one as JSON; `user_issues` is what users reported, or "none";
    `patience_seconds` is how long one run waits at a rung before it says HOLD; `traffic` submissions a second are sent
    where nobody else submits.
    """

    approval: str = ""
    second_person: Truth = False
    user_issues: str = ""
    patience_seconds: Seconds = 1_200
    traffic: Annotated[float, Field(ge=0, le=50), BeforeValidator(_number)] = 0.0


class ProductionParameters(CanaryParameters):
    """Notebook 04: as 03, and `on_fail`: what a FAIL while it watches does by itself; `told`: who was told by hand.

    `patience_seconds` is how long one run watches before it says HOLD: the next one adds to the same evidence.
    """

    on_fail: OnFail = "rollback"
    told: str = ""


class CleanupParameters(GatedParameters):
    """Notebook 05.

    `repository` is the service's git repository, or a folder in it; `known` is a TOML file of what the team knows
    beyond its code: facts, and files that may go on naming the flag, each with its reason; `mends` is a patch of what a
    person mends where the codemod cannot follow; `templates` removes templates that only the old path named; `tests` is
    the service's own test command, or empty for the target's; `experience` is what the developers say of Hera, and
    `asked` who of them; `learned` is what the team takes away from the rollout.
    """

    approval: str = ""
    second_person: Truth = False
    repository: str = ""
    branch: str = ""
    known: str = ""
    mends: str = ""
    templates: Truth = False
    tests: str = ""
    experience: str = ""
    asked: Person = ""
    learned: str = ""


MODELS: dict[str, type[PhaseParameters]] = {
    "01_dev_testing": DevTestingParameters,
    "02_staging": StagingParameters,
    "03_canary": CanaryParameters,
    "04_production": ProductionParameters,
    "05_cleanup": CleanupParameters,
    "drill": DrillParameters,
}


def validate(notebook: str, values: Mapping[str, object]) -> PhaseParameters:
    """Read a notebook's parameters through its model.

    Raises:
        Refused: A name, type, value or combination the model does not allow; the text carries the allowed ones.
    """
    model = MODELS.get(notebook)
    if model is None:
        raise Refused(f"There is no notebook called {notebook!r}.", expected=f"one of {', '.join(MODELS)}.")
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        faults = [_fault(model, item) for item in error.errors(include_url=False)]
        raise Refused(
            f"Notebook {notebook} was given parameters it cannot use:\n  " + "\n  ".join(faults),
            todo="Correct the parameters and run again; nothing was touched.",
        ) from None


def _fault(model: type[PhaseParameters], item: ErrorDetails) -> str:
    name = str(item["loc"][0]) if item["loc"] else "parameters"
    if item["type"] == "extra_forbidden":
        close = difflib.get_close_matches(name, model.model_fields, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        known = ", ".join(model.model_fields)
        return f"{name}: unknown; {hint}Known: {known}. (A variable of your own: start its name with _.)"
    said = item["msg"].removeprefix("Value error, ")
    return f"{name} = {item['input']!r:.80}: {said}. Allowed: {allowed(model, name)}."


def allowed(model: type[PhaseParameters], name: str) -> str:
    """The values a parameter may take, in words."""
    special = {
        "dry_run": _BOOL_HELP,
        "rollback": _BOOL_HELP,
        "scenarios": f"a list of some of {', '.join(FUNCTIONAL_SCENARIOS)}",
        "workflow_deadline_seconds": "a whole number of seconds from 1 to 86400, or None for the target's limit",
        "concurrent": "a whole number of tasks from 1 to 200",
        "rounds": "a whole number of pairs of windows from 1 to 500",
        "previous": "the folder of a record, as text, or empty for the newest that fits",
        "records": "the folder that records are kept in, as text, or empty for the one this run's is kept in",
        "percent": "a number above 0, up to 100",
        "per_second": "submissions a second: a number above 0, up to 50",
        "seconds": "a whole number of seconds from 1 to 3600",
        "approval": "the path of a .toml or .json file, or an approval as JSON text; empty: asked for by buttons",
        "second_person": _BOOL_HELP,
        "user_issues": "what users reported, in words; none if nobody reported anything; empty: nobody asked them",
        "patience_seconds": "a whole number of seconds from 1 to 86400",
        "traffic": "submissions a second that the notebook itself sends, from 0 (none) to 50",
        "on_fail": "rollback (flag off, by itself), page (a notice; the flag is left) or hold (the flag is left)",
        "repository": "the folder of the service's git repository, as text",
        "branch": "the name of the branch that is made, or empty for cleanup/<flag>",
        "known": "the path of a TOML file with [facts] and [allowed], or empty: nothing beyond the code is known",
        "mends": "the path of a patch (a unified diff), or empty",
        "templates": _BOOL_HELP,
        "tests": "a command, or empty for the target's commands.tests",
        "experience": "what the developers say of their work with Hera, in words; empty: nobody asked them",
        "asked": "the name of who of them said so, as text",
        "learned": "what the team takes away from the rollout, in words; empty: nothing was written down",
        "told": "who was told by hand, and how, in words; empty: notices only",
        "rollout": "text such as backend-2026-11, or empty for <deployment>-YYYY-MM",
        "operator": "text, or empty for the login name",
        "target": 'a name such as "lab" or the path of a TOML file, as text (papermill: -r target NAME)',
    }
    return special.get(name, str(model.model_fields[name].annotation))
