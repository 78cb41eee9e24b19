"""Options of httpx for clients of what runs on the loopback: no proxies, and no TLS.

A client reads the world's certificates before it asks anything, also for ``http://``: that took 20 ms of processor time
each, ten times what the request took, and tests make thousands.
"""

import ssl
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

PLAIN: Mapping[str, Any] = MappingProxyType(
    {
        "trust_env": False,
        "verify": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),  # it has no certificates, and trusts nobody
    }
)
