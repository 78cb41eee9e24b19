"""FastAPI, Pydantic and SQLAlchemy's ORM on asyncpg: the stack that most new services take."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, HTTPException, Security
from fastapi.security import APIKeyHeader
from models import execution_of, open_engine, sessions, tenant_of
from schemas import Execution, ExecutionResponse
from sqlalchemy.ext.asyncio import AsyncSession

engine = open_engine()
session_of = sessions(engine)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


async def open_session() -> AsyncIterator[AsyncSession]:
    async with session_of() as session:
        yield session


Session = Annotated[AsyncSession, Depends(open_session)]
ApiKey = Annotated[str | None, Security(APIKeyHeader(name="x-api-key", auto_error=False))]


async def reading_tenant(key: ApiKey, session: Session) -> UUID:
    """Return the tenant of a key that may read."""
    if key is None:
        raise HTTPException(401)
    found = await tenant_of(session, key)
    if found is None:
        raise HTTPException(401)
    tenant, permitted = found
    if not permitted:
        raise HTTPException(403)
    return tenant


@app.get("/api/v1/automation/executions/{execution_id}")
async def get_automation_execution(
    execution_id: UUID, tenant: Annotated[UUID, Depends(reading_tenant)], session: Session
) -> ExecutionResponse:
    execution = await execution_of(session, tenant, execution_id)
    if execution is None:
        raise HTTPException(404)
    return ExecutionResponse(data=Execution.model_validate(execution))
