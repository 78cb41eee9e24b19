"""Checks of a contract before it is served: one module per part of it, each yielding everything it finds."""
