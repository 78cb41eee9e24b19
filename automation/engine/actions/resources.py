"""Resources that the operator gives to actions: the way to the network, and the mail server."""

from dataclasses import dataclass, field

from automation.engine.actions.egress import Egress
from automation.engine.mail_tls import MailTls


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """The SMTP server that sends the notifications.

    Args:
        host: Its name or address; chosen by the operator, so it may be a private one.
        port: 25, 465 (``tls``) and 587 (``starttls``) are usual.
        sender: The address that mail comes from, with or without a display name.
        tls: With ``starttls`` and ``tls`` its certificate is verified; there is no falling back to plain text.
        username: Logs in when given.
        password: Goes with the username.
        recipient_domains: Domains that mail may be sent to, in lower case; all where there are none. One that begins
            with a dot stands for every domain below it.
    """

    host: str
    port: int
    sender: str
    tls: MailTls = MailTls.STARTTLS
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    recipient_domains: tuple[str, ...] = ()

    def serves(self, address: str) -> bool:
        """Return whether mail may be sent to an address."""
        domain = address.rpartition("@")[2].lower()
        return not self.recipient_domains or any(
            domain.endswith(allowed) if allowed.startswith(".") else domain == allowed
            for allowed in self.recipient_domains
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionResources:
    """The operator's resources for actions. Without a mail server, sending mail fails and says so."""

    egress: Egress = field(default_factory=Egress)
    mail_server: MailServer | None = None
