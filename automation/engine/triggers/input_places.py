"""Places of what a rule's input schema refuses, in what was sent: nobody has sent ``trigger`` as it is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from automation.domain.errors import InvalidInput, Violation
from automation.domain.events import Event
from automation.engine.triggers.event import PREFIX

Place = Callable[[Violation], Violation]
"""Says of what is wrong with ``trigger_data`` where that was sent."""

_TRIGGER_DATA = "/trigger_data"


@contextmanager
def refused_as_sent(rule_id: UUID, place: Place) -> Iterator[None]:
    """Have what a rule refuses within told of what was sent, with the rule's id.

    Raises:
        InvalidInput: A rule takes no such thing.
    """
    try:
        yield
    except InvalidInput as error:
        detail = f"What was sent is not as the input_schema of the rule {rule_id} says."
        raise InvalidInput(detail, violations=[place(each) for each in error.violations]) from None


def of_event(event: Event) -> Place:
    """Return where parts of an event were sent: in the body, or, where its data is that, in headers."""

    def place(violation: Violation) -> Violation:
        name, below, whole = _parts(violation)
        if event.place is not None:
            return Violation(violation.message, pointer=event.place + whole)
        if name in {"data", "data_base64", ""}:
            return Violation(violation.message, pointer=below)
        return Violation(violation.message, parameter=f"{PREFIX}{name}")

    return place


def of_delivery(violation: Violation) -> Violation:
    """Return where a part of what a hook was sent is: in the body, a parameter of the query or a header."""
    name, below, _ = _parts(violation)
    if name in {"query", "headers"} and below:
        return Violation(violation.message, parameter=_unescaped(below[1:].partition("/")[0]))
    return Violation(violation.message, pointer=below if name == "body" else "")


def _parts(violation: Violation) -> tuple[str, str, str]:
    """Return the member of ``trigger`` that a violation leads to, what follows that, and both."""
    whole = (violation.pointer or "").removeprefix(_TRIGGER_DATA)
    name, slash, below = whole[1:].partition("/")
    return _unescaped(name), slash + below, whole


def _unescaped(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")
