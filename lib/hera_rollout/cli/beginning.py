"""`hera-rollout init`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hera_rollout.cli.answers import plain_errors
from hera_rollout.cli.asking import Questions
from hera_rollout.errors import Missing, Refused

if TYPE_CHECKING:
    from hera_rollout.finding import Answered, Context, Kind, Place, Service, Sight


@click.command()
@click.option("--target", required=True, help="The new target's name; its file is targets/NAME.toml.")
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), default=Path("targets"), show_default=True,
              help="Where the file goes.")  # fmt: skip
@click.option("--kubeconfig", type=click.Path(path_type=Path), help="Its file; else kubectl's own default.")
@click.option("--context", help="Of the kubeconfig; else asked for, the current one by default.")
@click.option("--namespace", help="Of the service; else asked for, the context's own by default.")
@click.option("--deployment", help="The service that submits workflows; else the one that has USE_HERA_SDK.")
@click.option("--backend-url", help="Where the service answers; else looked for.")
@click.option("--argo-url", help="Where the Argo Server answers; else looked for.")
@click.option("--prometheus-url", help="Where Prometheus answers; else looked for. Empty: there is none.")
@click.option("--yes", is_flag=True, help="Take the defaults and ask nothing.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@plain_errors
def init(  # noqa: PLR0917 the command line's own options
    target: str, folder: Path, kubeconfig: Path | None, context: str | None, namespace: str | None,
    deployment: str | None, backend_url: str | None, argo_url: str | None, prometheus_url: str | None, yes: bool,
    force: bool,
) -> None:  # fmt: skip
    """Write a target's file by looking at the kubeconfig and its cluster, and asking.

    Reads only; no token is sent to an address that was guessed. Exit codes: 0 written; 1 the cluster did not answer;
    2 refused: what is needed was not found and not given, or the file is there already.
    """
    from hera_rollout import finding
    from hera_rollout.finding import contexts, writing
    from hera_rollout.target import Target

    path = folder / f"{target}.toml"
    _refuse_name(target)
    if not force:
        writing.refuse_existing(path)
    questions = Questions(yes)
    there = _context(questions, contexts.known(kubeconfig), context)
    wanted = questions.ask(
        "namespace", given=namespace, default=there.namespace or "argo", option="--namespace", seen=""
    )
    sight = _sight(target, kubeconfig, there.name, wanted)
    service = _service(questions, sight, deployment)
    backend = _address(questions, sight, finding.BACKEND, service, backend_url)
    argo = _address(questions, sight, finding.ARGO, service, argo_url)
    prometheus = _address(questions, sight, finding.PROMETHEUS, service, prometheus_url, needed=False)
    place = finding.Place(
        name=target, context=there.name, namespace=wanted, deployment=service.name, container=service.container,
        account=service.account, backend_url=backend.url, argo_url=argo.url, argo_trusted=argo.trusted,
        prometheus_url=prometheus.url, kubeconfig=str(kubeconfig.resolve()) if kubeconfig else "",
        workflow=dict(service.workflow),
    )  # fmt: skip
    _write(path, place, force)
    Target.load(str(path.resolve()))
    click.echo(f"Written: {path}\nNext: hera-rollout doctor --target {target if folder.name == 'targets' else path}")


def _refuse_name(name: str) -> None:
    import re

    from hera_rollout.target import DNS_LABEL

    if not re.fullmatch(DNS_LABEL, name):
        raise Refused(f"No target can be called {name!r}.", expected="a-z, 0-9 and '-', such as staging.")


def _context(questions: Questions, known: "list[Context]", given: str | None) -> "Context":
    from hera_rollout.finding import contexts

    click.echo(f"Contexts: {', '.join(one.name for one in known)}", err=True)
    default = known[0].name if known and known[0].current else ""
    return contexts.chosen(
        known,
        questions.ask("context", given=given, default=default, option="--context",
                      seen="The kubeconfig has no current context."),
    )  # fmt: skip


def _sight(name: str, kubeconfig: Path | None, context: str, namespace: str) -> "Sight":
    """Connect and look; the servers' addresses are not known yet, and nobody is asked at these."""
    from hera_rollout import finding
    from hera_rollout.cluster import Cluster
    from hera_rollout.target import Target

    unknown = "http://127.0.0.1:9"
    given = {"name": name, "kubeconfig": kubeconfig and str(kubeconfig), "context": context, "namespace": namespace}
    try:
        place = Target.model_validate({**given, "backend_url": unknown, "argo_url": unknown})
    except ValueError:
        raise Refused(
            f"No namespace can be called {namespace!r}.", expected="a Kubernetes name: a-z, 0-9 and '-'."
        ) from None
    cluster = Cluster.connect(place)
    click.echo(f"Kubernetes {cluster.version} at {cluster.connection.host}", err=True)
    sight = finding.look(cluster.connection, namespace)
    for sentence in sight.unseen:
        click.echo(f"Not seen: {sentence}", err=True)
    return sight


def _service(questions: Questions, sight: "Sight", given: str | None) -> "Service":
    from hera_rollout.finding import deployments

    names = ", ".join(one.name for one in sight.services)
    click.echo(f"Deployments: {names}", err=True)
    likely = deployments.likely(sight.services)
    name = questions.ask(
        "deployment", given=given, default=likely.name if likely else "", option="--deployment",
        seen=f"Which Deployment submits workflows cannot be told: none alone has USE_HERA_SDK. There are: {names}.",
    )  # fmt: skip
    for service in sight.services:
        if service.name == name:
            return service
    raise Missing(
        f"Namespace {sight.namespace} has no Deployment {name!r}.",
        expected=f"one of {names}.",
        todo="Give one of these with --deployment; nothing was written.",
    )


def _address(
    questions: Questions, sight: "Sight", kind: "Kind", service: "Service", given: str | None, *, needed: bool = True
) -> "Answered":
    """Where a server answers; not looked for where it was given."""
    from hera_rollout.finding import Answered

    found = None if given is not None else sight.answering(kind, service)
    if found:
        click.echo(f"{kind.name}: answers at {found.url}", err=True)
    option = f"--{kind.name.lower().removesuffix(' server')}-url"
    default = found.url if found else ""
    if needed:
        tried = ", ".join(sight.tried(kind, service))
        seen = f"No {kind.name} was found. Asked at {tried}."
        url = questions.ask(f"address of the {kind.name}", given=given, default=default, option=option, seen=seen)
    else:
        url = questions.may_be_none(f"address of {kind.name}", given=given, default=default, option=option)
    return found if found and found.url == url else Answered(url, trusted=True)


def _write(path: Path, place: "Place", force: bool) -> None:
    from hera_rollout import finding

    finding.write(path, finding.text(place), force=force)
