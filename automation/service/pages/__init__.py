"""The pages for people beside the contract: Swagger UI under /docs, and what each problem type means under /problems.

Every address in them is relative, so that they lead where they should whatever path the service is served under.
"""

from automation.service.pages.middleware import Documentation

__all__ = ["Documentation"]
