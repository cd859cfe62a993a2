"""The lab as Python code: what the command line does, and what tests use."""

from __future__ import annotations

import signal
from pathlib import Path

from rollout_lab import (
    backend,
    booting,
    building,
    checkout,
    cluster,
    inventory,
    kit,
    locking,
    own_images,
    preflight,
    probing,
    runtime,
    service_repository,
    status,
    stopping,
    tenants,
)
from rollout_lab.api import Api
from rollout_lab.errors import LabError
from rollout_lab.paths import Paths
from rollout_lab.roster import Roster
from rollout_lab.status import Line
from rollout_lab.supervision import Supervisor
from rollout_lab.timeline import Timeline

LOCK = Path("/run/lock/rollout-lab.lock")


class Lab:
    """One lab on this machine.

    Args:
        paths: its folders; by default from the environment.
        project: the checkout the backend comes from; by default found from the current folder upward.
    """

    def __init__(self, paths: Paths | None = None, project: Path | None = None) -> None:
        self.paths = paths or Paths.from_environment()
        self.project = project or checkout.find(Path.cwd())

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig for people and the kit: contexts `lab` (operator) and `lab-admin`."""
        return preflight.running_paths(self.paths).kubeconfig

    @property
    def notices(self) -> Path:
        """The file of the notices that the lab's receiver took."""
        return preflight.running_paths(self.paths).notices

    def build(self) -> None:
        """Build what is missing; nothing when all is there."""
        preflight.require_linux_root()
        preflight.require_debian()
        with locking.exclusive(self.paths.cache / "lock"):
            building.build(self.paths, self.project if checkout.is_complete(self.project) else None)

    def up(self, *, fresh: bool = False, with_backend: bool = True) -> bool:
        """Bring the lab up, from nothing, from stopped or from half-dead; False if all of it was up already."""
        preflight.require_linux_root()
        built = inventory.load(self.paths)
        project = checkout.require(self.project) if with_backend else None
        with locking.exclusive(LOCK):
            preflight.claim(self.paths)
            if fresh:
                stopping.stop(self.paths, Timeline())
                booting.drop_data(self.paths)
            elif self._is_up(built, project):
                return False
            preflight.require_space(self.paths)
            booting.Boot(self.paths, built, self.project, Timeline(), with_backend=with_backend).run()
        return True

    def _is_up(self, built: inventory.Inventory, project: Path | None) -> bool:
        supervisor = Supervisor(self.paths, built)
        if not supervisor.any_running() or not all(line.up for line in status.look(self.paths, supervisor)):
            return False
        # A start that was cut off right after the kubelet: the API server's word on pods is from an earlier boot.
        if not probing.ready(self.paths, cluster.containers(with_backend=project is not None)):
            return False
        return project is None or (backend.current(self.paths, built, project) and backend.answers())

    def down(self) -> None:
        """End the lab; its state folder stays."""
        preflight.require_linux_root()
        with locking.exclusive(LOCK):
            stopping.stop(preflight.running_paths(self.paths), Timeline())

    def status(self) -> list[Line]:
        """Every component's state."""
        preflight.require_linux_root()
        return status.look(*self._running())

    def _running(self) -> tuple[Paths, Supervisor]:
        paths = preflight.running_paths(self.paths)
        return paths, Supervisor(paths, inventory.read(paths))

    def log(self, name: str) -> str:
        """A component's log: of a host process its file, of a Deployment its pods' output."""
        paths, supervisor = self._running()
        if name in supervisor.components:
            file = supervisor.log(name)
            if not file.exists():
                raise LabError(f"{name} has written no log yet ({file} is not there). Was the lab ever up?")
            return file.read_text(errors="replace")
        with Api(paths) as api:
            return cluster.deployment_log(api, name, self._namespace(name, supervisor))

    @staticmethod
    def _namespace(name: str, supervisor: Supervisor) -> str:
        namespaces = {**cluster.DEPLOYMENTS, "backend": "argo"}
        if name not in namespaces:
            known = ", ".join([*supervisor.components, *namespaces])
            raise LabError(f"The lab has no component `{name}`. It has: {known}.")
        return namespaces[name]

    def kill(self, name: str) -> None:
        """End a component as a crash would; a Deployment is scaled to nothing instead, or it would come back."""
        preflight.require_linux_root()
        paths, supervisor = self._running()
        if name in supervisor.components:
            supervisor.stop(name, number=signal.SIGKILL)
            return
        namespace = self._namespace(name, supervisor)
        with Api(paths) as api:
            cluster.scale(api, name, namespace, 0)

    def start(self, name: str) -> None:
        """Start a component that was killed, and wait until it answers."""
        preflight.require_linux_root()
        paths, supervisor = self._running()
        if name in supervisor.components:
            supervisor.start(name)
            supervisor.wait(name)
            return
        namespace = self._namespace(name, supervisor)
        with Api(paths) as api:
            cluster.scale(api, name, namespace, 2 if name == "backend" else 1)

    def load_image(self, archive: Path) -> None:
        """Load an image archive into the lab's container runtime."""
        paths = self._require_up()
        runtime.import_archive(paths, archive)

    def build_backend(self) -> str:
        """Build the checkout's backend; return the image's name."""
        preflight.require_linux_root()
        project = checkout.require(self.project)
        with locking.exclusive(LOCK):
            tag, _ = own_images.ensure(self.paths, inventory.load(self.paths), project)
        return f"{checkout.BACKEND.image}:{tag}"

    def load_backend(self, *, deploy: bool = True) -> str:
        """Build the checkout's backend, load it and let the Deployment go over to it; return the image's name."""
        project = checkout.require(self.project)
        paths = self._require_up()
        built = inventory.load(paths)
        with locking.exclusive(LOCK):
            name = backend.load(paths, built, project)
            if not deploy:
                return name
            with Api(paths) as api:
                backend.deploy(paths, api, built, project, name)
                cluster.wait_deployment(api, "backend")
            backend.wait_ready()
        return name

    def load_kit(self) -> str:
        """Build the checkout's kit as an image, load it and make its records' volume; return the image's name."""
        project = checkout.require(self.project, checkout.KIT)
        paths = self._require_up()
        built = inventory.load(paths)
        with locking.exclusive(LOCK):
            name = kit.load(paths, built, project)
            with Api(paths) as api:
                kit.ensure_volume(paths, api)
        return name

    def tenant(self, number: int) -> tenants.Tenant:
        """Make one more installation of the checkout's backend, beside the one in namespace argo."""
        project, chosen = checkout.require(self.project), tenants.Tenant(number)
        paths = self._require_up()
        with Api(paths) as api:
            tenants.ensure(paths, api, inventory.read(paths), project, chosen)
        return chosen

    def remove_tenant(self, number: int) -> None:
        """Remove it and all it knew."""
        paths = self._require_up()
        with Api(paths) as api:
            tenants.remove(paths, api, tenants.Tenant(number))

    def service_repository(self, folder: Path) -> str:
        """Make a git repository of the checkout's backend; return its commit."""
        return service_repository.make(checkout.require(self.project), folder)

    def _require_up(self) -> Paths:
        preflight.require_linux_root()
        paths = preflight.running_paths(self.paths)
        if not Roster(paths).running("containerd"):
            raise LabError("The lab is down: no containerd of its own runs. Run `rollout-lab up` first.")
        return paths
