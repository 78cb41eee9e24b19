"""The operator's settings become what actions are given."""

from ipaddress import ip_network

import pytest
from pydantic import SecretStr

from automation.engine.actions import MailServer, MailTls
from automation.service.resources import action_resources, load_actions
from automation.service.settings import Settings


def test_without_settings_there_is_no_mail_server() -> None:
    assert action_resources(Settings()).mail_server is None


def test_the_mail_server_is_the_operators() -> None:
    settings = Settings(
        smtp_host="mail.example.com",
        smtp_port=465,
        smtp_tls=MailTls.TLS,
        smtp_username="robot",
        smtp_password=SecretStr("s3cret"),
        smtp_sender="Robot <robot@example.com>",
    )

    resources = action_resources(settings)

    assert resources.mail_server == MailServer(
        host="mail.example.com",
        port=465,
        sender="Robot <robot@example.com>",
        tls=MailTls.TLS,
        username="robot",
        password="s3cret",
    )


@pytest.mark.parametrize(
    ("text", "networks"),
    [("", []), ("10.1.0.0/16", ["10.1.0.0/16"]), (" 127.0.0.1 , fd00::/8,", ["127.0.0.1/32", "fd00::/8"])],
)
def test_networks_are_separated_by_commas(text: str, networks: list[str]) -> None:
    assert Settings(egress_allow=text).egress_networks == tuple(map(ip_network, networks))


def test_every_installed_action_is_there() -> None:
    assert set(load_actions(Settings()).names) >= {"email_notification", "wait", "webhook_call"}
