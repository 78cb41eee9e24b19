"""Tells why a connection could not be made: each cause in its own words, none of which holds what was asked for."""

import errno
import ssl
from collections.abc import Iterator

_UNTRUSTED = {
    9: "its certificate is not valid yet",
    10: "its certificate has expired",
    18: "its certificate is signed by itself",
    19: "its certificate's chain ends with one that is signed by itself",
    20: "its certificate's issuer is not known",
    21: "its certificate's chain is incomplete",
    23: "its certificate has been revoked",
    62: "its certificate is for another name",
    64: "its certificate is for another address",
}
"""Sentences by OpenSSL's codes of verification (X509_V_ERR_…)."""

_UNREACHABLE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL})


def unconnected(error: BaseException) -> str:
    """Return the rest of a sentence that begins with the host, from the error that an HTTP client raised."""
    for cause in _causes(error):
        match cause:
            case ssl.SSLCertVerificationError():
                reason = _UNTRUSTED.get(cause.verify_code, "its certificate can't be verified")
                return f"was not called: {reason}"
            case ssl.SSLError():
                return "was not called: it did not agree on TLS"
            case ConnectionRefusedError():
                return "refused the connection"
            case ConnectionResetError() | BrokenPipeError():
                return "closed the connection before anything was sent"
            case OSError() if cause.errno in _UNREACHABLE:
                return "can't be reached: there is no way to its address"
    return "could not be connected to"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what it was raised from, several attempts in a group each."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for each in error.exceptions:
                yield from _causes(each)
        error = error.__cause__ or error.__context__
