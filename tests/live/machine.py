"""A picture of this machine, to compare before and after a lab."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from rollout_lab import cgroups, traces

# Counters and what other processes change all the time.
VOLATILE = re.compile(
    r"random|entropy|nr_|-nr|inode|dentry|_count|uuid|ns_last_pid|sched_|perf_|quota\.|max_newidle|somaxconn_|"
    r"\.neigh\.|net\.ipv[46]\.conf\.(cni0|veth)"
)


@dataclass(frozen=True)
class Machine:
    """What a lab could leave behind."""

    processes: frozenset[str]
    mounts: frozenset[str]
    namespaces: frozenset[str]
    links: frozenset[str]
    chains: frozenset[str]
    tables: frozenset[str]
    groups: frozenset[str]
    settings: frozenset[str]
    listeners: frozenset[str]
    folders: frozenset[str]

    @classmethod
    def now(cls) -> Machine:
        """Take the picture."""
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
        return cls(
            processes=frozenset(_lab_processes()),
            mounts=frozenset(line.split()[4] for line in mounts),
            namespaces=frozenset(_lines("lsns", "-n", "-t", "net", "-o", "NS") + _names(Path("/run/netns"))),
            links=frozenset(line.split()[0] for line in _lines("ip", "-brief", "link")),
            chains=frozenset(_chains("iptables") + _chains("ip6tables")),
            tables=frozenset(_lines("nft", "list", "tables")),
            groups=frozenset(str(folder) for folder in cgroups.groups()),
            settings=frozenset(line for line in _lines("sysctl", "-a") if not VOLATILE.search(line.partition("=")[0])),
            listeners=frozenset(listeners()),
            folders=frozenset(name for name in [*traces.FIXED, "/run/rollout-lab"] if Path(name).exists()),
        )


def _lines(*command: str) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False).stdout.splitlines()


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()] if folder.exists() else []


def _chains(family: str) -> list[str]:
    saved = _lines(f"{family}-save")
    return [f"{family} {line.partition(' [')[0]}" for line in saved if line.startswith((":", "-A"))]


def _lab_processes() -> list[str]:
    """Command lines of programs a lab is made of, whoever started them; zombies have none."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        name = Path(words[0]).name
        programs = (
            "kube",
            "etcd",
            "containerd",
            "argo",
            "workflow-controller",
            "postgres",
            "prometheus",
            "pause",
            "dns",
        )
        if name.startswith(programs) or "rollout_lab.discovery" in words:
            found.append(" ".join(words))
    return found


def listeners() -> list[str]:
    """Local addresses somebody listens on in the host's network namespace, TCP and UDP."""
    lines = _lines("ss", "-Hlntu")
    return [f"{words[0]} {words[4]}" for words in (line.split() for line in lines)]
