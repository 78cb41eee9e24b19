/**
 * Calls every operation with the generated TypeScript client, as a stranger's program would, and looks at each answer.
 *
 * Its environment says where the service is (`BASE_URL`) and what its demo.json says (`DEMO`).
 */

import {
  createClient,
  iterate,
  RefusedError,
  type AutomationExecution,
  type AutomationExecutionAttempt,
  type AutomationExecutionResponse,
  type AutomationExecutionSummary,
  type AutomationRule,
  type AutomationRuleInput,
  type AutomationRulePatch,
  type BulkChangeResponse,
  type BulkChangeResult,
  type BulkOperationResponse,
  type ContractDocument,
  type ExecutionLinks,
  type ExecutionPlanResponse,
  type ExecutionStatus,
  type Problem,
  type RuleAction,
  type RuleStatus,
} from "automation-executions-client";
import { baseUrl, demo, demoOfMany, equal, key, present, type Same, sameTypes, tenant, until } from "./demo.js";

const EVENTS = "/api/v1/automation/events";
const ROTATE = "/api/v1/automation/rules/{id}/hook/rotate";
const DOCUMENT = "/api/v1/automation/rules/{id}/openapi.json";
const HOOK = "/api/v1/automation/hooks/{token}";
const PREVIEW = "/api/v1/automation/schedules/preview";
const ME = "/api/v1/me";
const ACTIONS = "/api/v1/automation/actions";
const SECRETS = "/api/v1/automation/secrets";
const SECRET = "/api/v1/automation/secrets/{name}";
const STATISTICS = "/api/v1/automation/rules/{id}/statistics";
const EXECUTIONS = "/api/v1/automation/executions";
const VERSIONS = "/api/v1/automation/rules/{id}/versions";
const VERSION = "/api/v1/automation/rules/{id}/versions/{version}";
const EXECUTION = "/api/v1/automation/executions/{id}";
const ATTEMPTS = "/api/v1/automation/executions/{id}/attempts";
const CANCEL = "/api/v1/automation/executions/{id}/cancel";
const RETRY = "/api/v1/automation/executions/{id}/retry";
const AUDIT = "/api/v1/audit-events";
const BULK_OPERATION = "/api/v1/automation/bulk_operations/{id}";
const BULK_REFUSALS = "/api/v1/automation/bulk_operations/{id}/refusals";
const MANY = {
  cancel: "/api/v1/automation/executions/cancel",
  delete: "/api/v1/automation/executions/delete",
  retry: "/api/v1/automation/executions/retry",
} as const;
const RULES = "/api/v1/automation/rules";
const RULE = "/api/v1/automation/rules/{id}";
const EXECUTE = "/api/v1/automation/rules/{id}/execute";

const operator = createClient({ baseUrl, apiKey: key("operator") });
const reader = createClient({ baseUrl, apiKey: key("reader") });
const header = { "x-tenant-id": tenant };

interface Answer<T> {
  data?: T;
  error?: Problem | undefined;
  response: Response;
}

/** Return what a call that went well answered. */
function good<T>({ data, error }: Answer<T>): T {
  if (data === undefined) throw new Error(JSON.stringify(error));
  return data;
}

/** Return what became of many executions that were changed at once: there were not so many that it took a while. */
function atOnce(answer: Answer<BulkChangeResponse | BulkOperationResponse>): BulkChangeResult {
  const { data } = good(answer);
  if (!("results" in data)) throw new Error(JSON.stringify(data));
  return data;
}

/** Return the problem that a call was answered with, of this status and code. */
function refused({ error, response }: Answer<unknown>, status: number, code?: string): Problem {
  const problem = present(error);
  equal([response.status, problem.status], [status, status]);
  if (code !== undefined) equal(problem.code, code);
  return problem;
}

/** Return the header of a request that is to be done once, however often it is sent. */
function once(): { "Idempotency-Key": string } {
  return { "Idempotency-Key": crypto.randomUUID() };
}

function etag(response: Response): string {
  return present(response.headers.get("etag"));
}

async function lookAtTheService(): Promise<void> {
  equal(good(await reader.GET("/healthz")).status, "alive");
  equal(good(await reader.GET("/readyz")).status, "ready");
}

async function askWhoIsCalling(): Promise<void> {
  const caller = good(await operator.GET(ME, { params: { header } })).data;
  equal([caller.tenant.id, caller.roles, caller.key.usage_limit], [tenant, ["operator"], null]);
}

/** Return all that an iterator yields. */
async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

async function lookAtItsVersions(rule: AutomationRule): Promise<void> {
  const path = { id: rule.rule_id };
  const versions = await all(
    iterate((page) => operator.GET(VERSIONS, { params: { path, header, query: { limit: 1, ...page } } })),
  );
  equal(
    versions.map((each) => [each.version, each.changed]),
    [
      [3, ["priority"]],
      [2, ["name"]],
      [1, []],
    ],
  );

  const first = await operator.GET(VERSION, { params: { path: { ...path, version: 1 }, header } });
  equal(good(first).data.name, rule.name);
  const none = await operator.GET(VERSION, { params: { path: { ...path, version: 4 } } });
  refused(none, 404, "rule_version_not_found");
}

async function findExecutions(rule: AutomationRule): Promise<void> {
  const ids: string[] = [];
  for (let number = 0; number < 3; number += 1) {
    const id = await execute(rule);
    await reaches(id, "completed");
    ids.push(id);
  }
  const number = crypto.randomUUID();
  const labelled = await execute(rule, { number, env: "prod" });
  const labels = { label: [`number:${number}`, "env:prod"] };
  const [item, ...others] = await all(
    iterate((page) => operator.GET(EXECUTIONS, { params: { query: { ...labels, ...page } } })),
  );
  equal([item?.execution_id, item?.labels, others], [labelled, { env: "prod", event: "order", number }, []]);
  await reaches(labelled, "completed");
  ids.push(labelled);
  const [before, after] = ["2020-01-01T00:00:00Z", "2999-01-01T00:00:00+01:00"];
  const filters = {
    status: ["completed", "running"] satisfies ExecutionStatus[],
    automation_rule_id: [rule.rule_id],
    trigger_type: "manual" as const,
    ...{ created_from: before, created_to: after, started_from: before, started_to: after },
    ...{ completed_from: before, completed_to: after, duration_min_ms: 0, duration_max_ms: 1e6, attempt_min: 1 },
    sort: "created_at" as const,
    limit: 1,
  };

  const found: AutomationExecutionSummary[] = await all(
    iterate((page) => operator.GET(EXECUTIONS, { params: { header, query: { ...filters, ...page } } })),
  );
  equal(
    found.map((each) => each.execution_id),
    ids,
  );

  const query = { error_contains: "NO SUCH ERROR", include_total: true };
  const none = good(await operator.GET(EXECUTIONS, { params: { query } }));
  equal([none.data, none.pagination.total], [[], { count: 0, exact: true }]);

  const refusal = await all(iterate(() => operator.GET(EXECUTIONS, { params: { query: { cursor: "made-up" } } }))).catch(
    (error: unknown) => error,
  );
  if (!(refusal instanceof RefusedError)) throw new Error("a made-up cursor was taken");
  equal(refusal.problem?.code, "invalid_cursor");
}

async function findRules(rule: AutomationRule): Promise<void> {
  const query = {
    ...{ status: ["active" as const], trigger_type: "manual" as const, name: "Tell the other", deleted: false },
    label: ["event:order"],
    ...{ sort: "-created_at" as const, limit: 1, include_total: false },
  };
  const found = await all(
    iterate((page) => operator.GET(RULES, { params: { header, query: { ...query, ...page } } })),
  );
  equal(
    found.some((each) => each.rule_id === rule.rule_id),
    true,
  );
  const every = await all(iterate((page) => operator.GET(RULES, { params: { query: { limit: 1, ...page } } })));
  equal(every.length > 1, true);
}

async function findWhoDidIt(rule: AutomationRule): Promise<void> {
  const [before, after] = ["2020-01-01T00:00:00Z", "2999-01-01T00:00:00+01:00"];
  const query = {
    ...{ action: ["createAutomationRule", "deleteAutomationRule"], outcome: "done" as const, actor: "user" as const },
    ...{ user_id: rule.created_by, resource_type: "rule" as const, resource_id: rule.rule_id },
    ...{ created_from: before, created_to: after },
    ...{ sort: "-created_at" as const, limit: 1, include_total: false },
  };
  const found = await all(
    iterate((page) => operator.GET(AUDIT, { params: { header, query: { ...query, ...page } } })),
  );
  equal(
    found.map((each) => each.action),
    ["createAutomationRule"],
  );
  const newest = await operator.GET(AUDIT, { params: { query: { limit: 1 } } });
  const cursor = present(good(newest).pagination.next_cursor);
  equal(good(await operator.GET(AUDIT, { params: { query: { limit: 1, cursor } } })).data.length, 1);
}

async function readTheContract(): Promise<void> {
  const json = await reader.GET("/api/v1/openapi.json");
  const document: ContractDocument = good(json);
  equal(document.openapi, "3.0.3");
  const known = { header: { "If-None-Match": etag(json.response) } };
  equal((await reader.GET("/api/v1/openapi.json", { params: known })).response.status, 304);
  const another = { header: { "If-Match": '"another"' } };
  refused(await reader.GET("/api/v1/openapi.json", { params: another }), 412, "precondition_failed");

  const yaml = await reader.GET("/api/v1/openapi.yaml", { parseAs: "text" });
  const text = good(yaml);
  sameTypes<Same<typeof text, string>>();
  equal(text.startsWith("openapi: 3.0.3"), true);
  const knownYaml = { header: { "If-None-Match": etag(yaml.response) } };
  equal((await reader.GET("/api/v1/openapi.yaml", { params: knownYaml, parseAs: "text" })).response.status, 304);
  const still = { header: { "If-Match": etag(yaml.response) } };
  equal(good(await reader.GET("/api/v1/openapi.yaml", { params: still, parseAs: "text" })), text);
}

async function lookAtTheActions(): Promise<void> {
  const types = good(await reader.GET(ACTIONS, { params: { header } })).data;
  const names = types.map((each) => each.type);
  equal(
    ["email_notification", "wait", "webhook_call"].filter((name) => !names.includes(name)),
    [],
  );
  const webhook = present(types.find((each) => each.type === "webhook_call"));
  equal([webhook.waits, webhook.config_schema["required"], webhook.example !== undefined], [false, ["url"], true]);
}

async function keepASecret(): Promise<void> {
  const path = { name: `TOKEN_${crypto.randomUUID().replaceAll("-", "")}` };
  const params = { path, header: { ...header, ...once() } };
  const body = { value: "4f9d2c71e8b35a60" };
  const kept = await operator.PUT(SECRET, { params, body });
  const again = await operator.PUT(SECRET, { params, body });
  equal([kept.response.status, again.response.status], [201, 201]);
  equal(good(again).data, good(kept).data);

  const known = await operator.GET(SECRET, { params: { path, header } });
  equal(good(known).data, good(kept).data);
  const second = { name: `${path.name}_2` };
  equal((await operator.PUT(SECRET, { params: { path: second }, body })).response.status, 201);
  const secrets = await all(
    iterate((page) => operator.GET(SECRETS, { params: { header, query: { limit: 1, ...page } } })),
  );
  equal([secrets[0]?.name, secrets[1]?.name], [second.name, path.name]);

  const deleted = await operator.DELETE(SECRET, { params: { path, header: { ...header, ...once() } } });
  equal(deleted.response.status, 204);
  await operator.DELETE(SECRET, { params: { path: second } });
  refused(await operator.GET(SECRET, { params: { path } }), 404, "secret_not_found");
}

async function startByAWebhook(): Promise<void> {
  const body: AutomationRuleInput = {
    ...{ name: "Take orders", status: "active", actions: [webhook("/orders")] },
    ...{ trigger_type: "webhook", trigger_config: { headers: ["X-Shop"] } },
  };
  const { hook, data: rule } = good(await operator.POST(RULES, { body }));
  const path = { token: present(hook).token };

  // Nothing but the token says who may; the order's shop is in the query.
  const query = { source: "shop" } as object;
  const delivered = good(await operator.POST(HOOK, { params: { path, query }, body: { order_id: 1042 } })).data;
  const ended = await reaches(delivered.execution_id, "completed");
  equal([ended.trigger_data?.["body"], ended.trigger_data?.["query"]], [{ order_id: 1042 }, { source: "shop" }]);
  refused(await operator.POST(HOOK, { params: { path: { token: "no-such-token" } }, body: {} }), 404, "not_found");

  const rotation = { path: { id: rule.rule_id }, header: { ...header, ...once() } };
  const rotated = good(await operator.POST(ROTATE, { params: rotation, body: { overlap_seconds: 0 } }));
  equal(rotated.data.rule_id, rule.rule_id);
  refused(await operator.POST(HOOK, { params: { path }, body: {} }), 404, "not_found");
}

async function startByAnEvent(): Promise<void> {
  const type = `order.${crypto.randomUUID()}`;
  const body: AutomationRuleInput = {
    ...{ name: "Take orders", status: "active", actions: [webhook("/orders")] },
    ...{ trigger_type: "event", trigger_config: { types: [type] } },
  };
  const waiting = good(await operator.POST(RULES, { body })).data;

  // openapi-fetch names every body JSON; one that is an event is named here.
  const headers = { "content-type": "application/cloudevents+json" };
  const origin = { specversion: "1.0" as const, source: "/shop", type };
  const event = {
    ...{ ...origin, id: crypto.randomUUID(), subject: "1042", time: new Date().toISOString() },
    ...{ datacontenttype: "application/json", dataschema: "https://shop.example/order", data: { order_id: 1042 } },
  };
  const params = { header: { ...header, ...once() } };
  const published = good(await operator.POST(EVENTS, { params, headers, body: event })).data;
  const again = good(await operator.POST(EVENTS, { headers, body: event })).data;
  equal(
    published[0]?.executions.map((each) => each.automation_rule_id),
    [waiting.rule_id],
  );
  equal(again, published);
  const raw = { ...origin, id: crypto.randomUUID(), data_base64: "AQID" };
  equal(good(await operator.POST(EVENTS, { headers, body: raw })).data[0]?.executions.length, 1);
}

async function runItLater(): Promise<void> {
  const input_schema = { type: "object", required: ["order_id"] };
  const keys = { concurrency_key: "${trigger.order_id}", deduplication_key: "${trigger.order_id}", debounce_seconds: 30 };
  const body: AutomationRuleInput = { ...call("/orders"), input_schema, max_concurrent_executions: 1, ...keys };
  const rule = good(await operator.POST(RULES, { body })).data;
  const path = { id: rule.rule_id };
  equal(good(await operator.PATCH(RULE, { params: { path }, body: { input_schema, ...keys } })).data.version, rule.version);

  const [run_at, expires_at] = [1, 2].map((hours) => new Date(Date.now() + hours * 3_600_000).toISOString());
  const trigger_data = { order_id: 1042 };
  const times = [{ run_at: present(run_at), expires_at: present(expires_at) }, { delay: "PT1H" }];
  for (const time of times) {
    const { data } = good(await operator.POST(EXECUTE, { params: { path }, body: { trigger_data, ...time } }));
    if (!data || !("execution_id" in data)) throw new Error(JSON.stringify(data));
    equal(data.run_at !== undefined, true);
    good(await operator.POST(CANCEL, { params: { path: { id: data.execution_id } } }));
  }
  refused(await operator.POST(EXECUTE, { params: { path }, body: {} }), 422, "invalid_input");

  const read = await operator.GET(DOCUMENT, { params: { path, header } });
  equal(good(read).openapi.startsWith("3.1"), true);
  const known = { path, header: { "If-None-Match": etag(read.response) } };
  equal((await operator.GET(DOCUMENT, { params: known })).response.status, 304);
  const another = { path, header: { "If-Match": '"another"' } };
  refused(await operator.GET(DOCUMENT, { params: another }), 412, "precondition_failed");
}

async function previewSchedules(): Promise<void> {
  const [night, after] = ["2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z"];
  const nightly = { cron: "30 2 * * *", timezone: "Europe/Berlin", after: night };
  const { data } = good(await operator.GET(PREVIEW, { params: { header, query: nightly } }));
  equal(data.times.slice(0, 2), ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);

  const query = { every: "PT2H", anchor: night, starts_at: night, ends_at: after, after: night };
  equal(good(await operator.GET(PREVIEW, { params: { query } })).data.times[0], "2026-03-28T14:00:00Z");
  refused(await operator.GET(PREVIEW), 400, "invalid_parameter");
}

async function seeHowItsRunsEnded(rule: AutomationRule): Promise<void> {
  const path = { id: rule.rule_id };
  const told = await until(
    async () => good(await operator.GET(STATISTICS, { params: { path, header } })).data,
    (statistics) => statistics.runs.completed > 0,
  );
  const p95: number | null = told.duration_ms.p95;
  equal([told.failure_rate, told.bucket, told.time_zone, p95 !== null], [0, "hour", "UTC", true]);

  const [from, to] = [-2, 1].map((days) => new Date(Date.now() + days * 86_400_000).toISOString());
  const query = { from: present(from), to: present(to), bucket: "day" as const, time_zone: "Europe/Berlin" };
  const byDay = good(await operator.GET(STATISTICS, { params: { path, query } })).data;
  const completed = byDay.buckets.reduce((sum, each) => sum + each.runs.completed, 0);
  equal(completed >= told.runs.completed, true);
}

async function lookAgain(rule: AutomationRule): Promise<void> {
  const path = { id: rule.rule_id };
  const execution = { id: demo.executions.completed };
  const old = { created_to: "2020-01-01T00:00:00Z" };
  const to = "2020-01-01T00:00:00Z";
  type Conditions = { "If-Match"?: string; "If-None-Match"?: string };
  const reads: ((header: Conditions) => Promise<Answer<unknown>>)[] = [
    (header) => operator.GET(ACTIONS, { params: { header } }),
    (header) => operator.GET(AUDIT, { params: { header, query: old } }),
    (header) => operator.GET(EXECUTION, { params: { header, path: execution } }),
    (header) => operator.GET(ATTEMPTS, { params: { header, path: execution } }),
    (header) => operator.GET(EXECUTIONS, { params: { header, query: old } }),
    (header) => operator.GET(RULES, { params: { header } }),
    (header) => operator.GET(STATISTICS, { params: { header, path, query: { to } } }),
    (header) => operator.GET(VERSIONS, { params: { header, path } }),
    (header) => operator.GET(VERSION, { params: { header, path: { ...path, version: 1 } } }),
    (header) => operator.GET(SECRETS, { params: { header } }),
  ];
  for (const read of reads) {
    const known = { "If-None-Match": etag((await read({})).response) };
    equal((await read(known)).response.status, 304);
    refused(await read({ "If-Match": '"another"' }), 412, "precondition_failed");
  }
}

async function writeARule(): Promise<AutomationRule> {
  const created = await operator.POST(RULES, { params: { header }, body: orders("Tell the warehouse") });
  const rule: AutomationRule = good(created).data;
  sameTypes<Same<typeof rule.status, RuleStatus>>();
  equal([created.response.status, rule.status, rule.tenant], [201, "active", tenant]);
  equal(created.response.headers.get("location"), rule._links.self.href);

  const path = { id: rule.rule_id };
  const read = await operator.GET(RULE, { params: { path, header } });
  equal(good(read).data, rule);
  const known = { path, header: { ...header, "If-None-Match": etag(read.response) } };
  equal((await operator.GET(RULE, { params: known })).response.status, 304);
  const another = { path, header: { "If-Match": '"another"' } };
  refused(await operator.GET(RULE, { params: another }), 412, "precondition_failed");
  return rule;
}

async function sendItAgain(): Promise<void> {
  const params = { header: once() };
  const first = await operator.POST(RULES, { params, body: orders("Tell the warehouse once") });
  const again = await operator.POST(RULES, { params, body: orders("Tell the warehouse once") });

  equal(first.response.headers.get("idempotency-replayed"), null);
  equal(again.response.headers.get("idempotency-replayed"), "true");
  equal(good(again).data, good(first).data);
  refused(await operator.POST(RULES, { params, body: orders("Tell it twice") }), 422, "idempotency_key_reused");
}

async function changeIt(rule: AutomationRule): Promise<void> {
  const path = { id: rule.rule_id };
  const { response } = await operator.GET(RULE, { params: { path } });
  const params = { path, header: { ...header, ...once(), "If-Match": etag(response) } };
  const body = orders("Tell the other warehouse");

  equal(good(await operator.PUT(RULE, { params, body })).data.version, rule.version + 1);
  const late = { path, header: { "If-Match": etag(response) } };
  refused(await operator.PUT(RULE, { params: late, body }), 412, "precondition_failed");
  const already = { path, header: { "If-None-Match": "*" } };
  refused(await operator.PUT(RULE, { params: already, body }), 412, "precondition_failed");
}

async function putItBack(rule: AutomationRule): Promise<void> {
  const params = { path: { id: rule.rule_id } };
  const read = good(await operator.GET(RULE, { params })).data;

  // What is read may have actions of types that this client doesn't know; here it has none.
  const body = { ...read, actions: read.actions as RuleAction[] };

  equal(good(await operator.PUT(RULE, { params, body })).data, read);
}

async function patchIt(rule: AutomationRule): Promise<void> {
  const path = { id: rule.rule_id };
  const { response } = await operator.GET(RULE, { params: { path } });
  const preconditions = { "If-Match": etag(response), "If-None-Match": '"another"' };
  const params = { path, header: { ...header, ...once(), ...preconditions } };
  const body: AutomationRulePatch = { ...orders("Tell the other warehouse"), priority: 1 };

  const patched = good(await operator.PATCH(RULE, { params, body })).data;
  equal(patched.priority, 1);
  equal(good(await operator.PATCH(RULE, { params: { path }, body: { priority: 1 } })).data, patched);
}

async function planIt(rule: AutomationRule): Promise<void> {
  const answer = good(
    await operator.POST(EXECUTE, {
      params: { path: { id: rule.rule_id }, header: { ...header, ...once() } },
      body: { trigger_data: { total: 20 }, dry_run: true, override_conditions: false, priority: 10 },
    }),
  );

  sameTypes<Same<typeof answer, ExecutionPlanResponse | AutomationExecutionResponse>>();
  const { data } = answer;
  if (!data || !("would_run" in data)) throw new Error("a plan was asked for");
  equal([data.would_run, data.conditions[0]?.operator], [false, "greater_than"]);
}

async function retryAFailedExecution(): Promise<void> {
  const broken = good(await operator.POST(RULES, { body: call("/nowhere") })).data;
  const id = await execute(broken);
  const path = { id };
  equal((await reaches(id, "failed"))._links?.retry?.method, "POST");

  const meant = { from: "failed_action" as const, attempt: 1 };
  const again = await operator.POST(RETRY, { params: { path, header: { ...header, ...once() } }, body: meant });
  equal(good(again).data.status, "pending");
  await reaches(id, "failed");
  refused(await operator.POST(RETRY, { params: { path }, body: { attempt: 1 } }), 409, "attempt_superseded");

  const afresh = { rule_version: "latest" as const, trigger_data: { order_id: 1042 } };
  const retried = good(await operator.POST(RETRY, { params: { path }, body: afresh })).data;
  equal([retried.attempt, retried.trigger_data], [3, { order_id: 1042 }]);

  await reaches(id, "failed");
  const attempts: AutomationExecutionAttempt[] = await all(
    iterate((page) => operator.GET(ATTEMPTS, { params: { path, header, query: { limit: 1, ...page } } })),
  );
  const statuses: ExecutionStatus[] = attempts.map((attempt) => attempt.status);
  equal(statuses, ["failed", "failed", "failed"]);
  const page = good(await operator.GET(ATTEMPTS, { params: { path } }));
  equal(page._links.execution.href.endsWith(id), true);
}

async function cancelARunningExecution(): Promise<void> {
  const waiting = good(await operator.POST(RULES, { body: wait() })).data;
  const path = { id: await execute(waiting) };
  await reaches(path.id, "running");
  refused(await operator.DELETE(RULE, { params: { path: { id: waiting.rule_id } } }), 409, "rule_in_use");

  const cancelled = await operator.POST(CANCEL, { params: { path, header: { ...header, ...once() } } });
  equal(good(cancelled).data.execution_id, path.id);
  equal([200, 202].includes(cancelled.response.status), true);
  await reaches(path.id, "cancelled");

  equal((await operator.POST(CANCEL, { params: { path } })).response.status, 200);
  const completed = { id: demo.executions.completed };
  refused(await operator.POST(CANCEL, { params: { path: completed } }), 409, "execution_finished");
  refused(await operator.POST(RETRY, { params: { path: completed } }), 409, "execution_not_retriable");
}

async function changeMany(): Promise<void> {
  const waiting = good(await operator.POST(RULES, { body: wait() })).data;
  const ids = [await execute(waiting), await execute(waiting)];
  const filter = { automation_rule_id: [waiting.rule_id] };
  const cancelled = async (): Promise<void> => {
    for (const id of ids) await reaches(id, "cancelled");
  };

  const planned = atOnce(await operator.POST(MANY.cancel, { body: { ids, dry_run: true } }));
  equal([planned.dry_run, planned.done], [true, 2]);
  const params = (): { header: Record<string, string> } => ({ header: { ...header, ...once() } });
  const changed = atOnce(await operator.POST(MANY.cancel, { params: params(), body: { ids } }));
  equal(
    changed.results.map((each) => [each.execution_id, each.outcome]),
    ids.map((id) => [id, "done"]),
  );
  await cancelled();

  const meant = atOnce(await operator.POST(MANY.retry, { body: { filter, dry_run: true } }));
  equal([meant.dry_run, meant.done], [true, 2]);
  const how = { ids, from: "start" as const, rule_version: "original" as const, dry_run: false };
  equal(atOnce(await operator.POST(MANY.retry, { params: params(), body: how })).done, 2);
  const again = atOnce(await operator.POST(MANY.cancel, { body: { filter } }));
  equal([again.done, again.matched.count, again.matched.exact], [2, 2, true]);
  await cancelled();

  const path = { id: present(ids[0]) };
  const late = await operator.DELETE(EXECUTION, { params: { path, header: { "If-Match": '"another"' } } });
  refused(late, 412, "precondition_failed");
  const unlike = { ...header, ...once(), "If-None-Match": '"another"' };
  equal((await operator.DELETE(EXECUTION, { params: { path, header: unlike } })).response.status, 204);
  const deleted = atOnce(await operator.POST(MANY.delete, { params: params(), body: { filter, dry_run: false } }));
  equal(deleted.done, 1);
  const gone = atOnce(await operator.POST(MANY.delete, { body: { ids } }));
  equal(
    gone.results.map((each) => each.code),
    ["execution_not_found", "execution_not_found"],
  );

  const nowhere = { path: { id: crypto.randomUUID() }, header };
  refused(await operator.GET(BULK_OPERATION, { params: nowhere }), 404, "bulk_operation_not_found");
  const first = { ...nowhere, query: { limit: 1 } };
  refused(await operator.GET(BULK_REFUSALS, { params: first }), 404, "bulk_operation_not_found");
  const lost = { ...nowhere, query: { cursor: "made-up" } };
  refused(await operator.GET(BULK_REFUSALS, { params: lost }), 400, "invalid_cursor");
}

async function changeMoreThanAThousand(): Promise<void> {
  const filter = { attempt_min: demoOfMany };
  const begun = good(await operator.POST(MANY.cancel, { body: { filter } })).data;
  if (!("bulk_operation_id" in begun)) throw new Error(JSON.stringify(begun));
  const path = { id: begun.bulk_operation_id };
  const over = await until(
    async () => good(await operator.GET(BULK_OPERATION, { params: { path, header } })).data,
    (operation) => operation.status === "completed",
  );
  const matched = present(begun.matched.count);
  equal([over.done, over.refused, matched > 1000], [0, matched, true]);

  const query = { limit: 100 };
  const refusals = await all(
    iterate((page) => operator.GET(BULK_REFUSALS, { params: { path, header, query: { ...query, ...page } } })),
  );
  equal(new Set(refusals.map((each) => each.execution_id)).size, matched);
  equal([...new Set(refusals.map((each) => each.code))], ["execution_finished"]);
  const read = (conditions: { "If-Match"?: string; "If-None-Match"?: string }) =>
    operator.GET(BULK_REFUSALS, { params: { path, header: conditions, query } });
  const known = { "If-None-Match": etag((await read({})).response) };
  equal((await read(known)).response.status, 304);
  refused(await read({ "If-Match": '"another"' }), 412, "precondition_failed");
}

async function deleteIt(rule: AutomationRule): Promise<void> {
  const path = { id: rule.rule_id };
  const late = await operator.DELETE(RULE, { params: { path, header: { "If-Match": '"another"' } } });
  refused(late, 412, "precondition_failed");
  const unlike = { ...header, ...once(), "If-None-Match": '"another"' };
  const deleted = await operator.DELETE(RULE, { params: { path, header: unlike } });
  equal([deleted.response.status, deleted.error], [204, undefined]);

  refused(await operator.PUT(RULE, { params: { path }, body: orders("Too late") }), 409, "rule_deleted");
  refused(await operator.POST(EXECUTE, { params: { path } }), 409, "rule_deleted");
}

async function meetProblems(rule: AutomationRule): Promise<void> {
  const path = { id: demo.executions.completed };
  const wanted = { unknown: 401, expired: 401, revoked: 401, no_permission: 403, globex_reader: 404 };
  for (const [name, status] of Object.entries(wanted)) {
    refused(await createClient({ baseUrl, apiKey: key(name) }).GET(EXECUTION, { params: { path } }), status);
  }

  const otherTenant = demo.tenants.globex;
  refused(await reader.GET(EXECUTION, { params: { path, header: { "x-tenant-id": otherTenant } } }), 401);
  const stranger = createClient({ baseUrl, apiKey: key("reader"), tenant: otherTenant });
  refused(await stranger.GET(EXECUTION, { params: { path } }), 401);
  refused(await reader.GET(RULE, { params: { path: { id: crypto.randomUUID() } } }), 404, "rule_not_found");
  refused(await reader.DELETE(RULE, { params: { path: { id: rule.rule_id } } }), 403, "permission_denied");

  const unknown = { name: "No such action", actions: [{ type: "telegram", config: {} } as unknown as RuleAction] };
  const problem = refused(await operator.POST(RULES, { body: unknown }), 400);
  equal(problem.errors?.[0]?.pointer, "/actions/0/type");
}

async function readAnExecution(): Promise<void> {
  const { data, error } = await reader.GET(EXECUTION, { params: { path: { id: demo.executions.completed }, header } });
  sameTypes<Same<typeof error, Problem | undefined>>();
  const execution = present(data).data;

  sameTypes<Same<typeof execution, AutomationExecution>>();
  sameTypes<Same<typeof execution._links, ExecutionLinks | undefined>>();
  sameTypes<Same<typeof execution.error_message, string | null | undefined>>();
  const status: ExecutionStatus = execution.status;
  equal([status, execution.error_message], ["completed", null]);
}

/** Run a rule, whatever its conditions say, and return the execution's id. */
async function execute(rule: AutomationRule, labels: Record<string, string> = {}): Promise<string> {
  const body = { trigger_data: {}, override_conditions: true, labels };
  const { data } = good(await operator.POST(EXECUTE, { params: { path: { id: rule.rule_id }, header }, body }));
  if (!data || !("execution_id" in data)) throw new Error("an execution was asked for");
  return data.execution_id;
}

/** Wait until an execution has a status. */
async function reaches(id: string, status: ExecutionStatus): Promise<AutomationExecution> {
  return until(
    async () => good(await operator.GET(EXECUTION, { params: { path: { id } } })).data,
    (execution) => execution.status === status,
  );
}

/** Return a rule that says everything that a rule can say. */
function orders(name: string): AutomationRuleInput {
  return {
    name,
    description: "Tells the warehouse of every order above 50.",
    status: "active",
    trigger_type: "manual",
    trigger_config: {},
    conditions: [{ field: "trigger.total", operator: "greater_than", value: 50 }],
    condition_logic: "and",
    actions: [webhook("/orders")],
    execution_timeout_seconds: 600,
    max_concurrent_executions: 5,
    concurrency_policy: "queue",
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
  return { type: "webhook_call", config, continue_on_error: false, timeout_seconds: 30, retry_attempts: 0 };
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
