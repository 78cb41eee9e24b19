"""The protection of the connection to a mail server: named by settings, applied by the action that sends mail.

It stands outside ``actions`` so that settings are read without importing what actions need.
"""

from enum import StrEnum


class MailTls(StrEnum):
    """How the connection to the mail server is protected."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"
