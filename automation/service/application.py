"""The composition root: settings in, one complete ASGI application out, with nothing left to build at a request."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from functools import partial
from types import MappingProxyType

import orjson
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
from automation.contract.serving.entity_tags import EntityTags
from automation.contract.serving.lanes import Lane
from automation.engine.actions import Actions
from automation.engine.actions.catalogue import Catalogue
from automation.engine.rules.event_desk import EventDesk
from automation.engine.rules.rule_desk import RuleDesk
from automation.engine.runs.ticker import first_firing
from automation.engine.triggers import EventReader, Triggers
from automation.engine.triggers.rule_openapi import RuleOpenApi
from automation.engine.triggers.waiting import Waiting
from automation.service import logs
from automation.service.bulk_rounds import BulkRounds
from automation.service.deeds import Deeds
from automation.service.deliveries import Deliveries
from automation.service.environment import from_environment
from automation.service.http.client_addresses import ClientAddresses
from automation.service.http.cross_origin import CrossOrigin, Preflights
from automation.service.http.request_log import RequestLog
from automation.service.http.watched_server import HURRY, READINESS
from automation.service.pages import Documentation
from automation.service.problems import Problems
from automation.service.refusals import Refusals
from automation.service.repeated_writes import around_writes
from automation.service.resources import load_actions
from automation.service.secret_keys import keyring_of
from automation.service.setting_types import parts
from automation.service.settings import Settings
from automation.storage.answers import Answers
from automation.storage.audit_log import AuditLog
from automation.storage.bulk_changes import BulkChanges
from automation.storage.bulk_operations import BulkOperations
from automation.storage.bulk_work import BulkWork
from automation.storage.events import Events
from automation.storage.execution_list import ExecutionList
from automation.storage.executions import Executions
from automation.storage.hooks import HookDirectory, RuleHooks
from automation.storage.key_changes import KeyChanges
from automation.storage.keys import KeyDirectory
from automation.storage.pool.database import Database
from automation.storage.principals import Principals
from automation.storage.rate_windows import RateWindows
from automation.storage.readiness import Readiness
from automation.storage.rule_list import RuleList
from automation.storage.rule_statistics import RuleStatistics
from automation.storage.rule_versions import RuleVersions
from automation.storage.rules import Rules
from automation.storage.secrets.secrets import Secrets
from handlers.bulk_body import BulkDesk
from handlers.pages import Lists
from security.authenticator import Authenticator
from security.authorization import authorized
from security.freshness import GOOD_FOR, Freshness
from security.hooks import Hooks
from security.rate_limits import RateLimits
from security.refused_keys import RefusedKeys
from security.scheme import ApiKeyScheme

HANDLERS = "handlers"
LANES: Mapping[str, Lane | None] = MappingProxyType(
    dict.fromkeys(
        (
            *("getAutomationExecution", "executeAutomationRule", "publishAutomationEvent", "receiveWebhook"),
            *("cancelAutomationExecution", "deleteAutomationExecution", "retryAutomationExecution"),
        )
    )
    | {"previewAutomationRuleSchedule": Lane.COMPUTED}
)
"""One execution is read or changed, and some are started, without waiting: the database makes the answer."""
PROVIDED: tuple[type, ...] = (
    *(AuditLog, BulkDesk, BulkOperations, Catalogue, EntityTags, EventDesk, EventReader, Events),
    *(
        ExecutionList,
        Executions,
        Links,
        Lists,
        Principals,
        Published,
        Readiness,
        RuleDesk,
        RuleHooks,
        RuleList,
        RuleOpenApi,
        Rules,
    ),
    *(RuleStatistics, RuleVersions, Secrets, Triggers, Waiting),
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
    rates = RateLimits(RateWindows(database), settings.limits)
    freshness = Freshness()
    authenticator = Authenticator(KeyDirectory(database), rates=rates, freshness=freshness)
    refused = RefusedKeys(settings.refused_keys_per_minute)
    addresses = ClientAddresses(settings.trusted_networks)
    keyring = keyring_of(settings)
    hooks = Hooks(HookDirectory(database, keyring), rates, refused, addresses.of)
    readiness = Readiness(database)
    problems = Problems(contract)
    deeds = Deeds(contract.operations.values(), addresses)
    audit_log = AuditLog(database)
    refusals = Refusals(audit_log, deeds)
    published = Published(document, settings.path_prefix, withheld=not settings.publish_contract)
    if on_published is not None:
        on_published(published)
    cursors = _cursors(settings)
    triggers = Triggers(document, timedelta(seconds=settings.least_interval))
    desk = RuleDesk(actions, triggers)
    executions = Executions(database, settings.limits, desk.require_input)
    waiting = Waiting(executions)
    rounds = BulkRounds(BulkWork(database, executions))
    answers = Answers(database, kept=timedelta(hours=settings.idempotency_hours), limits=settings.limits)
    bulk_operations = BulkOperations(database)
    entity_tags = EntityTags([orjson.dumps(document), settings.path_prefix.encode(), cursors.fingerprint])
    provided: Mapping[type, object] = {
        AuditLog: audit_log,
        Catalogue: Catalogue(actions),
        EntityTags: entity_tags,
        EventReader: EventReader(document),
        EventDesk: EventDesk(desk),
        Events: Events(database, settings.limits),
        ExecutionList: ExecutionList(database),
        Executions: executions,
        BulkDesk: BulkDesk(BulkChanges(database), bulk_operations, contract.links),
        BulkOperations: bulk_operations,
        Links: contract.links,
        Lists: Lists(contract.links, cursors, entity_tags),
        Principals: Principals(database, settings.limits),
        Published: published,
        Readiness: readiness,
        RuleDesk: desk,
        RuleHooks: RuleHooks(database),
        RuleList: RuleList(database),
        Rules: Rules(database, settings.limits, first_firing),
        RuleOpenApi: RuleOpenApi(published.current.document),
        RuleStatistics: RuleStatistics(database),
        RuleVersions: RuleVersions(database),
        Secrets: Secrets(database, keyring, settings.limits),
        Triggers: triggers,
        Waiting: waiting,
    }
    writes = partial(around_writes, answers, deeds, () if keyring is None else keyring.digest_keys())
    application = contract_application.build(
        contract,
        handlers=HANDLERS,
        provided=provided,
        security_map={"apiKey": lambda: ApiKeyScheme(authenticator, refused, addresses.of)},
        guards=[authorized, hooks.guard],
        around=lambda operation: Deliveries(operation, deeds) if operation.hook else writes(operation),
        error_handler=problems.handle,
        lanes=LANES,
        lifespan=_lifespan(
            database,
            authenticator,
            refusals,
            refused,
            key_changes=KeyChanges(_url(settings), freshness, good_for=GOOD_FOR),
            readiness=readiness,
            rounds=rounds,
            waiting=waiting,
        ),
    )
    swagger_ui = settings.documentation and settings.publish_contract
    documented = Documentation(
        application, swagger_ui=swagger_ui, contract=settings.publish_contract, prefix=settings.path_prefix
    )
    logged = partial(RequestLog, problems=problems, addresses=addresses, on_refusal=refusals.see)
    if not settings.origins:
        return logged(documented)
    return CrossOrigin(logged(Preflights(documented, settings.origins)), settings.origins)


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
    return Database(
        _url(settings),
        pool_min=settings.pool_min,
        pool_max=settings.pool_max,
        pool_timeout=settings.pool_timeout,
        query_timeout=settings.query_timeout,
        application_name="automation-executions",
        prepare=settings.prepare_statements,
    )


def _url(settings: Settings) -> str:
    if settings.database_url is None:
        raise ValueError("the settings name no database")
    return settings.database_url.get_secret_value()


def _cursors(settings: Settings) -> Cursors:
    keys = passing_keys() if settings.cursor_keys is None else settings.cursor_keys.get_secret_value()
    return Cursors(dict(key.split(":", 1) for key in parts(keys)))


def _lifespan(
    database: Database,
    authenticator: Authenticator,
    refusals: Refusals,
    refused: RefusedKeys,
    *,
    key_changes: KeyChanges,
    readiness: Readiness,
    rounds: BulkRounds,
    waiting: Waiting,
) -> Callable[[object], AbstractAsyncContextManager[Mapping[str, object]]]:
    @asynccontextmanager
    async def lifespan(_app: object) -> AsyncIterator[Mapping[str, object]]:
        await database.open()
        key_changes.start()
        authenticator.start()
        refusals.start()
        rounds.start()
        try:
            yield {READINESS: readiness, HURRY: waiting.stop}
        finally:
            await rounds.stop()
            await refusals.stop()
            refused.stop()
            await authenticator.stop()
            await key_changes.stop()
            await database.close()

    return lifespan
