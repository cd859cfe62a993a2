"""`Phase`: one run of one notebook, from its parameters to its verdict."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from time import monotonic
from typing import Any, Self

from hera_rollout import approvals, display, flag, state
from hera_rollout.backend import Backend
from hera_rollout.errors import PhaseFailed, PhaseOnHold, RolloutError
from hera_rollout.gates import Check, Verdict, judge, rules, worst
from hera_rollout.metrics import Prometheus
from hera_rollout.parameters import PhaseParameters, validate
from hera_rollout.phase.connections import Connections
from hera_rollout.phase.criteria import criterion_of, following, planned, unjudged
from hera_rollout.phase.keeping import Keeping, untouched
from hera_rollout.records import sources
from hera_rollout.target import Target

DRY_RUN = "dry_run"
SOURCE = "notebook source"
UNKNOWN_CODE = "unknown"


def _local_offset(now: datetime) -> str:
    """The machine's own offset from UTC, said once at the top of a record."""
    return now.astimezone().strftime("%z") or "+0000"


class Phase:
    """One run of one phase notebook.

    Attributes:
        notebook: the notebook's name, such as ``01_dev_testing``.
        parameters: the run's parameters, validated.
        connections: the clients it works with.
        target: where.
        cluster, workflows: of those clients.
        checks: the checks made so far, by name; a check made again replaces the first.
        started: when this run began, UTC.
        flag_changed: when this run last changed the flag, UTC; None before.
        memory: what one step leaves for a later one.
        code_revision: of the service when this run began: image digest and Hera version, by its own word.
        flagged: the cluster with the medium that turns the flag in this run: the target's, unless a step chose another.
        remark: what the verdict's title must not leave out, such as how long production was watched.
        keeping: the run's memory in the cluster and its lease; None in a dry run, which leaves nothing behind.
        changed: what this run has begun to change, in words: whoever breaks off after that has not left all as it was.
    """

    def __init__(self, notebook: str, parameters: PhaseParameters, connections: Connections) -> None:
        self.notebook = notebook
        self.connections = connections
        self.target = connections.target
        self.plan = planned(notebook, self.target.limits)
        self.parameters = parameters
        self.cluster = connections.cluster
        self.workflows = connections.workflows
        self.checks: dict[str, Check] = {}
        self.started = datetime.now(UTC)
        self.flag_changed: datetime | None = None
        self.memory: dict[str, Any] = {}
        self.code_revision = UNKNOWN_CODE
        self.keeping: Keeping | None = None
        self.flagged = self.cluster
        self.remark = ""
        self.changed: list[str] = []
        self._steps = 0

    @cached_property
    def backend(self) -> Backend:
        """The service under rollout; reached on first use, and refused there if it does not answer."""
        return self.connections.backend.reached()

    @property
    def prometheus(self) -> Prometheus:
        """What scrapes the service.

        Raises:
            Refused: the target names none.
        """
        return self.connections.prometheus or Prometheus.of(self.target)

    @property
    def dry_run(self) -> bool:
        """True while this run may change nothing."""
        return self.parameters.dry_run

    @property
    def rollout(self) -> str:
        """The rollout's id."""
        return self.parameters.rollout_for(self.target.deployment, self.started.date())

    @property
    def workflow_deadline(self) -> float:
        """Seconds until a workflow counts as failed: the parameter's where it is given, else the target's."""
        given = self.parameters.model_dump().get("workflow_deadline_seconds")
        return float(given or self.target.limits.workflow_deadline_seconds)

    @property
    def since(self) -> datetime:
        """When this run began, over all its attempts."""
        return self.keeping.since if self.keeping else self.started

    @property
    def token(self) -> str:
        """What names made by this run carry: the same in each of its attempts, so that nothing is made twice."""
        return self.keeping.run.id if self.keeping else f"{self.started:%Y%m%d-%H%M%S}"

    @property
    def resumed(self) -> bool:
        """Whether an attempt before this one was broken off."""
        return self.keeping is not None and self.keeping.run.resumed

    @property
    def failed(self) -> list[str]:
        """The checks that say FAIL: a run that has failed already turns the flag no more than it must."""
        return [check.name for check in self.checks.values() if check.verdict is Verdict.FAIL]

    def changing(self, what: str) -> None:
        """To be called before the cluster or the service is changed: an error after that is no mere refusal."""
        if what not in self.changed:
            self.changed.append(what)

    def done(self, key: str) -> bool:
        """Whether an earlier attempt of this run left a result under the key."""
        return self.keeping is not None and key in self.keeping.run.facts.steps

    def once(self, key: str, make: Callable[[], Any]) -> Any:
        """What an earlier attempt of this run left under the key; else make it and keep it. Plain JSON data."""
        return self.keeping.once(key, make) if self.keeping else make()

    @classmethod
    def begin(cls, notebook: str, connections: Connections | None = None, **values: object) -> Self:
        """Read the parameters and the target, reach the cluster, take the lease, and say what this run is.

        A run that was broken off is gone on with. A dry run takes no lease and writes nothing.

        Args:
            notebook: the notebook's name, such as ``01_dev_testing``.
            connections: the clients it works with; none: of the target that the parameters name, which is reached now.
            values: its parameters, as ``parameters(globals())`` gives them.

        Raises:
            Refused: unknown or bad parameter, unknown target, cluster out of reach, or somebody else is at work on
                this rollout; the service was not touched.
        """
        parameters = validate(notebook, values)
        phase = cls(notebook, parameters, connections or Connections.to(Target.load(parameters.target)))
        phase.code_revision = _code_revision(phase.connections)
        if not phase.dry_run:
            phase._keep()
        phase._introduce()
        return phase

    def _keep(self) -> None:
        """Take the lease and find this run in the rollout's state."""
        code = "" if self.code_revision == UNKNOWN_CODE else self.code_revision
        self.keeping = Keeping.begin(
            self.cluster,
            rollout=self.rollout,
            phase=self.notebook,
            by=self.parameters.who(),
            code_revision=code,
            asks=self.plan.goes_on,
        )

    def _introduce(self) -> None:
        """The head of the record: what, where, who, and what will and will not change."""
        facts = {
            "Rollout": self.rollout,
            "Target": f"{self.target.name}: {self.target.title}".rstrip(": "),
            "Service": f"deployment/{self.target.deployment} in namespace {self.target.namespace}",
            "Cluster": f"Kubernetes {self.cluster.version}, context {self.target.context or 'current'}",
            "Kit": f"hera-rollout-kit {version('hera-rollout-kit')}, hera {version('hera')}",
            "Code revision": self.code_revision,
            "Run by": self.parameters.who(),
            "Where it stands": self._standing(),
            "Started": f"{self.started:%Y-%m-%d %H:%M:%S} UTC (local offset {_local_offset(self.started)})",
            "Goal": self.plan.goal,
            "This run": self._intention(),
        }
        evidence = {
            "notebook": self.notebook,
            "parameters": self.parameters.model_dump(mode="json"),
            "target": self.target.model_dump(mode="json"),
            "rollout": self.rollout,
            "code_revision": "" if self.code_revision == UNKNOWN_CODE else self.code_revision,
            "run": self.keeping.run.id if self.keeping else "",
            "attempt": self.keeping.run.facts.attempts if self.keeping else 1,
            "operator": self.parameters.who(),
            "started": self.started.isoformat(),
            "versions": {"kubernetes": self.cluster.version, "hera": version("hera"),
                         "hera-rollout-kit": version("hera-rollout-kit")},
            "criteria": [criterion.words for criterion in self.plan.criteria],
        }  # fmt: skip
        display.header(f"{self.plan.name}: {self.plan.title}", facts, kind="begin", evidence=evidence)
        for sentence in self.keeping.found if self.keeping else []:
            again = " What the attempt before had done is done again." if self.resumed else ""
            display.note(f"The flag was changed by hand: {sentence}{again}", kind="drift")

    def _standing(self) -> str:
        """Where the rollout is: from the state this run holds, or, in a dry run, as it can be read."""
        if self.keeping:
            return self.keeping.resumed_sentence() or f"a new run of this phase ({self.keeping.run.id})"
        try:
            at = state.State.load(self.cluster).facts.rollout
            held = state.holder(self.cluster)
        except RolloutError as error:
            return f"not known: {error.seen}"
        where = f"rollout {at.id} is at {at.phase} since {at.since:%Y-%m-%d %H:%M} UTC" if at else "nothing began yet"
        return where + (f"; {held.holder} is at work on it" if held else "")

    def _intention(self) -> str:
        """What this run will and will not change."""
        if self.dry_run:
            return "DRY RUN: looks and shows the patch, changes nothing, creates nothing, ends in HOLD"
        settings, target = self.target.flag, self.target
        turns = {
            "env": f"sets {settings.env} on deployment/{target.deployment} (its pods restart)",
            "configmap": f"sets configmap/{settings.configmap} (no pod restarts)",
            "manual": f"asks for {settings.env} to be set by hand",
        }[settings.medium]
        return (
            f"LIVE: {turns} and creates test workflows in {target.namespace}; "
            f"{self.plan.also or 'changes nothing else'}"
        )

    @contextmanager
    def step(self, title: str, *, minutes: float = 1) -> Iterator[None]:
        """One cell's worth of work: numbered, timed, in the record also when it fails.

        Args:
            title: what the step does.
            minutes: how long it usually takes.

        Raises:
            Refused: this run lost its lease, so somebody else may be at work.
        """
        if self.keeping:
            self.keeping.hold.check()
        self._steps += 1
        number, began, clock = self._steps, datetime.now(UTC), monotonic()
        evidence = {"number": number, "title": title, "minutes": minutes, "began": began.isoformat()}
        try:
            yield
        except BaseException as error:
            evidence |= {"seconds": round(monotonic() - clock, 3), "ended": "failed"} | error_evidence(error)
            evidence |= {"changed": list(self.changed)}
            display.note(f"✗ step {number} · {title}: broke off after {monotonic() - clock:.1f} s", kind="step",
                         evidence=evidence)  # fmt: skip
            raise
        seconds = monotonic() - clock
        evidence |= {"seconds": round(seconds, 3), "ended": "done", "changed": list(self.changed)}
        display.note(f"step {number} · {title}: done in {seconds:.1f} s (planned {minutes:g} min)", kind="step",
                     evidence=evidence)  # fmt: skip

    def enter(self, check: Check) -> Check:
        """Enter one check into the record without showing it; a check made again replaces the first."""
        entered = replace(check, criterion=check.criterion or criterion_of(self.plan, check.name))
        self.checks[entered.name] = entered
        return entered

    def check(self, check: Check) -> Check:
        """Enter one check into the record and show it: a line for PASS, the whole reason otherwise."""
        entered = self.enter(check)
        _, *rest = entered.sentence().splitlines()
        display.banner(
            entered.verdict, entered.name, [entered.seen, *rest], kind="check", evidence={"check": entered.as_dict()}
        )
        return entered

    def stop_on_fail(self, why: str) -> None:
        """End the run here if any check says FAIL.

        Raises:
            PhaseFailed: with every failed check in its text.
        """
        self._stop(Verdict.FAIL, PhaseFailed, why)

    def stop_on_hold(self, why: str) -> None:
        """End the run here if any check says HOLD: what comes after would rest on it.

        Raises:
            PhaseOnHold: with every such check in its text.
            PhaseFailed: another check says FAIL, which no waiting mends: that is the verdict.
        """
        if any(check.verdict is Verdict.HOLD for check in self.checks.values()):
            self.stop_on_fail(why)
        self._stop(Verdict.HOLD, PhaseOnHold, why)

    def _stop(self, verdict: Verdict, kind: type[PhaseFailed | PhaseOnHold], why: str) -> None:
        deciding = [check for check in self.checks.values() if check.verdict is verdict]
        if deciding:
            self._conclusion(verdict)
            raise kind(_summary(deciding) + f"\n{why}")

    def _complete(self) -> None:
        """Add what is missing for a verdict: criteria that nothing judged, and the dry run itself."""
        if self.dry_run:
            self.check(
                judge(
                    name=DRY_RUN,
                    rule=rules.withheld,
                    evidence={"dry_run": True},
                    seen="dry_run=True: nothing was changed and nothing was created",
                    expected="a live run",
                    why="A dry run cannot prove anything about Hera.",
                    todo="Read the patch above, then run again with dry_run=False (papermill: -p dry_run False).",
                )
            )
            return
        if cells := sources.unshipped_cells(self.notebook):
            self.check(_unshipped(self.notebook, cells))
        if self.keeping and self.keeping.state.facts.flags and self.plan.flag_stays:
            self.enter(untouched(self.keeping))
        for criterion, missing in unjudged(self.plan, set(self.checks)):
            self.check(
                judge(
                    name=f"unjudged: {criterion.words}",
                    rule=rules.withheld,
                    evidence={"missing": missing},
                    criterion=criterion.words,
                    seen=f"never checked in this run: {', '.join(missing)}",
                    expected="every check of the criterion made",
                    why="A cell that did not run proves nothing.",
                    todo="Run the notebook from its first cell, without skipping cells.",
                )
            )

    def _conclusion(self, verdict: Verdict) -> None:
        """Show every check and the banner of the whole phase."""
        display.table(display.checks_frame(self.checks.values()), "What the verdict rests on", command="")
        counts = {word: sum(c.verdict is word for c in self.checks.values()) for word in Verdict}
        summary = ", ".join(f"{count} {word.value}" for word, count in counts.items())
        undecided = [c for c in self.checks.values() if c.verdict is verdict and verdict is not Verdict.PASS]
        then = following(self.plan, taken_back=self.parameters.rollback and not self.dry_run)
        comes = then if verdict is Verdict.PASS else undecided[0].todo if undecided else ""
        if verdict is Verdict.FAIL:
            comes = f"{self._left_on()} {comes}".strip()
        evidence = {"verdict": verdict.value, "next": comes, "ended": datetime.now(UTC).isoformat(),
                    "checks": [c.as_dict() for c in self.checks.values()],
                    "executed": sources.executed_cells()}  # fmt: skip
        title = f"{self.plan.name} of rollout {self.rollout} on {self.target.name}{self.remark and ': '}{self.remark}"
        display.banner(verdict, title, [f"{summary} of {len(self.checks)} checks.", f"Next: {comes}"],
                       large=True, kind="conclude", evidence=evidence)  # fmt: skip
        if self.keeping and self.plan.goes_on and verdict is Verdict.HOLD:
            self.keeping.pause()
        elif self.keeping:
            self.keeping.conclude(verdict.value)

    def _left_on(self) -> str:
        """Where a canary or production that says FAIL has the flag on, by what the kit last noted; else empty."""
        flags = self.keeping.state.facts.flags if self.keeping and self.notebook in state.GUARDED else ()
        if not flags or not flags[-1].enabled:
            return ""
        return (f"By the rollout's state the flag is on for {flags[-1].percent:g} %; to turn it off: hera-rollout "
                f"rollback --target {self.parameters.target} --yes.")  # fmt: skip

    async def approved(self, *, rung: float | None = None, what: str = "") -> approvals.Approval:
        """Ask for an approval of a rung, or of something else: the state, the parameter's file, then the buttons.

        Returns:
            Who approved, and why.

        Raises:
            PhaseOnHold: nobody approved it, or somebody declined; the text has the command that approves.
            Refused: what the parameter names cannot be read.
        """
        given = self.parameters.model_dump()
        source, keeping = str(given.get("approval") or ""), self.keeping
        wanted = approvals.Wanted(
            rollout=self.rollout, phase=self.notebook, operator=self.parameters.who(), rung=rung, what=what,
            code_revision="" if self.code_revision == UNKNOWN_CODE else self.code_revision,
            second_person=bool(given.get("second_person")), since=keeping.approvals_from if keeping else None,
            file=source if source.endswith((".toml", ".json")) else "",
        )  # fmt: skip
        decision = await approvals.obtained(wanted, source=source, state=keeping.state if keeping else None)
        self.check(decision.check)
        if not decision.approved or decision.approval is None:
            self.stop_on_hold("It was not approved, so it was not done; nothing was changed by this cell.")
            raise AssertionError("a decision that is no approval must say HOLD")
        return decision.approval

    def keep(self, key: str, result: Any) -> None:
        """Keep plain JSON data under the key for the next attempt, in place of what is there."""
        if self.keeping:
            self.keeping.keep(key, result)

    def conclude(self) -> None:
        """Give the verdict of the phase. Whoever reads it, papermill, CI or a person, sees the same one.

        Raises:
            PhaseFailed: a check says FAIL.
            PhaseOnHold: none says FAIL, but one says HOLD; a dry run always does.
        """
        self._complete()
        verdict = worst(check.verdict for check in self.checks.values())
        self._conclusion(verdict)
        if verdict is Verdict.PASS:
            return
        kind = PhaseFailed if verdict is Verdict.FAIL else PhaseOnHold
        raise kind(_summary([check for check in self.checks.values() if check.verdict is verdict]))


def _code_revision(connections: Connections) -> str:
    """What the pods say they run; several during a rollout. A backend that is down is the preflight's to name."""
    try:
        said = flag.report(connections.cluster, connections.backend)["code_revision"]
    except RolloutError:
        return UNKNOWN_CODE
    return ", ".join(sorted({str(one) for one in said if one})) or UNKNOWN_CODE


def _unshipped(notebook: str, cells: list[str]) -> Check:
    """HOLD for code that is not the shipped notebook's: the record would say so, and this screen must not say PASS."""
    more = f"; and {len(cells) - 3} more" if len(cells) > 3 else ""  # noqa: PLR2004
    return judge(
        name=SOURCE, rule=rules.withheld, evidence={"cells": cells}, seen="; ".join(cells[:3]) + more,
        expected=f"only the code cells of the shipped {notebook}.ipynb", limit_source="kit",
        why="A verdict is as good as the code that came to it.", todo=sources.todo(notebook),
    )  # fmt: skip


def _summary(checks: list[Check]) -> str:
    """The deciding checks: their names in the first line, then each in full."""
    head = f"{len(checks)} checks say {checks[0].verdict.value}: {', '.join(check.name for check in checks)}"
    return "\n\n".join([head, *(check.sentence() for check in checks)])


def error_evidence(error: BaseException) -> dict[str, Any]:
    """An error as plain data for the record."""
    fields = {"error": type(error).__name__, "seen": str(error)[:2000]}
    if isinstance(error, RolloutError):
        fields |= {"seen": error.seen, "expected": error.expected, "why": error.why, "todo": error.todo}
    return fields
