"""Handlers that can not be imported."""
