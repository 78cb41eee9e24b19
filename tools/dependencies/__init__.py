"""Holds every import to the dependencies of the room that it stands in, and finds those that nobody needs."""
