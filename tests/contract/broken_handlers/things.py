"""The operations of the tag Things, in a module that imports what is missing."""

import nothing_like_it  # type: ignore[import-not-found]  # noqa: F401 - what this is about
