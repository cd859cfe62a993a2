"""Debian packages: installed once, with no service of theirs started and nothing of the distribution's touched."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from rollout_lab.commands import explain, run
from rollout_lab.progress import Step
from rollout_lab.versions import DEBIAN_PACKAGES

POLICY = Path("/usr/sbin/policy-rc.d")
ASIDE = Path("/usr/sbin/policy-rc.d.before-rollout-lab")
ABSENT = Path("/usr/sbin/policy-rc.d.absent-before-rollout-lab")
DENY = "#!/bin/sh\n# rollout-lab: no service starts while its packages are installed; put back afterwards\nexit 101\n"
APT = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}


def missing_packages(names: tuple[str, ...] = DEBIAN_PACKAGES) -> list[str]:
    """Those of the packages that are not installed."""
    query = run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names], check=False)
    installed = {line.split()[0] for line in query.stdout.splitlines() if line.endswith(" installed")}
    return [name for name in names if name not in installed]


@contextlib.contextmanager
def services_denied(policy: Path = POLICY, aside: Path = ASIDE, absent: Path = ABSENT) -> Iterator[None]:
    """Forbid service starts for the block; what was there before comes back, also after a cut-off run."""
    restore_policy(policy, aside, absent)
    if policy.exists() or policy.is_symlink():
        policy.rename(aside)
    else:
        absent.touch()
    try:
        policy.write_text(DENY)
        policy.chmod(0o755)
        yield
    finally:
        restore_policy(policy, aside, absent)


def restore_policy(policy: Path = POLICY, aside: Path = ASIDE, absent: Path = ABSENT) -> None:
    """Put the policy file back as it was found."""
    if aside.exists() or aside.is_symlink():
        aside.replace(policy)
    elif absent.exists():
        policy.unlink(missing_ok=True)
    absent.unlink(missing_ok=True)


def ensure_packages(step: Step) -> None:
    """Install what is missing; a second call does nothing."""
    missing = missing_packages()
    if not missing:
        step.outcome = "all installed"
        return
    step.detail = "reading package lists"
    run(["apt-get", "update", "-q"], env=APT, timeout=300, check=False)
    step.detail = f"installing {' '.join(missing)}"
    keep_old = ["-o", "Dpkg::Options::=--force-confold", "-o", "DPkg::Lock::Timeout=120"]
    with services_denied(), _no_default_cluster():
        done = run(
            ["apt-get", "install", "-q", "-y", "--no-install-recommends", *keep_old, *missing],
            env=APT,
            timeout=1200,
            check=False,
        )
    if still := missing_packages():
        raise explain(
            done,
            f"apt could not install {' '.join(still)}, packages of Debian 12 that the lab needs",
            "Run `apt-get update`, see that the mirror answers, then `rollout-lab build` again.",
        )


@contextlib.contextmanager
def _no_default_cluster() -> Iterator[None]:
    """Keep Debian's PostgreSQL package from making a cluster of its own, where it would be new."""
    drop_in = Path("/etc/postgresql-common/createcluster.d/rollout-lab.conf")
    new = not Path("/etc/postgresql").exists()
    if new:
        drop_in.parent.mkdir(parents=True, exist_ok=True)
        drop_in.write_text("create_main_cluster = false\n")
    try:
        yield
    finally:
        drop_in.unlink(missing_ok=True)


def mirror(suite: str) -> str | None:
    """The mirror this machine already uses for the suite; None lets debootstrap take its own default."""
    query = ["apt-get", "indextargets", "--format", "$(REPO_URI)", f"Codename: {suite}", "Created-By: Packages"]
    addresses = run(query, check=False).stdout.split()
    return addresses[0] if addresses else None
