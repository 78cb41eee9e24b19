"""Records what a client really sends: it stands before the service and passes all of it on."""

import http.client
import http.server
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

HOST = "127.0.0.1"
OF_ONE_CONNECTION = frozenset({"connection", "keep-alive", "transfer-encoding"})


@dataclass(frozen=True)
class Exchange:
    """One request, and the status and the headers of its answer; the names of headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    status: int
    answered: Mapping[str, str]


@dataclass
class Recording:
    """The recorder's address, and what it has passed on."""

    base_url: str
    exchanges: list[Exchange] = field(default_factory=list)


@contextmanager
def recording(base_url: str) -> Iterator[Recording]:
    """Stand before a service for the length of the block."""
    service = urlsplit(base_url).netloc

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer, content = _ask(service, self.command, self.path, headers, body)
            answered = {name.lower(): value for name, value in answer.getheaders()}
            recorded.exchanges.append(Exchange(self.command, self.path, headers, body, answer.status, answered))
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in OF_ONE_CONNECTION:
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on  # noqa: N815 - http.server looks for these names

        def log_message(self, *_: object) -> None:
            """Say nothing: what was passed on is recorded."""

    with http.server.ThreadingHTTPServer((HOST, 0), Handler) as server:
        server.daemon_threads = True
        recorded = Recording(f"http://{HOST}:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield recorded
        finally:
            server.shutdown()


def _ask(
    service: str, method: str, path: str, headers: Mapping[str, str], body: bytes
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection(service, timeout=60)
    try:
        passed_on = {name: value for name, value in headers.items() if name not in OF_ONE_CONNECTION}
        connection.request(method, path, body or None, passed_on)
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()
