"""The lab's bridge and what is left of a cluster's network when it goes: links, namespaces, chains."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from rollout_lab import chains, sysctls
from rollout_lab.addresses import BRIDGE, NODE_ADDRESS, POD_RANGE
from rollout_lab.commands import run
from rollout_lab.errors import LabError
from rollout_lab.paths import Paths

HARDWARE_ADDRESS = (
    "02:6c:61:62:00:01"  # marks the bridge as ours from its first moment, and keeps it from changing with its ports
)
PREFIX = POD_RANGE.rpartition("/")[2]


def ensure(paths: Paths) -> None:
    """Make the bridge with its address, so that servers can bind to it before the first pod."""
    sysctls.remember(paths.runtime / "sysctls.json")
    chains.remember(paths.runtime / "tables.json")
    for module in ("overlay", "br_netfilter"):
        if shutil.which("modprobe"):
            run(["modprobe", "-q", module], check=False)
    sysctls.apply()
    if _find_bridge() is None:
        _refuse_overlap()
        run(["ip", "link", "add", BRIDGE, "address", HARDWARE_ADDRESS, "type", "bridge"])
    run(["ip", "address", "replace", f"{NODE_ADDRESS}/{PREFIX}", "dev", BRIDGE])
    run(["ip", "link", "set", BRIDGE, "up"])


def _find_bridge() -> dict[str, object] | None:
    """The lab's bridge; one of somebody else's under that name is refused."""
    links = json.loads(run(["ip", "-json", "link", "show", "type", "bridge"]).stdout or "[]")
    for link in links:
        if link.get("ifname") == BRIDGE:
            if link.get("address") != HARDWARE_ADDRESS:
                raise LabError(
                    f"A bridge {BRIDGE} is there that is not the lab's: another Kubernetes runs or ran here. "
                    f"Stop it and remove the bridge (ip link delete {BRIDGE}), then run `rollout-lab up` again."
                )
            return dict(link)
    return None


def _refuse_overlap() -> None:
    routes = run(["ip", "route", "show", "root", POD_RANGE]).stdout.strip()
    if routes:
        raise LabError(
            f"The lab's pod range {POD_RANGE} is already routed here ({routes.splitlines()[0]}). "
            "Disconnect that network, then run `rollout-lab up` again."
        )


def remove(paths: Paths) -> None:
    """Remove links, network namespaces, address files and chains, and put the kernel settings back."""
    for file in (Path("/var/run/netns")).glob("cni-*"):
        run(["umount", "-l", file], check=False)
        file.unlink(missing_ok=True)
    if _find_bridge() is not None:
        for name in _ports():
            run(["ip", "link", "delete", name], check=False)
        run(["ip", "link", "delete", BRIDGE])
    shutil.rmtree(paths.state / "cni" / "networks", ignore_errors=True)
    chains.remove(paths.runtime / "tables.json")
    sysctls.restore(paths.runtime / "sysctls.json")


def _ports() -> Iterable[str]:
    links = json.loads(run(["ip", "-json", "link", "show", "master", BRIDGE], check=False).stdout or "[]")
    return [str(link["ifname"]) for link in links]
