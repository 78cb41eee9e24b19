"""Refusal to start: what of the settings' database or its role can't be used."""


class StartFailure(Exception):
    """The service can't start; one line for each reason in ``lines``."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines
