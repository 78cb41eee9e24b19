"""Automation executions: runs automation rules and tells each tenant exactly what happened."""

import warnings

# Connexion imports Starlette's test client wherever it is imported; nothing here uses it.
warnings.filterwarnings("ignore", message="Using `httpx` with `starlette.testclient`")

DISTRIBUTION = "automation-executions"
"""The name that the service is installed by."""
