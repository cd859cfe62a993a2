"""The command line `rollout-lab`: exit code 0, or 1 with one clear sentence."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import ParamSpec

import click

from rollout_lab import ports, webhook
from rollout_lab import status as looking
from rollout_lab.addresses import LOOPBACK, NOTICES_PORT, Endpoint
from rollout_lab.errors import LabError, from_os_error
from rollout_lab.lab import Lab

P = ParamSpec("P")


def clear_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Turn what the lab raises into one sentence and exit code 1."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except LabError as error:
            _fail(str(error))
        except OSError as error:
            _fail(str(from_os_error(error)))
        except KeyboardInterrupt:
            _fail("Interrupted. The same command goes on from here; `rollout-lab down` ends what was started.")

    return wrapped


def _fail(sentence: str) -> None:
    click.echo(f"rollout-lab: {sentence}", err=True)
    sys.exit(1)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """A real Kubernetes and Argo Workflows on this machine, without Docker."""


@main.command()
@clear_errors
def build() -> None:
    """Build everything once; nothing when all is there."""
    Lab().build()


@main.command()
@click.option("--fresh", is_flag=True, help="Forget the cluster's data first.")
@click.option("--no-backend", is_flag=True, help="Only the cluster, Argo, PostgreSQL and Prometheus.")
@click.option("--project", type=click.Path(path_type=Path), help="Checkout to take the backend from.")
@clear_errors
def up(fresh: bool, no_backend: bool, project: Path | None) -> None:
    """Bring the lab up, or repair what is down."""
    lab = Lab(project=project)
    if not lab.up(fresh=fresh, with_backend=not no_backend):
        click.echo("Everything is up already.")
    click.echo(f"export KUBECONFIG={lab.kubeconfig} PATH={lab.paths.bin}:$PATH")
    click.echo(_notices_line(NOTICES_PORT))


def _notices_line(port: int) -> str:
    """What makes the kit tell the receiver."""
    return f"export HERA_ROLLOUT_NOTICES=json://{LOOPBACK}:{port}/"


@main.command()
@clear_errors
def down() -> None:
    """End the lab; its data stay for the next `up`."""
    Lab().down()


@main.command()
@clear_errors
def status() -> None:
    """Say what is up and what is down."""
    lines = Lab().status()
    click.echo(looking.table(lines))
    if bad := [line for line in lines if not line.up]:
        names = ", ".join(line.name for line in bad)
        _fail(f"not up: {names}. Run `rollout-lab up`, which starts what is missing.")


@main.command()
@clear_errors
def kubeconfig() -> None:
    """Print the path of the kubeconfig (contexts: lab, lab-admin)."""
    path = Lab().kubeconfig
    if not path.exists():
        raise LabError(f"There is no kubeconfig at {path}: the lab was never up. Run `rollout-lab up`.")
    click.echo(path)


@main.command()
@click.argument("component")
@clear_errors
def logs(component: str) -> None:
    """Print a component's log."""
    click.echo(Lab().log(component), nl=False)


@main.command()
@click.argument("component")
@clear_errors
def kill(component: str) -> None:
    """End a component as a crash would."""
    Lab().kill(component)


@main.command()
@click.argument("component")
@clear_errors
def start(component: str) -> None:
    """Start a component again."""
    Lab().start(component)


@main.command()
@click.option("--port", type=click.IntRange(1, 65535), default=NOTICES_PORT, show_default=True, help="On loopback.")
@click.option("--file", type=click.Path(path_type=Path, dir_okay=False), help="Default: the lab's own notices.jsonl.")
@clear_errors
def notices(port: int, file: Path | None) -> None:
    """Take notices into a file until Ctrl-C. A lab that is up does so already."""
    endpoint = Endpoint(LOOPBACK, port)
    if not ports.is_free(endpoint):
        raise LabError(
            f"Port {endpoint} is taken by {ports.holder(port)}; while the lab is up, its webhook has {NOTICES_PORT}. "
            f"Read {Lab().notices}, or give another --port."
        )
    chosen = file or Lab().notices
    with webhook.server(chosen, port) as server, suppress(KeyboardInterrupt):
        click.echo(f"{_notices_line(port)}\nNotices go to {chosen}. Ctrl-C ends this.")
        server.serve_forever()


@main.command("load-image")
@click.argument("archive", type=click.Path(path_type=Path))
@clear_errors
def load_image(archive: Path) -> None:
    """Load an image archive (docker save, or OCI) into the lab."""
    Lab().load_image(archive)


@main.command("build-backend")
@click.option("--project", type=click.Path(path_type=Path), help="Checkout to take the backend from.")
@clear_errors
def build_backend(project: Path | None) -> None:
    """Build the checkout's backend; nothing is loaded or deployed."""
    click.echo(Lab(project=project).build_backend())


@main.command("load-backend")
@click.option("--project", type=click.Path(path_type=Path), help="Checkout to take the backend from.")
@click.option("--no-deploy", is_flag=True, help="Only build and load it.")
@clear_errors
def load_backend(project: Path | None, no_deploy: bool) -> None:
    """Build the checkout's backend, load it and roll the Deployment over to it."""
    click.echo(Lab(project=project).load_backend(deploy=not no_deploy))


@main.command("service-repository")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--project", type=click.Path(path_type=Path), help="Checkout to take the backend from.")
@clear_errors
def service_repository(folder: Path, project: Path | None) -> None:
    """Make FOLDER a git repository of the practice backend, as a team has one: what notebook 05 cleans."""
    click.echo(Lab(project=project).service_repository(folder))


@main.command("load-kit")
@click.option("--project", type=click.Path(path_type=Path), help="Checkout to take the kit from.")
@clear_errors
def load_kit(project: Path | None) -> None:
    """Build the kit itself as an image, load it, and make a volume for its records."""
    click.echo(Lab(project=project).load_kit())


if __name__ == "__main__":
    main()
