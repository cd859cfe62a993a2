"""The service's parts, put together once."""

from dataclasses import dataclass

from fastapi import Request, WebSocket

from reference_backend.argo import ArgoClient
from reference_backend.argo_session import ArgoSession
from reference_backend.collector import Collector
from reference_backend.database import Database
from reference_backend.ending import Ender
from reference_backend.faults import Faults
from reference_backend.kube import KubeClient
from reference_backend.revision import code_revision
from reference_backend.rows import Rows
from reference_backend.runlogs import LogBook
from reference_backend.settings import Settings
from reference_backend.states import States
from reference_backend.submission import Submitter
from reference_backend.watched import WatchedFolder


@dataclass(frozen=True)
class Services:
    """All that a route may need."""

    settings: Settings
    database: Database
    rows: Rows
    faults: Faults
    code: str
    states: States
    submitter: Submitter
    ender: Ender
    logs: LogBook
    collector: Collector


def assemble(settings: Settings) -> Services:
    """Build every part; nothing is connected to yet."""
    database = Database(settings.sqlalchemy_url())
    rows, kube = Rows(database), KubeClient(settings)
    argo = ArgoClient(settings, ArgoSession(settings))
    faults = Faults(WatchedFolder(settings.faults_dir))
    code = code_revision(settings.code_revision)
    states = States(rows, argo)
    logs = LogBook(rows, argo, kube, states)
    return Services(
        settings=settings,
        database=database,
        rows=rows,
        faults=faults,
        code=code,
        states=states,
        submitter=Submitter(settings, rows=rows, argo=argo, kube=kube, faults=faults, code=code),
        ender=Ender(rows, argo, states, faults),
        logs=logs,
        collector=Collector(rows, states, logs, settings.collect_seconds),
    )


def services(connection: Request) -> Services:
    """The parts of the app that serves this request."""
    found: Services = connection.app.state.services
    return found


def socket_services(connection: WebSocket) -> Services:
    """The same for a websocket."""
    found: Services = connection.app.state.services
    return found
