"""The pages for people beside the contract: the root, Swagger UI under /docs, the guides, every problem type.

Every address in them is relative, so that they lead where they should whatever path the service is served under.
"""

from automation.service.pages.middleware import Documentation

__all__ = ["Documentation"]
