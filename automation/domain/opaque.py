"""Opaque JSON: objects that the service only passes through, and gives back as they came."""

from typing import Any


class Opaque(dict[str, Any]):
    """A JSON object with the text that it came as: its numbers have all their digits there.

    As a dictionary it is what expressions see: integers of 64 bits, other numbers as doubles, U+FFFD for U+0000.
    """

    def __init__(self, value: dict[str, Any], text: str) -> None:
        super().__init__(value)
        self.text = text
