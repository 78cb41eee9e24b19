"""Pages of lists as a program reads them: by an address, and on by their links."""

from collections.abc import Iterator
from typing import Any

from tests.system.tenancy import EXECUTIONS, Tenant


def page(tenant: Tenant, path: str = EXECUTIONS, **query: Any) -> Any:
    """Return a page."""
    response = tenant.ask("GET", path, params=query or None)
    assert response.status_code == 200, response.text
    return response.json()


def followed(tenant: Tenant, path: str, relation: str = "next") -> Iterator[Any]:
    """Yield pages from an address on, by their links."""
    link: dict[str, str] | None = {"href": path}
    while link is not None:
        body = page(tenant, link["href"])
        yield body
        link = body["_links"].get(relation)
