"""One run's work, before any path turns it into a workflow."""

import hashlib
import json
from dataclasses import dataclass
from typing import Literal

PathName = Literal["hera"]
PREFIX = "hera-rollout/"
RESULTS_DIR = "/mnt/results"


@dataclass(frozen=True)
class Job:
    """What to run and for whom; both paths build the same workflow from it."""

    task_id: str
    run_number: int
    python_code: str
    dependencies: str | None = None
    requirements_file: str | None = None
    attempt: int = 1
    code_revision: str = ""

    @property
    def name(self) -> str:
        """The workflow's name, ours to choose: a lost answer can be looked up by it."""
        return f"python-job-{self.task_id}-{self.run_number}-{self.attempt}"

    @property
    def needs_packages(self) -> bool:
        """Whether packages are to be installed before the code runs."""
        return bool(self.dependencies or self.requirements_file)

    @property
    def mutex(self) -> str:
        """The lock that keeps the runs of one task apart: they share files in the results folder."""
        return f"results-{self.task_id}"

    @property
    def content(self) -> str:
        """A digest of the work, by which a workflow that is already there is recognised as ours."""
        work = [self.task_id, self.run_number, self.python_code, self.dependencies, self.requirements_file]
        return hashlib.sha256(json.dumps(work).encode()).hexdigest()[:32]

    def labels(self, path: PathName) -> dict[str, str]:
        """Labels of the workflow."""
        return {PREFIX + "path": path, PREFIX + "task": self.task_id, PREFIX + "run": str(self.run_number)}

    def annotations(self) -> dict[str, str]:
        """Annotations of the workflow."""
        return {
            PREFIX + "code-revision": self.code_revision,
            PREFIX + "content": self.content,
        }
