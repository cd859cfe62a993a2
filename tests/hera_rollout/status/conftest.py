"""A rollout at 25 %, through the real state documents: as a status of its own, and behind an API server on loopback."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
import yaml

from hera_rollout.backend import provenance
from hera_rollout.canary.evidence import Rung, key
from hera_rollout.gates import Errors, Outcomes, RungShare
from hera_rollout.records import Record
from hera_rollout.rollback import observing
from hera_rollout.state import Facts, FlagSet, Holding, Rollout, RunState, processes
from hera_rollout.state.documents import encoded
from hera_rollout.state.processes import Process
from hera_rollout.status import Known, Status, reading
from hera_rollout.target import Limits

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
ROLLOUT, PHASE, RUN = "backend-2026-11", "03_canary", "03-20261128-113000"
CODE = "code-1"


class Made:
    """What the tests build their rollouts from; every moment is so many minutes before `now`."""

    rollout, phase, now = ROLLOUT, PHASE, NOW

    def ago(self, minutes):
        return self.now - timedelta(minutes=minutes)

    def rung(self, percent, began, ended=None, *, hera=(12, 0), yaml=(40, 1), errors=(0, 2), **other):
        begun = Rung.begin(float(percent), CODE, self.ago(began))
        arms = {
            path: replace(getattr(begun, path), outcomes=Outcomes(code_revision=CODE, workflows=made, failures=failed))
            for path, (made, failed) in (("hera", hera), ("yaml", yaml))
        }
        given = {"errors": Errors.between(CODE, (20, 60), errors), "ended": 0.0, **arms, **other}
        given |= {"share": RungShare(percent=percent, tasks=52, hera=13)}
        given |= {} if ended is None else {"ended": self.ago(ended).timestamp()}
        return replace(begun, **given)

    def run(self, rungs=(), **other):
        given = {"id": RUN, "began": self.ago(30), "touched": self.ago(1), "by": "ann", "attempts": 2}
        return RunState(**{**given, "steps": {key(one.percent): one.plain() for one in rungs}, **other})

    def flag_set(self, **other):
        given = {"at": self.ago(12), "by": "ann@laptop", "medium": "configmap", "enabled": True, "percent": 25.0,
                 "env": "true", "file": {"enabled": "true", "percent": "25"}, "why": "rung 25"}  # fmt: skip
        return FlagSet(**{**given, **other})

    def facts(self, **other):
        at = Rollout(id=self.rollout, phase=self.phase, rung=25.0, since=self.ago(12))
        rungs = (self.rung(10, 29, 13, hera=(50, 1), yaml=(450, 3)), self.rung(25, 12))
        given = {"rollout": at, "flags": (self.flag_set(),), "runs": {self.phase: self.run(rungs)}}
        return Facts(**{**given, **other})

    def held(self, **other):
        given = {"holder": "ann@laptop", "rollout": self.rollout, "doing": self.phase, "since": self.ago(30),
                 "renewed": self.now - timedelta(seconds=7), "seconds": 60,
                 "process": Process("elsewhere", 7, "1")}  # fmt: skip
        return Holding(**{**given, **other})

    def workflow(self, name="python-job-1", path="hera", phase="Running"):
        prelude = "import sys; sys.path.append(os.getcwd())" if path == "hera" else "print(1)"
        document = {
            "metadata": {"name": name, "uid": name, "creationTimestamp": f"{self.ago(2):%Y-%m-%dT%H:%M:%SZ}",
                         "labels": {"hera-rollout/path": path, "hera-rollout/task": "task-1"}},
            "spec": {"templates": [{"name": "main", "script": {"source": prelude}}]},
            "status": {"phase": phase, "startedAt": f"{self.ago(2):%Y-%m-%dT%H:%M:%SZ}"},
        }  # fmt: skip
        assert path == "yaml" or provenance(document).path == "hera"
        return document

    def report(self, *pods):
        columns = ["pod", "enabled", "percent", "problem"]
        return pd.DataFrame(pods or [["a", True, 25.0, ""], ["b", True, 25.0, ""]], columns=columns)

    def record(self, began="2026-11-28T11:30:00+00:00", **other):
        data = {"began": began, "rollout": self.rollout, "notebook": "drill", "verdict": "PASS",
                "target": {"name": "lab"}, "reason": "every criterion holds", "ended": began, "exit_code": 0,
                "parameters": {}, "operator": "ann", "approvals": [], "code_revision": CODE, "checks": [], "next": "",
                "seal": "0" * 64}  # fmt: skip
        return Record(Path("records/r/x"), {**data, **other})

    def status(self, facts=None, **other):
        facts = self.facts() if facts is None else facts
        given = {
            "target": "lab", "title": "Lab on this machine", "at": self.now, "cluster": Known("v1.35.4"),
            "rollout": Known(reading.standing(facts)), "evidence": Known(reading.evidence(facts, Limits())),
            "flag": Known(reading.pods(self.report())),
            "in_flight": Known(reading.flying(observing.frame([self.workflow()]))),
            "lease": Known(reading.lease(self.held(), processes.own(), self.now)), "drift": Known(()),
            "records": Known(tuple(reading.kept([self.record()], self.rollout))),
        }  # fmt: skip
        return Status(**{**given, **other})


class MadeNow(Made):
    """The same, standing now: for what is read over HTTP."""

    def __init__(self):
        self.now = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def made():
    return Made()


NAMESPACE = "/api/v1/namespaces/argo"
PATHS = {
    "rollout": f"{NAMESPACE}/configmaps/hera-rollout-backend",
    "flag": f"{NAMESPACE}/pods",
    "in_flight": "/apis/argoproj.io/v1alpha1/namespaces/argo/workflows",
    "lease": "/apis/coordination.k8s.io/v1/namespaces/argo/leases/hera-rollout-backend",
    "drift": f"{NAMESPACE}/configmaps/backend-flag",
}
"""What is asked of the API server for a part alone."""


class Place:
    """An API server, a backend and a records folder, all as told; a target that names them."""

    paths = PATHS

    def __init__(self, folder, answering, make_target):
        self.made = MadeNow()
        self.records = folder / "records"
        self.folder = folder
        self._answering, self._make_target = answering, make_target
        self.answers = {path: (200, json.dumps(document)) for path, document in self._documents().items()}
        self.keep(self.made.record())

    def keep(self, record):
        place = self.records / record.data["rollout"] / f"2026-{record.data['notebook']}-{record.data['verdict']}"
        place.mkdir(parents=True)
        (place / "record.json").write_text(json.dumps(record.data))

    def remember(self, facts):
        document = {"metadata": {"resourceVersion": "7"}, "data": encoded(facts)}
        self.answers[PATHS["rollout"]] = (200, json.dumps(document))

    def target(self, url=None, **other):
        """The target; `url` in place of its API server's."""
        return self._make_target(kubeconfig=str(self._kubeconfig(url or self._answering(self.answers))), **other)

    def file(self, url=None, patience=1):
        """The same target as a file, for the command; `patience` is its request timeout."""
        config = self._kubeconfig(url or self._answering(self.answers))
        path = self.folder / "there.toml"
        path.write_text(
            f'kubeconfig = "{config}"\nbackend_url = "http://127.0.0.1:9"\nargo_url = "http://127.0.0.1:9"\n'
            f"[limits]\nrequest_timeout_seconds = {patience}\n"
        )
        return str(path)

    def _kubeconfig(self, url):
        path = self.folder / "kubeconfig"
        content = {
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "clusters": [{"name": "c", "cluster": {"server": url}}], "users": [{"name": "u", "user": {}}],
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        }  # fmt: skip
        path.write_text(yaml.safe_dump(content))
        return path

    def _documents(self):
        ready = {"conditions": [{"type": "Ready", "status": "True"}]}
        alike = {"spec": {"containers": [{"name": "backend"}]}, "status": ready}
        pods = [{"metadata": {"name": name}, **alike} for name in ("pod-a", "pod-b")]
        container = {"name": "backend", "image": "x", "env": [{"name": "USE_HERA_SDK", "value": "true"}]}
        said = {"enabled": True, "percent": 25}
        return {
            "/version": {"gitVersion": "v1.35.4"},
            PATHS["rollout"]: {"metadata": {"resourceVersion": "7"}, "data": encoded(self.made.facts())},
            PATHS["lease"]: self.made.held().document("hera-rollout-backend", "argo"),
            PATHS["in_flight"]: {"items": [self.made.workflow(), self.made.workflow("python-job-2", "yaml")]},
            PATHS["drift"]: {"metadata": {}, "data": {"enabled": "true", "percent": "25"}},
            PATHS["flag"]: {"items": pods},
            **{f"{PATHS['flag']}/{name}:8000/proxy/api/v1/flag": said for name in ("pod-a", "pod-b")},
            "/apis/apps/v1/namespaces/argo/deployments/backend": {
                "metadata": {"name": "backend"},
                "spec": {"selector": {"matchLabels": {"app": "backend"}},
                         "template": {"spec": {"containers": [container]}}},
            },
        }  # fmt: skip


@pytest.fixture
def place(tmp_path, answering, make_target):
    return Place(tmp_path, answering, make_target)
