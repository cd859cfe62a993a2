"""What operators ask the service about itself: never waits for a thread, so it answers when all else hangs."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from reference_backend.faults import KNOWN
from reference_backend.schemas import FaultState
from reference_backend.services import Services, services

router = APIRouter()
Parts = Annotated[Services, Depends(services)]


@router.get("/healthz")
async def healthz(parts: Parts) -> dict[str, str]:
    """Alive and serving. Deliberately without the database: a dead one is answered 503 with the reason, by us."""
    return {"status": "ok", "pod": parts.settings.pod_name, "codeRevision": parts.code}


@router.get("/api/v1/faults")
async def faults(parts: Parts) -> FaultState:
    """The faults that are on in this pod, and those there are."""
    return FaultState(active=dict(parts.faults.active()), known=dict(KNOWN), pod=parts.settings.pod_name)


@router.get("/metrics")
async def metrics() -> Response:
    """Figures for Prometheus."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
