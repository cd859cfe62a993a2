"""Submitting: a row first, then one workflow by Hera."""

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import yaml

from reference_backend import defects, hera_path
from reference_backend.argo import ArgoClient
from reference_backend.errors import ArgoAnswerLost, BackendError, Conflict, Unavailable
from reference_backend.faults import Faults
from reference_backend.job import Job, PathName
from reference_backend.kube import KubeClient
from reference_backend.metrics import CREATION_SECONDS, CREATIONS
from reference_backend.placing import NameTaken, place
from reference_backend.rows import Reserved, Rows
from reference_backend.schemas import Submission
from reference_backend.settings import Settings

log = logging.getLogger(__name__)
ATTEMPTS = 3


class Submitter:
    """Creates the workflows of runs."""

    def __init__(
        self,
        settings: Settings,
        *,
        rows: Rows,
        argo: ArgoClient,
        kube: KubeClient,
        faults: Faults,
        code: str,
    ) -> None:
        self._settings = settings
        self._rows = rows
        self._argo = argo
        self._kube = kube
        self._faults = faults
        self._code = code

    def submit(self, body: Submission, key: str | None) -> tuple[Job, PathName]:
        """A run of a new or a named task, in one step."""
        self._kube.require_bound_claim()
        return self._create(self._rows.reserve(body, key))

    def run(self, task_id: str, key: str | None) -> tuple[Job, PathName]:
        """A run of a saved task."""
        self._kube.require_bound_claim()
        return self._create(self._rows.reserve_when_idle(task_id, key))

    def _create(self, reserved: Reserved) -> tuple[Job, PathName]:
        job = replace(reserved.job, code_revision=self._code)
        path: PathName = "hera"
        reserved = replace(reserved, job=job)
        started = time.monotonic()
        try:
            reserved = self._create_by(reserved)
        except Exception as error:
            CREATIONS.labels(path, "error").inc()
            self._settle(reserved, error)
            raise
        finally:
            CREATION_SECONDS.labels(path).observe(time.monotonic() - started)
        CREATIONS.labels(path, "created").inc()
        log.info("created %s by %s", reserved.job.name, path)
        return reserved.job, path

    def _create_by(self, reserved: Reserved) -> Reserved:
        for _ in range(ATTEMPTS):
            try:
                self._by_hera(reserved)
            except NameTaken as error:
                log.warning("%s: trying the next attempt's name", error)
                reserved = self._rows.rename(reserved)
            else:
                return reserved
        raise Unavailable(f"No free workflow name for run {reserved.job.run_number} of {reserved.job.task_id}")

    def _by_hera(self, reserved: Reserved) -> None:
        workflow = hera_path.build(reserved.job, self._settings)
        defects.hera_workflow(self._faults, workflow, reserved.job)
        self._note(reserved, "hera", workflow.to_dict())
        defects.before_hera_create(self._faults)
        started = time.monotonic()
        session = self._argo.session
        uid = place(self._argo, reserved.job, lambda: hera_path.create(workflow, self._settings, session))
        defects.after_hera_create(self._faults, time.monotonic() - started)
        self._placed(reserved, uid)

    def _placed(self, reserved: Reserved, uid: str) -> None:
        try:
            known = self._rows.created(reserved.run_id, uid)
        except BackendError as error:
            # The row names the workflow already; the next refresh brings the uid.
            log.warning("%s is created, its uid could not be noted: %s", reserved.job.name, error)
            return
        if not known:
            self._argo.delete(reserved.job.name)
            raise Conflict(f"{reserved.job.task_id} was deleted while its run was being created")

    def _note(self, reserved: Reserved, path: PathName, document: Mapping[str, Any]) -> None:
        self._rows.built(reserved.run_id, path, yaml.safe_dump(document, sort_keys=False, allow_unicode=True))

    def _settle(self, reserved: Reserved, error: Exception) -> None:
        """After an error: forget the run if it certainly has no workflow, keep it if it may have one."""
        if isinstance(error, ArgoAnswerLost):
            log.error("%s of %s is kept: its workflow may exist", reserved.job.name, reserved.job.task_id)
            return
        try:
            known = isinstance(error, BackendError) or defects.orphaning(self._faults)
            if known or self._argo.get(reserved.job.name) is None:
                self._rows.discard(reserved)
        except BackendError as second:
            log.error("%s stays in the database as it is: %s", reserved.job.name, second)
