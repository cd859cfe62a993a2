"""The old path: workflows from hand-written YAML templates, filled in and posted as they are."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from reference_backend.argo import ArgoClient
from reference_backend.job import Job
from reference_backend.settings import Settings

TEMPLATES = Path(__file__).parent / "templates"
PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


def build(job: Job, settings: Settings) -> dict[str, Any]:
    """The workflow's document."""
    template = TEMPLATES / ("packages.yaml" if job.needs_packages else "simple.yaml")
    document: dict[str, Any] = _fill(yaml.safe_load(template.read_text("utf-8")), _values(job, settings))
    document["metadata"]["labels"] = job.labels("yaml")
    document["metadata"]["annotations"] = job.annotations()
    if settings.workflow_suspend:
        document["spec"]["suspend"] = True
    return document


def create(document: Mapping[str, Any], argo: ArgoClient) -> str:
    """Create it and answer its uid."""
    return argo.create(document).uid


def _values(job: Job, settings: Settings) -> Mapping[str, str]:
    return {
        "name": job.name,
        "namespace": settings.argo_namespace,
        "service_account": settings.workflow_service_account,
        "mutex": job.mutex,
        "claim": settings.results_pvc,
        "image": settings.workflow_image,
        "python_code": job.python_code,
        "dependencies": job.dependencies or "",
        "requirements": job.requirements_file or "",
    }


def _fill(node: Any, values: Mapping[str, str]) -> Any:
    """Fill placeholders in the parsed tree, so that no value can break out of its place."""
    if isinstance(node, dict):
        return {key: _fill(value, values) for key, value in node.items()}
    if isinstance(node, list):
        return [_fill(value, values) for value in node]
    if isinstance(node, str) and (match := PLACEHOLDER.fullmatch(node)):
        return values[match[1]]
    return node
