"""Compiled rules for an operation's answers: every response is held to them before its first byte is sent.

The bytes themselves are validated, so that what was validated is what is sent.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jsonschema_rs
import orjson

from automation.contract.compiled.excerpts import first_error
from automation.contract.compiled.operations import Operation
from automation.contract.compiled.parameters import Parameter, compiled
from automation.contract.compiled.scalars import Undecodable
from automation.contract.compiled.schemas import Schemas
from automation.contract.compiled.violations import places
from automation.contract.document.references import follow
from automation.domain.errors import InternalError

Headers = Sequence[tuple[bytes, bytes]]

# Added to every response by a layer further out, which can't forget it.
ADDED_OUTSIDE = frozenset({"x-request-id", "ratelimit-policy", "ratelimit"})
# OpenAPI gives these to the parts of the contract that are named after them.
DESCRIBED_ELSEWHERE = frozenset({"content-type"})

LARGEST_RESPONSE = 4 * 1024 * 1024
"""Bytes of an answer: more than what is in the database can come to, so that a mistake there holds up nobody else."""

logger = logging.getLogger("automation.contract")


class BrokenResponse(Exception):
    """A response is not what its operation documents.

    Args:
        keyword: Which of the contract's rules it breaks.
        pointer: Where in the body, or which header; never a value.
    """

    def __init__(self, keyword: str, pointer: str = "") -> None:
        self.keyword = keyword
        self.pointer = pointer


class MediaType:
    """A documented media type: how its content is read, and what it must be."""

    def __init__(self, name: str, validator: jsonschema_rs.Draft202012Validator) -> None:
        self._read = _reader(name)
        self._validator = validator
        self._valid: bytes | None = None

    def require(self, body: bytes) -> None:
        """Raise BrokenResponse unless the body is what the media type's schema says."""
        # The very same object as last time was validated then: bytes don't change. So a constant costs nothing.
        if body is self._valid:
            return
        value = self._read(body)
        if not self._validator.is_valid(value):
            first = first_error(self._validator, value)
            raise BrokenResponse(first.kind.name, places(first)[0])
        self._valid = body


def _reader(media_type: str) -> Callable[[bytes], Any]:
    return _read_json if is_json(media_type) else _read_text


def _read_json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except ValueError as error:
        raise BrokenResponse("json") from error


def _read_text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except ValueError as error:
        raise BrokenResponse("utf-8") from error


@dataclass(frozen=True, slots=True)
class Response:
    """A documented response: its media types, by name, and its headers."""

    media_types: Mapping[bytes, MediaType]
    required: frozenset[bytes]
    headers: Mapping[bytes, Parameter]

    def require(self, headers: Headers, body: bytes) -> None:
        """Raise BrokenResponse unless the headers and the body are as documented, and no larger than any may be."""
        if len(body) > LARGEST_RESPONSE:
            raise BrokenResponse("size")
        given = dict(headers)
        if not self.required <= given.keys():
            raise BrokenResponse("headers", min(self.required - given.keys()).decode())
        for name, header in self.headers.items():
            _require_header(header, given.get(name))
        if not self.media_types:
            return _require_nothing(body)
        content_type = given.get(b"content-type", b"")
        media_type = self.media_types.get(content_type) or self.media_types.get(content_type.partition(b";")[0])
        if media_type is None:
            raise BrokenResponse("content")
        return media_type.require(body)


class _Undocumented:
    """A response that the operation does not document: refused whatever it holds."""

    def require(self, _headers: Headers, _body: bytes) -> None:
        raise BrokenResponse("responses")


UNDOCUMENTED = _Undocumented()


class ResponseRules:
    """Everything that one operation may answer."""

    def __init__(self, operation: Operation, document: Mapping[str, Any], schemas: Schemas) -> None:
        self._operation_id = operation.operation_id
        self._responses = {
            status: _response(definition, document, schemas) for status, definition in operation.responses.items()
        }

    def require(self, status: int, headers: Headers, body: bytes) -> None:
        """Refuse a response that the operation doesn't document.

        Args:
            status: Its status.
            headers: Its headers, with names in lower case.
            body: All of its body.

        Raises:
            InternalError: It breaks the contract; how was logged, without values.
        """
        try:
            self._responses.get(status, UNDOCUMENTED).require(headers, body)
        except BrokenResponse as broken:
            report(self._operation_id, status, broken)
            raise InternalError from broken


def report(operation_id: str, status: int, broken: BrokenResponse) -> None:
    """Log how a response breaks the contract: which rule and where, never with what."""
    details = {
        "operation_id": operation_id,
        "response_status": status,
        "pointer": broken.pointer,
        "keyword": broken.keyword,
    }
    place = broken.pointer or "the whole of it"
    logger.error("%s: its %d breaks the contract: %s at %s", operation_id, status, broken.keyword, place, extra=details)


def _response(definition: Mapping[str, Any], document: Mapping[str, Any], schemas: Schemas) -> Response:
    headers = {
        name.lower().encode(): _header(name, follow(document, header), document, schemas)
        for name, header in definition.get("headers", {}).items()
        if name.lower() not in ADDED_OUTSIDE | DESCRIBED_ELSEWHERE
    }
    return Response(
        media_types={
            name.encode(): MediaType(name, schemas.validator(content.get("schema", {})))
            for name, content in definition.get("content", {}).items()
        },
        required=frozenset(name for name, header in headers.items() if header.required),
        # A plain string has nothing that could be wrong with it.
        headers={name: header for name, header in headers.items() if header.constrained},
    )


def is_json(media_type: str) -> bool:
    """Return whether a media type's content is JSON (RFC 6839, section 3.1)."""
    return media_type == "application/json" or media_type.endswith("+json")


def _header(name: str, definition: Mapping[str, Any], document: Mapping[str, Any], schemas: Schemas) -> Parameter:
    return compiled({**definition, "name": name, "in": "header"}, document, schemas)


def _require_header(header: Parameter, raw: bytes | None) -> None:
    if raw is None:
        return
    try:
        header.value([raw.decode("latin-1")])
    except Undecodable as error:
        raise BrokenResponse("headers", header.name) from error


def _require_nothing(body: bytes) -> None:
    if body:
        raise BrokenResponse("content")
