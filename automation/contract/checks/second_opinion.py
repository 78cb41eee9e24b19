"""Asks openapi-spec-validator about a contract in which the service's own checks have found nothing.

No start does: to import it takes longer than all of them, and it has yet to find what they don't.
"""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from openapi_spec_validator import OpenAPIV30SpecValidator

from automation.contract.checks.structure import LONGEST_MESSAGE
from automation.contract.document.findings import Finding
from automation.contract.document.references import pointer


def second_opinion(document: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what it finds."""
    for error in OpenAPIV30SpecValidator(document).iter_errors():
        yield Finding("#" + pointer(*error.absolute_path), textwrap.shorten(error.message, LONGEST_MESSAGE))
