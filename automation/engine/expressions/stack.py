"""Room on Python's stack, so that an evaluation takes the same time however deeply it nests.

CPython keeps its frames in chunks of 16 KiB. A call that does not fit allocates a new chunk and frees it when it
returns, which takes some ten times as long as the call itself; and a loop that happens to stand at the end of a chunk
pays that for each call it makes. Whoever writes an expression chooses its depth and so could aim at that place: an
evaluation of 40 ms took 600 ms.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")

_WORDS = 16 * 1024
"""The size of a frame that fills half of a chunk of 256 KiB: what is left holds all frames of an evaluation."""


def roomy(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Make a function run in a chunk of its own, with room for all the calls it makes.

    The caller's frame between is declared larger than it is, so that CPython allocates a large chunk for it; memory
    that is not touched costs nothing.
    """

    def call(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Result:
        return function(*args, **kwargs)

    call.__code__ = call.__code__.replace(co_stacksize=_WORDS)
    return wraps(function)(call)
