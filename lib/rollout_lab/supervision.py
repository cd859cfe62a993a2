"""Starting the components of one lab and asking whether they work."""

from __future__ import annotations

from rollout_lab import database, health, ports, processes
from rollout_lab.components import Component, all_components
from rollout_lab.errors import LabError
from rollout_lab.inventory import Inventory
from rollout_lab.paths import Paths
from rollout_lab.roster import Roster

START_SECONDS = 60.0


class Supervisor(Roster):
    """The roster of a lab that is built: it can start what is missing."""

    def __init__(self, paths: Paths, inventory: Inventory) -> None:
        super().__init__(paths)
        self.components = all_components(paths, inventory)

    def __getitem__(self, name: str) -> Component:
        try:
            return self.components[name]
        except KeyError:
            raise LabError(f"The lab has no component `{name}`. It has: {', '.join(self.components)}.") from None

    def require_free_ports(self) -> None:
        """Refuse, before anything is started, if somebody else listens where one of the lab's has to."""
        for name, component in self.components.items():
            if not self.running(name):
                for endpoint in component.listens:
                    ports.require_free(endpoint, name)

    def start(self, name: str) -> bool:
        """Start a component unless it runs; whether it was started."""
        component = self[name]
        if self.running(name):
            return False
        for endpoint in component.listens:
            ports.require_free(endpoint, name, patient=True)
        if name == "postgresql":
            database.forget_crash(self.paths)
        processes.spawn(
            component.argv, pid_file=self.pid_file(name), log=self.log(name), env=component.env, user=component.user
        )
        return True

    def wait(self, name: str, seconds: float = START_SECONDS) -> None:
        """Wait until a component answers."""
        health.wait(self.paths, self[name], self.pid_file(name), self.log(name), seconds)

    def works(self, name: str) -> bool:
        """Whether a component runs and answers."""
        return self.running(name) is not None and health.answers(self.paths, self[name].health)
