"""Client SDKs, generated from the published contract into ``dist/sdk/``: ``make sdk``."""
