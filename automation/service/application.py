"""The composition root: settings in, one complete ASGI application out, with nothing left to build at a request."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from functools import partial

from starlette.types import ASGIApp

from automation.contract.checks.check import check
from automation.contract.compiled.contract import Contract
from automation.contract.compiled.cursors import Cursors, passing_keys
from automation.contract.compiled.links import Links
from automation.contract.document.document import Document, default_path, load
from automation.contract.document.findings import ContractError, Finding
from automation.contract.document.installed import common, filled
from automation.contract.document.published import Published
from automation.contract.serving import application as contract_application
from automation.engine.actions import Actions
from automation.engine.rules.rule_desk import RuleDesk
from automation.service import logs
from automation.service.environment import from_environment
from automation.service.http.client_addresses import ClientAddresses
from automation.service.http.cross_origin import CrossOrigin, Preflights
from automation.service.http.request_log import RequestLog
from automation.service.http.watched_server import READINESS
from automation.service.pages import Documentation
from automation.service.problems import Problems
from automation.service.repeated_writes import around_writes
from automation.service.resources import load_actions
from automation.service.setting_types import parts
from automation.service.settings import Settings
from automation.storage.answers import Answers
from automation.storage.execution_list import ExecutionList
from automation.storage.executions import Executions
from automation.storage.keys import KeyDirectory
from automation.storage.pool.database import Database
from automation.storage.principals import Principals
from automation.storage.readiness import Readiness
from automation.storage.rule_list import RuleList
from automation.storage.rule_versions import RuleVersions
from automation.storage.rules import Rules
from security.authenticator import Authenticator
from security.authorization import authorized
from security.scheme import ApiKeyScheme

HANDLERS = "handlers"
PROVIDED: tuple[type, ...] = (
    *(Cursors, ExecutionList, Executions, Links, Principals, Published),
    *(Readiness, RuleDesk, RuleList, Rules, RuleVersions),
)
"""What handlers may ask for by annotation."""


def create_from_environment() -> ASGIApp:
    """Return the application for a server process, configured by its environment alone."""
    settings = from_environment()
    logs.configure(settings.log_format, settings.log_level)
    return create(settings)


def create(
    settings: Settings,
    actions: Actions | None = None,
    document: Document | None = None,
    *,
    on_published: Callable[[Published], None] | None = None,
) -> ASGIApp:
    """Return the application, complete; its lifespan opens and closes the database.

    Args:
        settings: ``database_url`` must be a URL by now.
        actions: Those that are installed, where they were loaded already.
        document: The contract with these actions, where it was loaded and checked already.
        on_published: Given the published contract, to show what there is in it.

    Raises:
        ContractError: the contract, a handler, a permission or a security function is not right.
        BrokenActions: an installed action can't be used.
    """
    actions = actions or load_actions(settings)
    document = document or load_document(actions)
    contract = Contract(common(document), base_path=settings.path_prefix)
    database = open_database(settings)
    authenticator = Authenticator(KeyDirectory(database))
    readiness = Readiness(database)
    problems = Problems(contract)
    published = Published(document, settings.path_prefix, withheld=not settings.publish_contract)
    if on_published is not None:
        on_published(published)
    provided: Mapping[type, object] = {
        Cursors: _cursors(settings),
        ExecutionList: ExecutionList(database),
        Executions: Executions(database, settings.limits),
        Links: contract.links,
        Principals: Principals(database),
        Published: published,
        Readiness: readiness,
        RuleDesk: RuleDesk(actions),
        RuleList: RuleList(database),
        Rules: Rules(database),
        RuleVersions: RuleVersions(database),
    }
    application = contract_application.build(
        contract,
        handlers=HANDLERS,
        provided=provided,
        security_map={"apiKey": lambda: ApiKeyScheme(authenticator)},
        guards=[authorized],
        around=partial(around_writes, Answers(database, kept=timedelta(hours=settings.idempotency_hours))),
        error_handler=problems.handle,
        lifespan=_lifespan(database, authenticator, readiness),
    )
    swagger_ui = settings.documentation and settings.publish_contract
    documented = Documentation(
        application, swagger_ui=swagger_ui, contract=settings.publish_contract, prefix=settings.path_prefix
    )
    addresses = ClientAddresses(settings.trusted_networks)
    if not settings.origins:
        return RequestLog(documented, problems, addresses)
    return CrossOrigin(RequestLog(Preflights(documented, settings.origins), problems, addresses), settings.origins)


def load_document(actions: Actions) -> Document:
    """Return the shipped contract with the actions that are installed, checked.

    Raises:
        ContractError: with every finding.
    """
    document = load(default_path())
    findings = check_installed(document, actions)
    if findings:
        raise ContractError(tuple(findings))
    return filled(document, actions.written_schemas)


def check_installed(document: Document, actions: Actions) -> list[Finding]:
    """Return everything that is wrong with a contract, as it stands and with the actions that are installed."""
    found = check(document, handlers=HANDLERS, provided=PROVIDED)
    if found:
        return found
    try:
        served = filled(document, actions.written_schemas)
    except ContractError as error:
        return list(error.findings)
    return [] if served == document else check(served, handlers=HANDLERS, provided=PROVIDED)


def open_database(settings: Settings) -> Database:
    """Return the database that the settings name; it connects when it is opened."""
    if settings.database_url is None:
        raise ValueError("the settings name no database")
    return Database(
        settings.database_url.get_secret_value(),
        pool_min=settings.pool_min,
        pool_max=settings.pool_max,
        pool_timeout=settings.pool_timeout,
        query_timeout=settings.query_timeout,
        application_name="automation-executions",
        prepare=settings.prepare_statements,
    )


def _cursors(settings: Settings) -> Cursors:
    keys = passing_keys() if settings.cursor_keys is None else settings.cursor_keys.get_secret_value()
    return Cursors(dict(key.split(":", 1) for key in parts(keys)))


def _lifespan(
    database: Database, authenticator: Authenticator, readiness: Readiness
) -> Callable[[object], AbstractAsyncContextManager[Mapping[str, object]]]:
    @asynccontextmanager
    async def lifespan(_app: object) -> AsyncIterator[Mapping[str, object]]:
        await database.open()
        authenticator.start()
        try:
            yield {READINESS: readiness}
        finally:
            await authenticator.stop()
            await database.close()

    return lifespan
