"""Follows the README on machines where nothing was prepared: ``make test-fresh``.

A machine is a copy of this one's file tree (an overlay, so nothing is copied) or a small Debian, with processes,
network, users and files of its own. What is prepared on this one is gone there: the service's user and its directories,
virtual environments, caches, homes. Run by the machine's own Python with the standard library alone.
"""
