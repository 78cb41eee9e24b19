"""Tests by tools that no one here wrote: each needs Node, Java or a browser."""
