/**
 * Calls every operation with openapi-generator's client, as a stranger's program would, and looks at each answer.
 *
 * Its environment says where the service is (`BASE_URL`) and what its demo.json says (`DEMO`).
 */

import {
  ActionsApi,
  AuditActor,
  AuditApi,
  AuditOutcome,
  AuditResourceType,
  type AutomationExecution,
  type AutomationRule,
  type AutomationRuleInput,
  type AutomationRulePatch,
  BulkOperationResponseFromJSON,
  BulkStatus,
  CloudEventSpecversionEnum,
  Configuration,
  ContractApi,
  EventsApi,
  ExecutionPlanResponseFromJSON,
  ExecutionRetryFromEnum,
  ExecutionRetryRuleVersionEnum,
  ExecutionsApi,
  ExecutionStatus,
  HooksApi,
  PrincipalApi,
  type PreviewAutomationRuleScheduleRequest,
  type Problem,
  ProblemFromJSON,
  ResponseError,
  type RuleAction,
  RuleDocumentsApi,
  RuleStatus,
  RulesApi,
  SchedulesApi,
  ServiceApi,
  SecretsApi,
  SortOrder,
  StatisticsBucket,
  TriggerType,
} from "automation-executions-client-fetch";
import { baseUrl, demo, demoOfMany, equal, key, present, type Same, sameTypes, tenant, until } from "./demo.js";

const audit = new AuditApi(as("operator"));
const executions = new ExecutionsApi(as("operator"));
const actions = new ActionsApi(as("operator"));
const rules = new RulesApi(as("operator"));
const secrets = new SecretsApi(as("operator"));
const xTenantId = tenant;

function as(name: string): Configuration {
  return new Configuration({ basePath: baseUrl, apiKey: key(name) });
}

/** Return the response that a call was refused with, of this status. */
async function answeredWith(call: Promise<unknown>, status: number): Promise<Response> {
  const refusal = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(refusal instanceof ResponseError)) throw new Error(`not refused: ${refusal}`);
  equal(refusal.response.status, status);
  return refusal.response;
}

/** Return the problem that a call was refused with, of this status and code. */
async function refused(call: Promise<unknown>, status: number, code?: string): Promise<Problem> {
  const problem = ProblemFromJSON(await (await answeredWith(call, status)).json());
  equal(problem.status, status);
  if (code !== undefined) equal(problem.code, code);
  return problem;
}

/** Return the header of a request that is to be done once, however often it is sent. */
function once(): { idempotencyKey: string } {
  return { idempotencyKey: crypto.randomUUID() };
}

function etag(answer: { raw: Response }): string {
  return present(answer.raw.headers.get("etag"));
}

async function lookAtTheService(): Promise<void> {
  const service = new ServiceApi(as("reader"));
  equal((await service.getLiveness()).status, "alive");
  equal((await service.getReadiness()).status, "ready");
}

async function askWhoIsCalling(): Promise<void> {
  const caller = (await new PrincipalApi(as("operator")).getCurrentPrincipal({ xTenantId })).data;
  equal([caller.tenant.id, caller.roles, caller.key.usageLimit], [tenant, ["operator"], null]);
}

async function lookAtItsVersions(rule: AutomationRule): Promise<void> {
  const id = rule.ruleId;
  const first = await rules.listAutomationRuleVersions({ id, limit: 2, xTenantId });
  const cursor = present(first.pagination.nextCursor);
  const second = await rules.listAutomationRuleVersions({ id, limit: 2, cursor });
  equal(
    [...first.data, ...second.data].map((each) => each.changed),
    [["priority"], ["name"], []],
  );
  equal(second.pagination.hasMore, false);

  const version = await rules.getAutomationRuleVersion({ id, version: 1, xTenantId });
  equal(version.data.name, rule.name);
}

async function findExecutions(rule: AutomationRule): Promise<void> {
  const ids = [await execute(rule), await execute(rule)];
  for (const id of ids) await reaches(id, ExecutionStatus.Completed);
  const [before, after] = [new Date("2020-01-01T00:00:00Z"), new Date("2999-01-01T00:00:00Z")];
  const filters = {
    status: [ExecutionStatus.Completed, ExecutionStatus.Running],
    automationRuleId: [rule.ruleId],
    triggerType: TriggerType.Manual,
    ...{ createdFrom: before, createdTo: after, startedFrom: before, startedTo: after },
    ...{ completedFrom: before, completedTo: after, durationMinMs: 0, durationMaxMs: 1e6, attemptMin: 1 },
    ...{ sort: SortOrder.OLDEST_FIRST, limit: 1, xTenantId },
  };

  const first = await executions.listAutomationExecutions(filters);
  const cursor = present(first.pagination.nextCursor);
  const second = await executions.listAutomationExecutions({ ...filters, cursor });
  equal([first.data[0]?.executionId, second.data[0]?.executionId], ids);

  const number = crypto.randomUUID();
  const labelled = await execute(rule, { number, env: "prod" });
  const found = await executions.listAutomationExecutions({ label: [`number:${number}`, "env:prod"] });
  equal([found.data.map((each) => each.executionId), found.data[0]?.labels], [[labelled], { env: "prod", event: "order", number }]);
  await reaches(labelled, ExecutionStatus.Completed);

  const none = await executions.listAutomationExecutions({ errorContains: "NO SUCH ERROR", includeTotal: true });
  equal([none.data.length, none.pagination.total?.exact], [0, true]);
}

async function findRules(rule: AutomationRule): Promise<void> {
  const query = {
    ...{ status: [RuleStatus.Active], triggerType: TriggerType.Manual, name: "Tell the other", deleted: false },
    label: ["event:order"],
    ...{ sort: SortOrder.NEWEST_FIRST, limit: 1, includeTotal: false, xTenantId },
  };
  const first = await rules.listAutomationRules(query);
  equal(first.data[0]?.ruleId, rule.ruleId);

  const every = await rules.listAutomationRules({ limit: 1 });
  const cursor = present(every.pagination.nextCursor);
  equal((await rules.listAutomationRules({ limit: 1, cursor })).data.length, 1);
}

async function findWhoDidIt(rule: AutomationRule): Promise<void> {
  const [before, after] = [new Date("2020-01-01T00:00:00Z"), new Date("2999-01-01T00:00:00Z")];
  const query = {
    ...{ action: ["createAutomationRule", "deleteAutomationRule"], outcome: AuditOutcome.Done, actor: AuditActor.User },
    ...{ userId: rule.createdBy, resourceType: AuditResourceType.Rule, resourceId: rule.ruleId },
    ...{ createdFrom: before, createdTo: after },
    ...{ sort: SortOrder.NEWEST_FIRST, limit: 1, includeTotal: false, xTenantId },
  };
  const found = await audit.listAuditEvents(query);
  equal(
    found.data.map((each) => each.action),
    ["createAutomationRule"],
  );

  const newest = await audit.listAuditEvents({ limit: 1 });
  const cursor = present(newest.pagination.nextCursor);
  equal((await audit.listAuditEvents({ limit: 1, cursor })).data.length, 1);
}

async function readTheContract(): Promise<void> {
  const contract = new ContractApi(as("reader"));
  const json = await contract.getContractJsonRaw({});
  equal((await json.value()).openapi, "3.0.3");
  await answeredWith(contract.getContractJson({ ifNoneMatch: etag(json) }), 304);
  await refused(contract.getContractJson({ ifMatch: '"another"' }), 412, "precondition_failed");

  const yaml = await contract.getContractYamlRaw({});
  equal((await yaml.value()).startsWith("openapi: 3.0.3"), true);
  await answeredWith(contract.getContractYaml({ ifNoneMatch: etag(yaml) }), 304);
  equal((await contract.getContractYaml({ ifMatch: etag(yaml) })).startsWith("openapi: 3.0.3"), true);
}

async function lookAtTheActions(): Promise<void> {
  const types = (await actions.listActionTypes({ xTenantId })).data;
  const names = types.map((each) => each.type);
  equal(
    ["email_notification", "wait", "webhook_call"].filter((name) => !names.includes(name)),
    [],
  );
  const webhook = present(types.find((each) => each.type === "webhook_call"));
  equal([webhook.waits, webhook.configSchema["required"], webhook.example !== undefined], [false, ["url"], true]);
}

async function keepASecret(): Promise<void> {
  const name = `TOKEN_${crypto.randomUUID().replaceAll("-", "")}`;
  const request = { name, automationSecretInput: { value: "4f9d2c71e8b35a60" }, ...once(), xTenantId };
  const kept = await secrets.putAutomationSecretRaw(request);
  const again = await secrets.putAutomationSecretRaw(request);
  equal([kept.raw.status, again.raw.status], [201, 201]);
  const known = (await secrets.getAutomationSecret({ name, xTenantId })).data;
  equal([known, known], [(await kept.value()).data, (await again.value()).data]);

  const second = await secrets.putAutomationSecretRaw({ ...request, name: `${name}_2`, ...once() });
  equal(second.raw.status, 201);
  const first = await secrets.listAutomationSecrets({ limit: 1, xTenantId });
  const cursor = present(first.pagination.nextCursor);
  const next = await secrets.listAutomationSecrets({ limit: 1, cursor });
  equal([first.data[0]?.name, next.data[0]?.name], [`${name}_2`, name]);

  for (const each of [name, `${name}_2`]) {
    const deleted = await secrets.deleteAutomationSecretRaw({ name: each, ...once(), xTenantId });
    equal(deleted.raw.status, 204);
  }
  await refused(secrets.getAutomationSecret({ name }), 404, "secret_not_found");
}

async function startByAWebhook(): Promise<void> {
  const automationRuleInput: AutomationRuleInput = {
    ...{ name: "Take orders", status: "active", actions: [webhook("/orders")] },
    ...{ triggerType: TriggerType.Webhook, triggerConfig: { headers: ["X-Shop"] } },
  };
  const { hook, data: rule } = await rules.createAutomationRule({ automationRuleInput });
  const { token } = present(hook);

  const hooks = new HooksApi(new Configuration({ basePath: baseUrl }));
  const delivery = { token, query: { source: "shop" }, body: { order_id: 1042 } };
  const delivered = (await hooks.receiveWebhook(delivery)).data;
  const ended = await reaches(delivered.executionId, ExecutionStatus.Completed);
  equal([ended.triggerData?.["body"], ended.triggerData?.["query"]], [{ order_id: 1042 }, { source: "shop" }]);
  await refused(hooks.receiveWebhook({ token: "no-such-token", body: {} }), 404, "not_found");

  const rotation = { id: rule.ruleId, hookRotation: { overlapSeconds: 0 }, ...once(), xTenantId };
  const rotated = await new HooksApi(as("operator")).rotateAutomationHook(rotation);
  equal(rotated.data.ruleId, rule.ruleId);
  await refused(hooks.receiveWebhook({ token, body: {} }), 404, "not_found");
}

async function startByAnEvent(): Promise<void> {
  const type = `order.${crypto.randomUUID()}`;
  const automationRuleInput: AutomationRuleInput = {
    ...{ name: "Take orders", status: "active", actions: [webhook("/orders")] },
    ...{ triggerType: TriggerType.Event, triggerConfig: { types: [type] } },
  };
  const waiting = await create(automationRuleInput);

  const events = new EventsApi(as("operator"));
  const origin = { specversion: CloudEventSpecversionEnum._10, source: "/shop", type };
  const cloudEvent = {
    ...{ ...origin, id: crypto.randomUUID(), subject: "1042", time: new Date() },
    ...{ datacontenttype: "application/json", dataschema: "https://shop.example/order", data: { order_id: 1042 } },
  };
  const published = (await events.publishAutomationEvent({ cloudEvent, ...once(), xTenantId })).data;
  const again = (await events.publishAutomationEvent({ cloudEvent })).data;
  equal(
    published[0]?.executions.map((each) => each.automationRuleId),
    [waiting.ruleId],
  );
  equal(again, published);
  const raw = { ...origin, id: crypto.randomUUID(), data_base64: "AQID" };
  equal((await events.publishAutomationEvent({ cloudEvent: raw })).data[0]?.executions.length, 1);
}

async function runItLater(): Promise<void> {
  const inputSchema = { type: "object", required: ["order_id"] };
  const keys = { concurrencyKey: "${trigger.order_id}", deduplicationKey: "${trigger.order_id}", debounceSeconds: 30 };
  const rule = await create({ ...call("/orders"), inputSchema, maxConcurrentExecutions: 1, ...keys });
  const id = rule.ruleId;
  const patched = await rules.patchAutomationRule({ id, automationRulePatch: { inputSchema, ...keys } });
  equal(patched.data.version, rule.version);

  const [runAt, expiresAt] = [1, 2].map((hours) => new Date(Date.now() + hours * 3_600_000));
  const triggerData = { order_id: 1042 };
  for (const time of [{ runAt: present(runAt), expiresAt: present(expiresAt) }, { delay: "PT1H" }]) {
    const answer = await rules.executeAutomationRuleRaw({ id, ruleExecution: { triggerData, ...time } });
    const execution = present(answer.raw.headers.get("location")?.split("/").at(-1));
    equal((await executions.getAutomationExecution({ id: execution })).data.runAt instanceof Date, true);
    await executions.cancelAutomationExecution({ id: execution });
  }
  await refused(rules.executeAutomationRule({ id, ruleExecution: {} }), 422, "invalid_input");

  const documents = new RuleDocumentsApi(as("operator"));
  const read = await documents.getAutomationRuleOpenApiRaw({ id, xTenantId });
  equal((await read.value()).openapi.startsWith("3.1"), true);
  await answeredWith(documents.getAutomationRuleOpenApi({ id, ifNoneMatch: etag(read) }), 304);
  await refused(documents.getAutomationRuleOpenApi({ id, ifMatch: '"another"' }), 412, "precondition_failed");
}

async function previewSchedules(): Promise<void> {
  const schedules = new SchedulesApi(as("operator"));
  const [night, end] = [new Date("2026-03-28T12:00:00Z"), new Date("2026-03-29T12:00:00Z")];
  const nightly = { cron: "30 2 * * *", timezone: "Europe/Berlin", after: night, xTenantId };
  // It reads a date that stands in a list as the text that it is, whatever its type says.
  const times = async (request: PreviewAutomationRuleScheduleRequest): Promise<Date[]> =>
    (await schedules.previewAutomationRuleSchedule(request)).data.times.map((each) => new Date(each));
  equal((await times(nightly)).slice(0, 2), [new Date("2026-03-29T01:00:00Z"), new Date("2026-03-30T00:30:00Z")]);

  const often = { every: "PT2H", anchor: night, startsAt: night, endsAt: end, after: night };
  equal((await times(often))[0], new Date("2026-03-28T14:00:00Z"));
  await refused(schedules.previewAutomationRuleSchedule(), 400, "invalid_parameter");
}

async function seeHowItsRunsEnded(rule: AutomationRule): Promise<void> {
  const id = rule.ruleId;
  const told = await until(
    async () => (await rules.getAutomationRuleStatistics({ id, xTenantId })).data,
    (statistics) => statistics.runs.completed > 0,
  );
  equal([told.failureRate, told.bucket, told.timeZone], [0, StatisticsBucket.Hour, "UTC"]);
  equal(told.durationMs.p95 !== null, true);

  const [from, to] = [-2, 1].map((days) => new Date(Date.now() + days * 86_400_000));
  const period = { from: present(from), to: present(to), bucket: StatisticsBucket.Day, timeZone: "Europe/Berlin" };
  const byDay = (await rules.getAutomationRuleStatistics({ id, ...period })).data;
  const completed = byDay.buckets.reduce((sum, each) => sum + each.runs.completed, 0);
  equal(completed >= told.runs.completed, true);
}

async function lookAgain(rule: AutomationRule): Promise<void> {
  const id = rule.ruleId;
  const execution = demo.executions.completed;
  const old = new Date("2020-01-01T00:00:00Z");
  interface Conditions {
    ifMatch?: string;
    ifNoneMatch?: string;
  }
  const reads: ((conditions: Conditions) => Promise<{ raw: Response }>)[] = [
    (conditions) => actions.listActionTypesRaw(conditions),
    (conditions) => audit.listAuditEventsRaw({ createdTo: old, ...conditions }),
    (conditions) => executions.getAutomationExecutionRaw({ id: execution, ...conditions }),
    (conditions) => executions.listAutomationExecutionAttemptsRaw({ id: execution, ...conditions }),
    (conditions) => executions.listAutomationExecutionsRaw({ createdTo: old, ...conditions }),
    (conditions) => rules.listAutomationRulesRaw(conditions),
    (conditions) => rules.getAutomationRuleStatisticsRaw({ id, to: old, ...conditions }),
    (conditions) => rules.listAutomationRuleVersionsRaw({ id, ...conditions }),
    (conditions) => rules.getAutomationRuleVersionRaw({ id, version: 1, ...conditions }),
    (conditions) => secrets.listAutomationSecretsRaw(conditions),
  ];
  for (const read of reads) {
    await answeredWith(read({ ifNoneMatch: etag(await read({})) }), 304);
    await refused(read({ ifMatch: '"another"' }), 412, "precondition_failed");
  }
}

async function writeARule(): Promise<AutomationRule> {
  const created = await rules.createAutomationRuleRaw({ automationRuleInput: orders("Tell the warehouse"), xTenantId });
  const rule = (await created.value()).data;
  equal([created.raw.status, rule.status, rule.tenant], [201, "active", tenant]);
  equal(created.raw.headers.get("location"), rule.links.self.href);

  const read = await rules.getAutomationRuleRaw({ id: rule.ruleId, xTenantId });
  equal((await read.value()).data, rule);
  await answeredWith(rules.getAutomationRule({ id: rule.ruleId, ifNoneMatch: etag(read) }), 304);
  await refused(rules.getAutomationRule({ id: rule.ruleId, ifMatch: '"another"' }), 412, "precondition_failed");
  return rule;
}

async function sendItAgain(): Promise<void> {
  const request = { automationRuleInput: orders("Tell the warehouse once"), ...once() };
  const first = await rules.createAutomationRuleRaw(request);
  const again = await rules.createAutomationRuleRaw(request);

  equal(first.raw.headers.get("idempotency-replayed"), null);
  equal(again.raw.headers.get("idempotency-replayed"), "true");
  equal((await again.value()).data, (await first.value()).data);
  const another = { ...request, automationRuleInput: orders("Tell it twice") };
  await refused(rules.createAutomationRule(another), 422, "idempotency_key_reused");
}

async function changeIt(rule: AutomationRule): Promise<void> {
  const ifMatch = etag(await rules.getAutomationRuleRaw({ id: rule.ruleId }));
  const change = { id: rule.ruleId, automationRuleReplacement: orders("Tell the other warehouse") };

  const changed = await rules.updateAutomationRule({ ...change, ...once(), ifMatch, xTenantId });
  equal(changed.data.version, rule.version + 1);
  await refused(rules.updateAutomationRule({ ...change, ifMatch }), 412, "precondition_failed");
  await refused(rules.updateAutomationRule({ ...change, ifNoneMatch: "*" }), 412, "precondition_failed");
}

async function putItBack(rule: AutomationRule): Promise<void> {
  const id = rule.ruleId;
  const read = (await rules.getAutomationRule({ id })).data;

  // What is read may have actions of types that this client doesn't know; here it has none.
  const automationRuleReplacement = { ...read, actions: read.actions as RuleAction[] };

  equal((await rules.updateAutomationRule({ id, automationRuleReplacement })).data, read);
}

async function patchIt(rule: AutomationRule): Promise<void> {
  const id = rule.ruleId;
  const ifMatch = etag(await rules.getAutomationRuleRaw({ id }));
  const automationRulePatch: AutomationRulePatch = { ...orders("Tell the other warehouse"), priority: 1 };
  const unlike = { ifMatch, ifNoneMatch: '"another"' };

  const patched = await rules.patchAutomationRule({ id, automationRulePatch, ...once(), ...unlike, xTenantId });
  equal(patched.data.priority, 1);
  equal((await rules.patchAutomationRule({ id, automationRulePatch: { priority: 1 } })).data, patched.data);
}

async function planIt(rule: AutomationRule): Promise<void> {
  const ruleExecution = { triggerData: { total: 20 }, dryRun: true, overrideConditions: false, priority: 10 };

  // It reads every success as the first one documented; the plan is read from the raw answer.
  const answer = await rules.executeAutomationRuleRaw({ id: rule.ruleId, ruleExecution, ...once(), xTenantId });

  const plan = ExecutionPlanResponseFromJSON(await answer.raw.json()).data;
  if (!plan) throw new Error("a plan was asked for");
  equal([plan.wouldRun, plan.conditions[0]?.operator], [false, "greater_than"]);
}

async function retryAFailedExecution(): Promise<void> {
  const id = await execute(await create(call("/nowhere")));
  equal((await reaches(id, ExecutionStatus.Failed)).links?.retry?.method, "POST");

  const meant = { from: ExecutionRetryFromEnum.FailedAction, attempt: 1 };
  const again = await executions.retryAutomationExecution({ id, executionRetry: meant, ...once(), xTenantId });
  equal(again.data.status, ExecutionStatus.Pending);
  await reaches(id, ExecutionStatus.Failed);
  const superseded = executions.retryAutomationExecution({ id, executionRetry: { attempt: 1 } });
  await refused(superseded, 409, "attempt_superseded");

  const afresh = { ruleVersion: ExecutionRetryRuleVersionEnum.Latest, triggerData: { order_id: 1042 } };
  const retried = (await executions.retryAutomationExecution({ id, executionRetry: afresh })).data;
  equal([retried.attempt, retried.triggerData], [3, { order_id: 1042 }]);

  await reaches(id, ExecutionStatus.Failed);
  const first = await executions.listAutomationExecutionAttempts({ id, limit: 2, xTenantId });
  const cursor = present(first.pagination.nextCursor);
  const second = await executions.listAutomationExecutionAttempts({ id, limit: 2, cursor });
  equal(
    [...first.data, ...second.data].map((attempt) => attempt.status),
    ["failed", "failed", "failed"],
  );
  equal(first.links.execution.href.endsWith(id), true);
}

async function cancelARunningExecution(): Promise<void> {
  const waiting = await create(wait());
  const id = await execute(waiting);
  await reaches(id, ExecutionStatus.Running);
  await refused(rules.deleteAutomationRule({ id: waiting.ruleId }), 409, "rule_in_use");

  equal((await executions.cancelAutomationExecution({ id, ...once(), xTenantId })).data.executionId, id);
  await reaches(id, ExecutionStatus.Cancelled);

  equal((await executions.cancelAutomationExecution({ id })).data.status, ExecutionStatus.Cancelled);
  const completed = { id: demo.executions.completed };
  await refused(executions.cancelAutomationExecution(completed), 409, "execution_finished");
  await refused(executions.retryAutomationExecution(completed), 409, "execution_not_retriable");
}

async function changeMany(): Promise<void> {
  const waiting = (await rules.createAutomationRule({ automationRuleInput: wait() })).data;
  const ids = [await execute(waiting), await execute(waiting)];
  const filter = { automationRuleId: [waiting.ruleId] };
  const cancelled = async (): Promise<void> => {
    for (const id of ids) await reaches(id, ExecutionStatus.Cancelled);
  };

  const planned = await executions.cancelAutomationExecutions({ bulkChange: { ids, dryRun: true } });
  equal([planned.data.dryRun, planned.data.done], [true, 2]);
  const changed = await executions.cancelAutomationExecutions({ bulkChange: { ids }, ...once(), xTenantId });
  equal(
    changed.data.results.map((each) => [each.executionId, each.outcome]),
    ids.map((id) => [id, "done"]),
  );
  await cancelled();

  const meant = await executions.retryAutomationExecutions({ bulkRetry: { filter, dryRun: true } });
  equal([meant.data.dryRun, meant.data.done], [true, 2]);
  const bulkRetry = { ids, from: "start" as const, ruleVersion: "original" as const, dryRun: false };
  equal((await executions.retryAutomationExecutions({ bulkRetry, ...once(), xTenantId })).data.done, 2);
  const again = await executions.cancelAutomationExecutions({ bulkChange: { filter } });
  equal([again.data.done, again.data.matched.count, again.data.matched.exact], [2, 2, true]);
  await cancelled();

  const id = present(ids[0]);
  await refused(executions.deleteAutomationExecution({ id, ifMatch: '"another"' }), 412, "precondition_failed");
  const one = { id, ifNoneMatch: '"another"', ...once(), xTenantId };
  equal((await executions.deleteAutomationExecutionRaw(one)).raw.status, 204);
  const rest = { bulkChange: { filter, dryRun: false }, ...once(), xTenantId };
  equal((await executions.deleteAutomationExecutions(rest)).data.done, 1);
  const gone = await executions.deleteAutomationExecutions({ bulkChange: { ids } });
  equal(
    gone.data.results.map((each) => each.code),
    ["execution_not_found", "execution_not_found"],
  );

  const none = { id: crypto.randomUUID(), xTenantId };
  await refused(executions.getBulkOperation(none), 404, "bulk_operation_not_found");
  await refused(executions.listBulkOperationRefusals({ ...none, limit: 1 }), 404, "bulk_operation_not_found");
  await refused(executions.listBulkOperationRefusals({ ...none, cursor: "made-up" }), 400, "invalid_cursor");
}

async function changeMoreThanAThousand(): Promise<void> {
  const filter = { attemptMin: demoOfMany };

  // It reads every success as the first one documented; the operation is read from the raw answer.
  const answer = await executions.cancelAutomationExecutionsRaw({ bulkChange: { filter } });
  equal(answer.raw.status, 202);
  const begun = BulkOperationResponseFromJSON(await answer.raw.json()).data;
  const id = begun.bulkOperationId;
  const over = await until(
    async () => (await executions.getBulkOperation({ id, xTenantId })).data,
    (operation) => operation.status === BulkStatus.Completed,
  );
  const matched = present(begun.matched.count);
  equal([over.done, over.refused, matched > 1000], [0, matched, true]);

  const first = await executions.listBulkOperationRefusalsRaw({ id, limit: 100, xTenantId });
  const page = await first.value();
  const cursor = present(page.pagination.nextCursor);
  const next = await executions.listBulkOperationRefusals({ id, limit: 100, cursor });
  equal([...page.data, ...next.data].every((each) => each.code === "execution_finished"), true);
  equal(new Set([...page.data, ...next.data].map((each) => each.executionId)).size, 200);
  const again = { id, limit: 100 };
  await answeredWith(executions.listBulkOperationRefusals({ ...again, ifNoneMatch: etag(first) }), 304);
  await refused(executions.listBulkOperationRefusals({ ...again, ifMatch: '"another"' }), 412, "precondition_failed");
}

async function deleteIt(rule: AutomationRule): Promise<void> {
  const id = rule.ruleId;
  await refused(rules.deleteAutomationRule({ id, ifMatch: '"another"' }), 412, "precondition_failed");
  const deleted = await rules.deleteAutomationRuleRaw({ id, ifNoneMatch: '"another"', ...once(), xTenantId });
  equal(deleted.raw.status, 204);

  const change = { id, automationRuleReplacement: orders("Too late") };
  await refused(rules.updateAutomationRule(change), 409, "rule_deleted");
  await refused(rules.executeAutomationRule({ id }), 409, "rule_deleted");
}

async function meetProblems(rule: AutomationRule): Promise<void> {
  const id = demo.executions.completed;
  const wanted = { unknown: 401, expired: 401, revoked: 401, no_permission: 403, globex_reader: 404 };
  for (const [name, status] of Object.entries(wanted)) {
    await refused(new ExecutionsApi(as(name)).getAutomationExecution({ id }), status);
  }

  await refused(executions.getAutomationExecution({ id, xTenantId: demo.tenants.globex }), 401);
  await refused(rules.getAutomationRule({ id: crypto.randomUUID() }), 404, "rule_not_found");
  await refused(new RulesApi(as("reader")).deleteAutomationRule({ id: rule.ruleId }), 403, "permission_denied");

  const unknown = { name: "No such action", actions: [{ type: "telegram", config: {} } as unknown as RuleAction] };
  const problem = await refused(rules.createAutomationRule({ automationRuleInput: unknown }), 400);
  equal(problem.errors?.[0]?.pointer, "/actions/0/type");
}

async function readAnExecution(): Promise<void> {
  const answer = await executions.getAutomationExecution({ id: demo.executions.completed, xTenantId });
  const execution = answer.data;

  sameTypes<Same<typeof execution, AutomationExecution>>();
  const status: ExecutionStatus = execution.status;
  equal([status, execution.errorMessage], [ExecutionStatus.Completed, null]);
}

async function create(automationRuleInput: AutomationRuleInput): Promise<AutomationRule> {
  return (await rules.createAutomationRule({ automationRuleInput })).data;
}

/** Run a rule, whatever its conditions say, and return the execution's id. */
async function execute(rule: AutomationRule, labels: Record<string, string> = {}): Promise<string> {
  const ruleExecution = { triggerData: {}, overrideConditions: true, labels };
  const answer = await rules.executeAutomationRuleRaw({ id: rule.ruleId, ruleExecution, xTenantId });
  equal(answer.raw.status, 202);
  return present(answer.raw.headers.get("location")?.split("/").at(-1));
}

/** Wait until an execution has a status. */
async function reaches(id: string, status: ExecutionStatus): Promise<AutomationExecution> {
  return until(
    async () => (await executions.getAutomationExecution({ id })).data,
    (execution) => execution.status === status,
  );
}

/** Return a rule that says everything that a rule can say. */
function orders(name: string): AutomationRuleInput {
  return {
    name,
    description: "Tells the warehouse of every order above 50.",
    status: "active",
    triggerType: "manual",
    triggerConfig: {},
    conditions: [{ field: "trigger.total", operator: "greater_than", value: 50 }],
    conditionLogic: "and",
    actions: [webhook("/orders")],
    executionTimeoutSeconds: 600,
    maxConcurrentExecutions: 5,
    concurrencyPolicy: "queue",
    labels: { event: "order" },
    priority: 0,
  };
}

/** Return a rule that calls the demo's receiver. */
function call(path: string): AutomationRuleInput {
  return { name: `Call ${path}`, status: "active", actions: [webhook(path)] };
}

/** Return a rule that waits for an hour. */
function wait(): AutomationRuleInput {
  return { name: "Wait for an hour", status: "active", actions: [{ type: "wait", config: { seconds: 3600 } }] };
}

/** Return an action that calls the demo's receiver. */
function webhook(path: string): RuleAction {
  const config = { method: "POST", url: `${demo.receiver}${path}`, json: {} };
  return { type: "webhook_call", config, continueOnError: false, timeoutSeconds: 30, retryAttempts: 0 };
}

await lookAtTheService();
await askWhoIsCalling();
await readTheContract();
await lookAtTheActions();
const rule = await writeARule();
await sendItAgain();
await changeIt(rule);
await putItBack(rule);
await patchIt(rule);
await lookAtItsVersions(rule);
await planIt(rule);
await retryAFailedExecution();
await cancelARunningExecution();
await changeMany();
await changeMoreThanAThousand();
await keepASecret();
await startByAWebhook();
await startByAnEvent();
await runItLater();
await previewSchedules();
await findExecutions(rule);
await seeHowItsRunsEnded(rule);
await lookAgain(rule);
await findRules(rule);
await findWhoDidIt(rule);
await deleteIt(rule);
await meetProblems(rule);
await readAnExecution();
