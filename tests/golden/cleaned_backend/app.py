"""The FastAPI application."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse

from reference_backend import log_routes, service_routes, task_routes
from reference_backend.errors import ArgoRefused, BackendError, BadInput, Unavailable
from reference_backend.faults import Faults
from reference_backend.middleware import Observed
from reference_backend.services import Services, assemble
from reference_backend.settings import Settings

log = logging.getLogger(__name__)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application; settings from the environment unless given."""
    parts = assemble(settings or Settings())
    app = FastAPI(title="Reference backend", lifespan=_lifespan)
    app.state.services = parts
    for module in (task_routes, log_routes, service_routes):
        app.include_router(module.router)
    _handle_errors(app, parts.faults)
    if parts.settings.origins():
        app.add_middleware(CORSMiddleware, allow_origins=parts.settings.origins(), allow_methods=["*"])
    app.add_middleware(Observed, seconds=parts.settings.request_seconds, faults=parts.faults)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    parts: Services = app.state.services
    log.info("code revision %s, dialect %s, Argo Server %s", parts.code, *_facts(parts.settings))
    parts.faults.active()
    parts.collector.start()
    yield
    parts.collector.stop()
    parts.database.engine.dispose()
    log.info("stopped")


def _facts(settings: Settings) -> tuple[str, str]:
    return settings.backend_dialect, settings.argo_url() or "none"


def _handle_errors(app: FastAPI, faults: Faults) -> None:
    @app.exception_handler(BackendError)
    def _known(_request: Request, error: BackendError) -> JSONResponse:
        if isinstance(error, ArgoRefused):
            error = error.for_client
        if isinstance(error, BadInput) and faults.on("bad-input-500"):
            return JSONResponse({"detail": f"{error.status}: {error}"}, 500)
        if isinstance(error, Unavailable):
            log.warning("503: %s", error)
            return JSONResponse({"detail": str(error)}, error.status, headers={"Retry-After": "5"})
        return JSONResponse({"detail": str(error)}, error.status)
