"""Reads paths that stand in files, where anything may stand."""

import os
from pathlib import Path


def absolute(written: object) -> Path | None:
    """Return the path, None where it isn't one that means the same to everybody.

    A relative one would be judged against the reader's current directory, and the system's calls can't be asked of one
    with a NUL or without an encoding.
    """
    if not isinstance(written, str) or "\0" in written:
        return None
    try:
        os.fsencode(written)
    except UnicodeEncodeError:
        return None
    path = Path(written)
    return path if path.is_absolute() else None
