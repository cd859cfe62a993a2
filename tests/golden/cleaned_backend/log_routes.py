"""Logs, by HTTP and by WebSocket."""

import asyncio
import contextlib
from typing import Annotated

from fastapi import APIRouter, Depends, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from reference_backend.errors import BackendError, Unavailable
from reference_backend.inputs import check_task_id
from reference_backend.runlogs import LogView
from reference_backend.schemas import RunLogs
from reference_backend.services import Services, services, socket_services

router = APIRouter()
Parts = Annotated[Services, Depends(services)]
POLL_SECONDS = 1.0
NOT_FOUND = 4404
GOING_ON = 1011


@router.get("/api/v1/tasks/{task_id}/logs", response_model=RunLogs)
def latest(task_id: str, parts: Parts, run_number: int | None = None) -> RunLogs | JSONResponse:
    """Logs of the latest run, or of the one named."""
    return _answer(parts, task_id, run_number)


@router.get("/api/v1/tasks/{task_id}/runs/{number}/logs", response_model=RunLogs)
def of_run(task_id: str, number: int, parts: Parts) -> RunLogs | JSONResponse:
    """Logs of one run."""
    return _answer(parts, task_id, number)


@router.websocket("/ws/tasks/{task_id}/logs")
async def stream(socket: WebSocket, task_id: str, run_number: int | None = None) -> None:
    """Frames with the logs whenever they change, until the run has ended."""
    await socket.accept()
    try:
        check_task_id(task_id)
        await _follow(socket, socket_services(socket), task_id, run_number)
    except BackendError as error:
        await socket.send_json({"type": "error", "message": str(error)})
        await socket.close(GOING_ON if isinstance(error, Unavailable) else NOT_FOUND)
    except WebSocketDisconnect:
        return


def _answer(parts: Services, task_id: str, number: int | None) -> RunLogs | JSONResponse:
    check_task_id(task_id)
    row = parts.rows.run(task_id, number)
    try:
        view = parts.logs.read(task_id, row.run_number)
    except Unavailable as error:
        body = RunLogs(logs=[], source="error", run_id=row.id, run_number=row.run_number, detail=str(error))
        return JSONResponse(body.model_dump(by_alias=True), error.status)
    return RunLogs(
        logs=view.logs,
        source=view.source,
        run_id=view.run.run_id,
        run_number=view.run.run_number,
        detail=view.detail,
    )


async def _follow(socket: WebSocket, parts: Services, task_id: str, number: int | None) -> None:
    sent: object = None
    while True:
        view: LogView = await run_in_threadpool(parts.logs.read, task_id, number)
        data = [entry.model_dump(by_alias=True) for entry in view.logs]
        if (data, view.run.phase) != sent:
            await socket.send_json({"type": "logs", "data": data, "workflow_phase": view.run.phase})
            sent = (data, view.run.phase)
        if view.run.finished:
            await socket.send_json({"type": "complete", "workflow_phase": view.run.phase})
            await socket.close()
            return
        await _pause_or_hang_up(socket)


async def _pause_or_hang_up(socket: WebSocket) -> None:
    """Wait for the next look; what a client says is not heard, a client that has gone ends it at once."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(POLL_SECONDS):
            while True:
                await socket.receive_text()
