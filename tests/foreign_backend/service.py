"""A backend that somebody else wrote, and that knows nothing of the kit: what a stranger's service may be like.

Two-step dialect; no `/healthz`, no `/api/v1/flag`, no label on its workflows, names left to Kubernetes (generateName);
tasks are in memory; workflows are made through the Kubernetes API. The flag is read once, when this file is imported,
and a Hera that does not import is a warning: YAML runs then, and every answer is 200.

Environment: USE_HERA_SDK, KUBECONFIG, CONTEXT (without it the pod's own account), ARGO_NAMESPACE, WORKFLOW_IMAGE, HOST,
PORT; BROKEN_HERA: Hera does not import.
"""

import base64
import os
import sys
import tempfile
import uuid
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

import requests
import uvicorn
import yaml
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

HERA = os.environ.get("USE_HERA_SDK", "false").lower() == "true"
if HERA:
    try:
        if os.environ.get("BROKEN_HERA"):
            raise ImportError("cannot import name 'Workflow' from 'hera.workflows'")
        from hera.workflows import Container, Script, Workflow
    except ImportError as error:
        print(f"Warning: Hera is not available, using YAML: {error}", file=sys.stderr)
        HERA = False

NAMESPACE = os.environ.get("ARGO_NAMESPACE", "argo")
IMAGE = os.environ.get("WORKFLOW_IMAGE", "python:3.11-slim")
COMMON = {"entrypoint": "main", "serviceAccountName": "workflow"}
ENDED = {"Succeeded", "Failed", "Error"}
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def place():
    """The API server, a token, and the certificate it is known by."""
    if not (context := os.environ.get("CONTEXT")):
        return "https://kubernetes.default.svc", (ACCOUNT / "token").read_text(), str(ACCOUNT / "ca.crt")
    known = yaml.safe_load(Path(os.environ["KUBECONFIG"]).read_text())
    named = {kind: {one["name"]: one[kind] for one in known[f"{kind}s"]} for kind in ("context", "cluster", "user")}
    cluster = named["cluster"][named["context"][context]["cluster"]]
    return cluster["server"], named["user"][named["context"][context]["user"]]["token"], authority(cluster)


def authority(cluster):
    """Its certificate as a file."""
    if "certificate-authority" in cluster:
        return cluster["certificate-authority"]
    with tempfile.NamedTemporaryFile("wb", suffix=".crt", delete=False) as kept:
        kept.write(base64.b64decode(cluster["certificate-authority-data"]))
    return kept.name


SERVER, TOKEN, CERTIFICATE = place()
WORKFLOWS = f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/workflows"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"


def kubernetes(method, path, body=None, **query):
    """One request; the answer."""
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": kind}
    return requests.request(method, f"{SERVER}{path}", json=body, params=query, headers=headers, verify=CERTIFICATE,
                            timeout=20)  # fmt: skip


def done(answer):
    """Its document; an error is this service's own."""
    answer.raise_for_status()
    return answer.json()


app = FastAPI()
tasks = {}


class Submission(BaseModel):
    """What a client submits."""

    pythonCode: str  # noqa: N815 the API's name
    dependencies: str | None = None
    requirementsFile: str | None = None  # noqa: N815 the API's name
    taskId: str | None = None  # noqa: N815 the API's name


def installing(code, packages):
    return f"python -m venv /tmp/venv && /tmp/venv/bin/pip install {packages} && /tmp/venv/bin/python -c {code!r}"


def by_yaml(code, packages):
    """The way of the templates: a named container where there are packages, a nameless one where there are none."""
    simple = {"container": {"image": IMAGE, "command": ["python", "-c"], "args": [code]}}
    script = {"script": {"name": "job", "image": IMAGE, "command": ["bash"], "source": installing(code, packages)}}
    spec = {**COMMON, "templates": [{"name": "main", **(script if packages else simple)}]}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"generateName": "python-job-"},
            "spec": spec}  # fmt: skip


def by_hera(code, packages):
    """The same by Hera; what has packages is a function of Python, which Hera opens with its prelude."""

    def install(code: str, packages: str):
        import subprocess

        subprocess.run(["pip", "install", packages], check=True)
        exec(code)

    with Workflow(generate_name="python-job-", entrypoint="main", service_account_name="workflow") as made:
        if packages:
            Script(name="main", image=IMAGE, command=["python"], source=install)
        else:
            Container(name="main", image=IMAGE, command=["python", "-c"], args=[code])
    return made.to_dict()


def found(task):
    if task not in tasks:
        raise HTTPException(HTTPStatus.NOT_FOUND, "Task not found")
    return tasks[task]


def phase(run):
    answer = kubernetes("GET", f"{WORKFLOWS}/{run['workflowId']}")
    if answer.status_code != HTTPStatus.NOT_FOUND:
        run["phase"] = (done(answer).get("status") or {}).get("phase") or "Pending"
    return run["phase"]


@app.post("/api/v1/tasks/submit")
def submit(body: Submission):
    task = body.taskId or f"task-{uuid.uuid4().hex[:12]}"
    runs = tasks.get(task, {}).get("runs", [])
    tasks[task] = {"id": task, **body.model_dump(exclude={"taskId"}), "createdAt": now(), "runs": runs}
    return {"id": task, "message": "saved"}


@app.post("/api/v1/tasks/{task}/run")
def run(task: str):
    one = found(task)
    if one["runs"] and phase(one["runs"][0]) not in ENDED:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "Task is already running")
    packages = one["dependencies"] or one["requirementsFile"] or ""
    document = (by_hera if HERA else by_yaml)(one["pythonCode"], packages)
    made = done(kubernetes("POST", WORKFLOWS, document))
    number = len(one["runs"]) + 1
    name = made["metadata"]["name"]
    one["runs"].insert(0, {"runNumber": number, "workflowId": name, "phase": "Pending", "createdAt": now()})
    return {"id": task, "workflowId": name, "runNumber": number, "message": "started"}


@app.get("/api/v1/tasks")
def listed():
    return {"tasks": [{**one, "runCount": len(one["runs"])} for one in tasks.values()]}


@app.get("/api/v1/tasks/{task}")
def shown(task: str):
    one = found(task)
    return {**one, "runs": [{**each, "phase": phase(each)} for each in one["runs"]]}


@app.get("/api/v1/tasks/{task}/logs")
def logs(task: str, run_number: int | None = None):
    chosen = [one for one in found(task)["runs"] if run_number in {None, one["runNumber"]}]
    if not chosen:
        raise HTTPException(HTTPStatus.NOT_FOUND, "Run not found")
    selector = f"workflows.argoproj.io/workflow={chosen[0]['workflowId']}"
    there = [pod["metadata"]["name"] for pod in done(kubernetes("GET", PODS, labelSelector=selector))["items"]]
    return {"logs": [entry(name) for name in there], "source": "kubernetes", "runNumber": chosen[0]["runNumber"]}


def entry(pod):
    answer = kubernetes("GET", f"{PODS}/{pod}/log", container="main", tailLines=1000)
    text = answer.text if answer.ok else ""  # not ok: the container has not begun
    return {"node": "main", "pod": pod, "phase": "", "logs": text}


@app.delete("/api/v1/tasks/{task}")
def cancel(task: str):
    stop = {"spec": {"shutdown": "Terminate"}}
    done(kubernetes("PATCH", f"{WORKFLOWS}/{found(task)['runs'][0]['workflowId']}", stop))
    return {"status": "cancelled", "id": task}


@app.delete("/api/v1/tasks/{task}/delete")
def delete(task: str):
    runs = found(task)["runs"]
    for one in runs:
        kubernetes("DELETE", f"{WORKFLOWS}/{one['workflowId']}")
    del tasks[task]
    return {"status": "deleted", "id": task, "runs_deleted": len(runs), "workflows_deleted": len(runs)}


def now():
    return datetime.now(UTC).isoformat()


if __name__ == "__main__":
    uvicorn.run(app, host=os.environ.get("HOST", "127.0.0.1"), port=int(os.environ["PORT"]), log_level="warning")
