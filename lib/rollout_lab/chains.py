"""Chains and tables of iptables: those of kube-proxy, kubelet and CNI go, and nothing else."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path

from rollout_lab.commands import run

FAMILIES = ("iptables", "ip6tables")
OWN = ("KUBE-", "CNI-")
TABLES = ("filter", "nat", "mangle", "raw")


def remember(file: Path) -> None:
    """Write down, once, which tables there are: iptables makes those it needs and leaves them empty."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(tables()))


def remove(file: Path) -> None:
    """Remove our chains, every rule that leads to one, and empty tables that were not there before."""
    for family in FAMILIES:
        if shutil.which(family):
            removal = removal_script(run([f"{family}-save"], timeout=30).stdout)
            if removal:
                run([f"{family}-restore", "--noflush", "--wait", "10"], stdin=removal, timeout=60)
    if file.exists():
        before = json.loads(file.read_text())
        for family, table in tables():
            if [family, table] not in before and table in TABLES and _is_empty(family, table):
                run(["nft", "delete", "table", family, table])
        file.unlink()


def tables() -> list[list[str]]:
    """Family and name of every table, where nft is there to tell."""
    if not shutil.which("nft"):
        return []
    found = json.loads(run(["nft", "-j", "list", "tables"], check=False).stdout or '{"nftables": []}')
    return [[one["table"]["family"], one["table"]["name"]] for one in found["nftables"] if "table" in one]


def _is_empty(family: str, table: str) -> bool:
    """Whether a table has only the built-in chains, without a rule and letting all pass."""
    content = json.loads(run(["nft", "-j", "list", "table", family, table]).stdout)["nftables"]
    chains = [one["chain"] for one in content if "chain" in one]
    return not any("rule" in one for one in content) and all(chain.get("policy") == "accept" for chain in chains)


def removal_script(saved: str) -> str:
    """Turn an iptables-save into an iptables-restore input that removes our chains and nothing else."""
    lines: list[str] = []
    for table in saved.split("*")[1:]:
        part = _table_removal(table.splitlines())
        if part:
            lines += [f"*{table.splitlines()[0].strip()}", *part, "COMMIT"]
    return "\n".join(lines) + "\n" if lines else ""


def _table_removal(lines: list[str]) -> list[str]:
    chains = [line[1:].split()[0] for line in lines if line.startswith(":")]
    own = [chain for chain in chains if chain.startswith(OWN)]
    rules = [line for line in lines if line.startswith("-A ")]
    foreign = [rule for rule in rules if not rule.split()[1].startswith(OWN)]
    leading = [rule for rule in foreign if _target(rule).startswith(OWN)]
    return [
        *(f"-D {rule[3:]}" for rule in leading),
        *(f"-F {chain}" for chain in own),
        *(f"-X {chain}" for chain in own),
    ]


def _target(rule: str) -> str:
    words = rule.split()
    return next((after for word, after in itertools.pairwise(words) if word in ("-j", "-g")), "")
