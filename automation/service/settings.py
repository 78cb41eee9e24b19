"""Settings: everything an operator may set, read from the environment in one place and validated at start."""

from pathlib import Path
from typing import Annotated

from pydantic import (
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from automation.domain.limits import Limits as TenantLimits
from automation.domain.limits import read_defaults
from automation.domain.retention import Retention, read_retention
from automation.engine.mail_tls import MailTls
from automation.engine.networks import Network, networks
from automation.service.connection_bounds import Bounds, most_connections
from automation.service.setting_types import (
    EMBEDDED,
    CursorKeys,
    DatabaseUrl,
    Directory,
    Domains,
    LimitList,
    LogFormat,
    LogLevel,
    Networks,
    Origins,
    PathPrefix,
    ResultBytes,
    RetentionList,
    SecretKeys,
    Sender,
    parts,
)
from automation.service.watchdog import Limits

PREFIX = "AUTOMATION_"
# A request that the database keeps waiting is answered 503 within five seconds.
_LONGEST_WAIT = 4.25


class Settings(BaseSettings):
    """The service's settings: ``AUTOMATION_`` and the field's name in upper case."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    database_url: Annotated[
        DatabaseUrl | None,
        Field(description="PostgreSQL 15 or later, as the role of the API; or the word embedded."),
    ] = None
    worker_url: Annotated[
        DatabaseUrl | None,
        Field(description="The same database as the role of the workers, for automation worker; not through a pooler."),
    ] = None
    migration_url: Annotated[
        DatabaseUrl | None,
        Field(description="The same database as the owner of its tables: migrations, tenants, users and keys."),
    ] = None
    data_dir: Annotated[Directory, Field(description="Where the embedded PostgreSQL, demo.json and demo.log live.")] = (
        Path(".data")
    )
    embedded_user: Annotated[
        str | None,
        Field(
            min_length=1,
            description="The unprivileged user that the embedded PostgreSQL runs as when the service runs as root; "
            "without it automation-postgres, which is created when it is missing.",
        ),
    ] = None
    host: Annotated[str, Field(min_length=1, description="The address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="The port to listen on; 0 takes a free one.")] = 8080
    allowed_hosts: Annotated[
        Domains,
        Field(
            description="Hosts that requests may be meant for, such as api.example.com,.example.org (with a dot: all "
            "below), separated by commas; all when empty."
        ),
    ] = ""
    cors_origins: Annotated[
        Origins,
        Field(
            description="Sites whose pages may call the service from browsers, such as https://app.example.com; "
            "separated by commas, * for all; none when empty."
        ),
    ] = ""
    trusted_proxies: Annotated[
        Networks,
        Field(
            description="Networks of proxies whose X-Forwarded-For is believed, separated by commas; none when empty."
        ),
    ] = ""
    refused_keys_per_minute: Annotated[
        PositiveInt,
        Field(description="Keys of one address that a process refuses in a minute before it slows them down."),
    ] = 300
    path_prefix: Annotated[
        PathPrefix,
        Field(description="What stands before every path, such as /automation; a proxy passes it on unchanged."),
    ] = ""
    cursor_keys: Annotated[
        CursorKeys | None, Field(description="id:secret, separated by commas, for cursors of lists; the first signs.")
    ] = None
    secret_keys: Annotated[
        SecretKeys | None,
        Field(
            description="id:key, separated by commas, for secrets: 32 bytes in base64 each; the first encrypts. "
            "Without it there are no secrets, but on the embedded PostgreSQL."
        ),
    ] = None
    log_format: Annotated[LogFormat, Field(description="json for machines, console for people.")] = LogFormat.JSON
    log_level: Annotated[LogLevel, Field(description="The least serious log lines that are written.")] = LogLevel.INFO
    pool_min: Annotated[PositiveInt, Field(description="Database connections that a process keeps open.")] = 4
    pool_max: Annotated[
        PositiveInt, Field(description="Database connections that a process opens at the most, and one to listen on.")
    ] = 20
    pool_timeout: Annotated[PositiveFloat, Field(le=4, description="Seconds to wait for a free connection.")] = 1.5
    query_timeout: Annotated[PositiveFloat, Field(le=4, description="Seconds that one query may take.")] = 2.5
    prepare_statements: Annotated[
        bool,
        Field(description="Whether queries are prepared; none are behind a pooler that does not know them."),
    ] = True
    drain_seconds: Annotated[
        NonNegativeInt,
        Field(
            description="Seconds that serve goes on after SIGTERM while /readyz answers 503, for load balancers to "
            "learn of it."
        ),
    ] = 0
    shutdown_timeout: Annotated[PositiveInt, Field(description="Seconds that requests in flight get to finish.")] = 10
    first_byte_timeout: Annotated[PositiveFloat, Field(description="Seconds that a new connection may be silent.")] = 30
    idle_timeout: Annotated[
        PositiveInt, Field(description="Seconds that a connection is kept after an answer; more than a proxy keeps it.")
    ] = 75
    body_timeout: Annotated[
        PositiveFloat,
        Field(description="Seconds that a request's body may take, and one more for each AUTOMATION_SLOWEST_RATE."),
    ] = 10
    write_timeout: Annotated[
        PositiveFloat,
        Field(description="Seconds in which a client must have read AUTOMATION_SLOWEST_RATE for each of an answer."),
    ] = 30
    slowest_rate: Annotated[
        PositiveInt, Field(description="Bytes a second that a client sends of a body or reads of an answer.")
    ] = 1024
    max_connections: Annotated[
        PositiveInt | None,
        Field(description="Connections that a process has at the most; without it, by its limit of descriptors."),
    ] = None
    max_connections_per_address: Annotated[
        PositiveInt | None,
        Field(description="How many of them may come from one address; without it, half of them."),
    ] = None
    watchdog_warn_seconds: Annotated[
        float, Field(ge=0.1, description="Seconds that an event loop may be held before its stack is logged.")
    ] = 1
    watchdog_kill_seconds: Annotated[
        PositiveFloat, Field(description="Seconds that an event loop may be held before its process is ended.")
    ] = 10
    egress_allow: Annotated[
        Networks,
        Field(
            description="Networks that webhooks may call although they are private or special, such as 10.1.0.0/16; "
            "separated by commas."
        ),
    ] = ""
    smtp_host: Annotated[
        str | None, Field(min_length=1, description="The mail server for email_notification; without it, mail fails.")
    ] = None
    smtp_port: Annotated[int, Field(ge=1, le=65535, description="The mail server's port.")] = 587
    smtp_tls: Annotated[
        MailTls, Field(description="starttls, tls from the first byte, or none; there is no falling back.")
    ] = MailTls.STARTTLS
    smtp_username: Annotated[str | None, Field(description="Logs in to the mail server, where somebody does.")] = None
    smtp_password: Annotated[SecretStr | None, Field(description="Goes with the mail server's username.")] = None
    smtp_sender: Annotated[
        Sender,
        Field(
            validate_default=True,
            description="The address that mail comes from, with or without a display name; needed with a mail server.",
        ),
    ] = None
    smtp_recipient_domains: Annotated[
        Domains,
        Field(
            description="Domains that mail may be sent to, such as example.com,.example.org (with a dot: all below), "
            "separated by commas; all when empty."
        ),
    ] = ""
    concurrency: Annotated[PositiveInt, Field(description="Executions that a worker runs at the same time.")] = 20
    tenant_limits: Annotated[
        LimitList, Field(description="What a tenant may use that has no limits of its own, such as max_pending=500.")
    ] = ""
    retention: Annotated[
        RetentionList,
        Field(description="Days that finished executions and audit events of tenants are kept, such as completed=30."),
    ] = ""
    least_interval: Annotated[PositiveInt, Field(description="Seconds between two runs of a recurring rule.")] = 1
    lease: Annotated[
        PositiveInt, Field(ge=3, le=25, description="Seconds after which a silent worker loses its executions.")
    ] = 15
    max_lost_workers: Annotated[PositiveInt, Field(description="Workers that may be lost at one action in a row.")] = 3
    drain_timeout: Annotated[
        NonNegativeInt, Field(description="Seconds that actions in flight get to end when a worker stops.")
    ] = 30
    idempotency_hours: Annotated[PositiveInt, Field(le=720, description="Hours that a repeated write is known.")] = 24
    max_result_bytes: Annotated[ResultBytes, Field(description="Bytes of results that an execution keeps.")] = 1024**2
    publish_contract: Annotated[bool, Field(description="Whether the contract is served, below /api/v1.")] = True
    documentation: Annotated[
        bool, Field(description="Whether Swagger UI is served under /docs; it needs the published contract.")
    ] = True

    @field_validator("pool_max")
    @classmethod
    def _is_not_below_the_minimum(cls, value: int, info: ValidationInfo) -> int:
        if value < info.data.get("pool_min", 1):
            raise ValueError("must not be less than AUTOMATION_POOL_MIN")
        return value

    @field_validator("query_timeout")
    @classmethod
    def _leaves_time_to_answer(cls, value: float, info: ValidationInfo) -> float:
        if value + info.data.get("pool_timeout", 0) > _LONGEST_WAIT:
            raise ValueError(f"must not be more than {_LONGEST_WAIT} together with AUTOMATION_POOL_TIMEOUT")
        return value

    @field_validator("watchdog_kill_seconds")
    @classmethod
    def _comes_after_the_warning(cls, value: float, info: ValidationInfo) -> float:
        if value <= info.data.get("watchdog_warn_seconds", 0):
            raise ValueError("must be more than AUTOMATION_WATCHDOG_WARN_SECONDS")
        return value

    @property
    def origins(self) -> tuple[str, ...]:
        """The sites whose pages may call the service from browsers, or ``*``; none for none."""
        return tuple(parts(self.cors_origins))

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that requests may be meant for, in lower case; none for all."""
        return tuple(part.lower() for part in parts(self.allowed_hosts))

    @property
    def recipient_domains(self) -> tuple[str, ...]:
        """The domains that mail may be sent to, in lower case; none for all."""
        return tuple(part.lower() for part in parts(self.smtp_recipient_domains))

    @property
    def limits(self) -> TenantLimits:
        """What a tenant may use that has no limits of its own."""
        return read_defaults(parts(self.tenant_limits))

    @property
    def kept(self) -> Retention:
        """For how many days what is kept of tenants that have no retention of their own."""
        return read_retention(parts(self.retention))

    @property
    def watchdog(self) -> Limits:
        """The limits that every event loop is held to."""
        return Limits(self.watchdog_warn_seconds, self.watchdog_kill_seconds)

    @property
    def connection_bounds(self) -> Bounds:
        """What connections are held to."""
        most = self.max_connections or most_connections(self.pool_max + 1)
        return Bounds(
            first_byte_seconds=self.first_byte_timeout,
            body_seconds=self.body_timeout,
            write_seconds=self.write_timeout,
            slowest_rate=self.slowest_rate,
            most=most,
            most_per_address=self.max_connections_per_address or max(1, most // 2),
        )

    @property
    def egress_networks(self) -> tuple[Network, ...]:
        """The networks that webhooks may call although they are private or special."""
        return networks(parts(self.egress_allow))

    @property
    def trusted_networks(self) -> tuple[Network, ...]:
        """The networks of proxies that are believed whom a request comes from."""
        return networks(parts(self.trusted_proxies))

    @property
    def embedded(self) -> bool:
        """Whether the database is the embedded PostgreSQL in the data directory."""
        return self.database_url is not None and self.database_url.get_secret_value() == EMBEDDED


def variable(field: str) -> str:
    """Return the name of the environment variable that sets a field."""
    return f"{PREFIX}{field.upper()}"
