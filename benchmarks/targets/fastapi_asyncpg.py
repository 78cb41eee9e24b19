"""FastAPI and Pydantic on asyncpg, with SQL written by hand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import UUID

from fastapi import FastAPI, HTTPException, Request, Security
from fastapi.security import APIKeyHeader
from postgres import open_pool, read, shown
from schemas import ExecutionResponse


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with await open_pool() as app.state.pool:
        yield


app = FastAPI(lifespan=lifespan)


ApiKey = Annotated[str | None, Security(APIKeyHeader(name="x-api-key", auto_error=False))]


@app.get("/api/v1/automation/executions/{execution_id}")
async def get_automation_execution(execution_id: UUID, key: ApiKey, request: Request) -> ExecutionResponse:
    if key is None:
        raise HTTPException(401)
    row = await read(request.app.state.pool, key, execution_id)
    if row is None:
        raise HTTPException(401)
    if not row["may_read"]:
        raise HTTPException(403)
    if row["execution_id"] is None:
        raise HTTPException(404)
    return ExecutionResponse.model_validate({"data": shown(row)})
