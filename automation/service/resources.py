"""Gives actions what the settings grant them: the networks they may reach, and the mail server that sends for them."""

from automation.engine.actions import ActionResources, Actions, Egress, MailServer
from automation.service.settings import Settings


def load_actions(settings: Settings) -> Actions:
    """Return every installed action, made with what the settings give.

    Raises:
        BrokenActions: With one line for each that can't be used.
    """
    return Actions.load(action_resources(settings))


def action_resources(settings: Settings) -> ActionResources:
    """Return what actions are made with."""
    return ActionResources(egress=Egress(settings.egress_networks), mail_server=_mail_server(settings))


def _mail_server(settings: Settings) -> MailServer | None:
    if settings.smtp_host is None or settings.smtp_sender is None:
        return None
    password = settings.smtp_password
    return MailServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        sender=settings.smtp_sender,
        tls=settings.smtp_tls,
        username=settings.smtp_username,
        recipient_domains=settings.recipient_domains,
        password=None if password is None else password.get_secret_value(),
    )
