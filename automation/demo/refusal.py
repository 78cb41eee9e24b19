"""Refusal of the demo: what stands in its way, told before it makes anything."""


class DemonstrationRefused(Exception):
    """The demo can't be had here, or would spoil what is there; the message says what to do."""
