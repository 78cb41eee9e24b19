"""Receivers that the demo's rules call: real HTTP and real SMTP, on loopback, while the demo runs."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

HOST = "127.0.0.1"
SLOW_SECONDS = 60.0

_INTERVAL = 0.05


@dataclass(frozen=True, slots=True)
class Receivers:
    """Where the receivers listen: the HTTP receiver's base URL, and the SMTP server's port."""

    http_url: str
    smtp_port: int

    def settings(self, allowed: str) -> dict[str, object]:
        """Return the settings of a worker that may call them beside the networks that are ``allowed``, by field."""
        return {
            "egress_allow": ",".join(filter(None, (allowed, f"{HOST}/32"))),
            "smtp_host": HOST,
            "smtp_port": self.smtp_port,
            "smtp_tls": "none",
            "smtp_sender": "automation@demo.example",
        }


@contextmanager
def receiving(http_port: int = 0, smtp_port: int = 0) -> Iterator[Receivers]:
    """Run both receivers, in threads, for the length of the block.

    The HTTP receiver answers ``/orders`` with what it got, ``/broken`` with 502 until ``/repair`` is called, and
    ``/slow`` after a minute; all take POST. The SMTP server takes every mail and keeps none.

    Args:
        http_port: The port to listen on; where it is taken, or 0, a free one.
        smtp_port: The same for the SMTP server.
    """
    with _listener(http_port) as http, _listener(smtp_port) as smtp:
        port: int = smtp.getsockname()[1]
        smtp.close()
        mail = Controller(Sink(), hostname=HOST, port=port)
        mail.start()
        try:
            with _serving(http):
                yield Receivers(f"http://{HOST}:{http.getsockname()[1]}", port)
        finally:
            mail.stop()


def _listener(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port))
    except OSError:
        return socket.create_server((HOST, 0))


@contextmanager
def _serving(listener: socket.socket) -> Iterator[None]:
    leaving = threading.Event()
    config = uvicorn.Config(
        _application(leaving), lifespan="off", log_config=None, access_log=False, server_header=False
    )
    config.timeout_graceful_shutdown = 1
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), name="demo receiver", daemon=True)
    thread.start()
    try:
        yield
    finally:
        leaving.set()
        server.should_exit = True
        thread.join(5)


def _application(leaving: threading.Event) -> Starlette:
    broken = _Broken()
    return Starlette(
        routes=[
            Route("/orders", _take, methods=["POST"]),
            Route("/broken", broken.answer, methods=["POST"]),
            Route("/repair", broken.repair, methods=["POST"]),
            Route("/slow", _Slow(leaving).answer, methods=["POST"]),
        ]
    )


async def _take(request: Request) -> Response:
    content = await request.body()
    received: Any = json.loads(content) if content else None
    return JSONResponse({"received": received, "idempotency_key": request.headers.get("idempotency-key")})


class _Broken:
    """A receiver that answers with errors until it is repaired."""

    def __init__(self) -> None:
        self._repaired = False

    async def answer(self, request: Request) -> Response:
        if self._repaired:
            return await _take(request)
        return JSONResponse({"error": "out of order"}, status_code=502)

    async def repair(self, _request: Request) -> Response:
        self._repaired = True
        return JSONResponse({"repaired": True})


class _Slow:
    """A receiver that takes a minute, unless its caller gives up or the demo ends.

    Args:
        leaving: Set when the demo ends.
    """

    def __init__(self, leaving: threading.Event) -> None:
        self._leaving = leaving

    async def answer(self, request: Request) -> Response:
        deadline = time.monotonic() + SLOW_SECONDS
        while not self._leaving.is_set():
            if time.monotonic() > deadline or await request.is_disconnected():
                break
            await asyncio.sleep(_INTERVAL)
        return JSONResponse({})
