"""Pages of lists: which one a request asks for, and the answer, which leads on with all filters of the request."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import orjson

from automation.contract.compiled.cursors import Cursors, Listing
from automation.contract.compiled.links import Links
from automation.contract.serving.entity_tags import EntityTags
from automation.contract.serving.reply import Reply
from automation.domain.pages import Cursor, Page, PageRequest, revision_of
from automation.domain.principal import Principal
from handlers.contradictions import require_sense

T = TypeVar("T")

ASCENDING = "created_at"


@dataclass(frozen=True, slots=True)
class Lists:
    """What pages of all lists are made with: makers of addresses, of cursors and of entity tags."""

    links: Links
    cursors: Cursors
    entity_tags: EntityTags


@dataclass(frozen=True, slots=True)
class Paging:
    """What every list is asked beside its filters, by the names of the contract's parameters.

    A list without ``sort`` has one order alone: the newest first, or ``ascending``. ``if_none_match`` names the pages
    that the client has.
    """

    limit: int
    cursor: str | None
    if_none_match: str | None
    sort: str | None = None
    include_total: bool = False
    ascending: bool = False


class PagedList:
    """One list as a request asks for it.

    Args:
        lists: What its pages are made with.
        operation_id: Whose list it is.
        filters: The filters that were given, by the handler's names.
        paging: What else was.
        principal: Who asks.
        path: The values of the operation's path parameters, which are a part of what a cursor is made for.
    """

    def __init__(
        self,
        lists: Lists,
        operation_id: str,
        filters: Mapping[str, Any],
        paging: Paging,
        principal: Principal,
        **path: UUID,
    ) -> None:
        self._lists = lists
        self._operation_id = operation_id
        self._path = path
        self._filters = filters
        self._paging = paging
        self._listing = Listing(principal.tenant, operation_id, paging.sort or "", {**filters, **self._path})

    async def reply(
        self,
        read: Callable[[PageRequest], Awaitable[Page[T]]],
        presented: Callable[[T, Links], bytes],
        **beside: Mapping[str, str] | None,
    ) -> Reply:
        """Return the answer, without a body where the client has it.

        The entity tag is made of the page's revision and of which page it is: another page's tag is known of none.

        Args:
            read: Reads a page.
            presented: Makes the JSON of an item.
            beside: What else the body links to, by its relations.

        Raises:
            InvalidParameter: The filters contradict each other.
            InvalidCursor: The cursor is not one of this list.
        """
        place = f"{revision_of(self._listing, self._href(self._paging.cursor))}-"
        tag = self._lists.entity_tags.known(self._paging.if_none_match)
        known = tag.removeprefix(place) if tag is not None and tag.startswith(place) else None
        page = await read(self._request(known))
        etag = self._lists.entity_tags.tag(f"{place}{page.revision}")
        if page.revision == known:
            return Reply(None, etag=etag)
        items = [presented(item, self._lists.links) for item in page.items]
        return self._written(page, items, beside)._replace(etag=etag)

    def _request(self, known: str | None) -> PageRequest:
        require_sense(self._filters)
        cursor = None if self._paging.cursor is None else self._lists.cursors.read(self._paging.cursor, self._listing)
        ascending = self._paging.ascending or self._paging.sort == ASCENDING
        return PageRequest(self._paging.limit, ascending, cursor, self._paging.include_total, known)

    def _written(self, page: Page[T], items: Sequence[bytes], beside: Mapping[str, Mapping[str, str] | None]) -> Reply:
        following, previous = self._text(page.next), self._text(page.previous)
        addresses = {
            "self": self._href(self._paging.cursor),
            "first": self._href(None),
            **({} if following is None else {"next": self._href(following)}),
            **({} if previous is None else {"prev": self._href(previous)}),
        }
        pagination = {
            "limit": self._paging.limit,
            "has_more": following is not None,
            "next_cursor": following,
            "previous_cursor": previous,
            **({} if page.total is None else {"total": {"count": page.total.count, "exact": page.total.exact}}),
        }
        linked = {name: {"href": href} for name, href in addresses.items()}
        rest = {"pagination": pagination, "_links": {**linked, **beside}}
        body = b'{"data":[%b],%b' % (b",".join(items), orjson.dumps(rest)[1:])
        leading = [f'<{href}>; rel="{name}"' for name, href in addresses.items() if name != "self"]
        return Reply(body, headers={"Link": ", ".join(leading)})

    def _text(self, cursor: Cursor | None) -> str | None:
        return None if cursor is None else self._lists.cursors.written(cursor, self._listing)

    def _href(self, cursor: str | None) -> str:
        sort = {} if self._paging.sort is None else {"sort": self._paging.sort}
        asked = {**sort, "limit": self._paging.limit, "cursor": cursor}
        total = {"include_total": True} if self._paging.include_total else {}
        return self._lists.links.href(self._operation_id, **self._path, **self._filters, **asked, **total)
